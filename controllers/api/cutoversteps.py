"""The steps of a cutover and the two sides: the words that the spec, the journal and the gates have in common."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """Where the service lives: which side takes writes."""

    SOURCE = "Source"
    TARGET = "Target"
    NEITHER = "Neither"


class Step(StrEnum):
    """One piece of work: begun, done and written down as one, and begun anew when it was cut off."""

    PREFLIGHT = "Preflight"
    ADAPT = "Adapt"
    REHEARSE = "Rehearse"
    START_TRIAL = "StartTrial"
    STRESS_TRIAL = "StressTrial"
    END_TRIAL = "EndTrial"
    FREEZE_SOURCE = "FreezeSource"
    FINAL_SYNC = "FinalSync"
    VERIFY_COPY = "VerifyCopy"
    SWITCH_CALLERS = "SwitchCallers"
    VERIFY_ZONES = "VerifyZones"
    UNFREEZE_TARGET = "UnfreezeTarget"
    WATCH = "Watch"
    RETAIN = "Retain"
    FREEZE_TARGET = "FreezeTarget"
    COUNT_LOSSES = "CountLosses"
    RETURN_CALLERS = "ReturnCallers"
    UNFREEZE_SOURCE = "UnfreezeSource"
    RELEASE = "Release"


class Event(StrEnum):
    """What a line of the journal says of a step."""

    BEGUN = "Begun"
    DONE = "Done"
    FAILED = "Failed"
