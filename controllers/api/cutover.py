"""`Cutover`: moving a live system from where it is onto the cloud, and back if need be: a contract, signed by both.

The spec says what moves and what was agreed; `stage` says how far it shall go now. Nothing in it is secret: keys and
passwords are the operator's, or are made on the hosts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import Rule, list_map, with_rules
from controllers.api.cutoversteps import Step
from controllers.api.fields import EntryName, LongText, ObjectName, UserName
from controllers.api.moves import Moves, Service, Source
from controllers.api.times import UtcTime
from infra.stackplan import canonical_digest
from infra.wire import WireModel

LEAST_RETENTION_DAYS = 90
DAY_SECONDS = 86_400.0


class Stage(StrEnum):
    """How far the cutover shall go. Each includes the ones before it, and RollBack leads back from Cut."""

    PREPARE = "Prepare"
    REHEARSE = "Rehearse"
    TRIAL = "Trial"
    CUT = "Cut"
    ROLL_BACK = "RollBack"
    RELEASE = "Release"


class When(StrEnum):
    """Where a hook belongs."""

    BEFORE = "Before"
    AFTER = "After"


class Hook(WireModel):
    """A play of the department's own, run as a part of a step."""

    name: Annotated[EntryName, Field(description="Name of a file `<name>.yml` in the operator's folder of hooks.")]
    step: Annotated[Step, Field(description="The step it belongs to.")]
    when: Annotated[When, Field(description="Before or after the step's own work.")] = When.AFTER


class Stress(WireModel):
    """What the target has to bear in the trial."""

    requests_per_second: Annotated[int, Field(ge=1, le=10_000, description="Load.")] = 20
    seconds: Annotated[int, Field(ge=1, le=3600, description="For how long.")] = 60
    p95_milliseconds: Annotated[int, Field(ge=1, le=60_000, description="95 of 100 answers come as soon.")] = 1000
    errors_per_thousand: Annotated[int, Field(ge=0, le=1000, description="How many answers may fail.")] = 0


class Trial(WireModel):
    """The trial run on the cloud, beside the original."""

    days: Annotated[int, Field(ge=1, le=365, description="How long it lasts at least.")] = 30
    stress: Annotated[Stress, Field(description="The stress test.")] = Stress()


class Overrun(StrEnum):
    """What becomes of a cut whose window ends after callers were switched and before the target was opened."""

    COMPLETE = "Complete"
    ROLL_BACK = "RollBack"


class Window(WireModel):
    """When the system may be cut over. What is not switched by its end goes back."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(Rule("self.opens < self.closes", "must be after `opens`", field=".closes"))
    )

    opens: Annotated[UtcTime, Field(description="No step of the cut begins before.")]
    closes: Annotated[UtcTime, Field(description="No new step of the cut begins after.")]
    overrun: Annotated[
        Overrun, Field(description="If callers are switched already by then: complete it all the same, or roll back.")
    ] = Overrun.ROLL_BACK


class Supervision(WireModel):
    """The time after the switch in which somebody looks."""

    minutes: Annotated[int, Field(ge=1, le=43_200, description="How long.")] = 60
    roll_back_after_failures: Annotated[
        int, Field(ge=0, le=1000, description="Health checks that fail in a row until it is rolled back; 0: never.")
    ] = 5
    may_lose_writes: Annotated[
        int,
        Field(ge=0, le=1_000_000_000, description="Rolled back by itself only if no more writes than these are lost."),
    ] = 0


class Keep(StrEnum):
    """How the original is kept."""

    POWERED_OFF = "PoweredOff"
    READ_ONLY = "ReadOnly"


class Disposal(StrEnum):
    """What becomes of the original at last."""

    ERASE = "Erase"
    RETURN = "Return"


class Retention(WireModel):
    """The original is kept, so that the way back stays open."""

    days: Annotated[
        int, Field(ge=LEAST_RETENTION_DAYS, le=3650, description="Days from the switch; three months at least.")
    ] = LEAST_RETENTION_DAYS
    keep: Annotated[Keep, Field(description="Powered off, or read-only.")] = Keep.READ_ONLY
    afterwards: Annotated[Disposal, Field(description="What a release does: erase, or give the hosts back.")] = (
        Disposal.RETURN
    )


class RollBack(WireModel):
    """What is said by whoever asks for a rollback after the switch."""

    loses: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[0-9a-f]{64}$",
            description="Digest of the writes that are lost by it, as `status.losses` lists them.",
        ),
    ]
    reason: Annotated[LongText, Field(min_length=1, description="Why.")]


class CutoverSpec(WireModel):
    """What moves, what was agreed, and how far to go now."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule(
                "self.stage != 'Cut' || has(self.window)",
                "a cut needs a window: say when it `opens` and `closes`",
                field=".window",
            )
        )
    )

    target: Annotated[ObjectName, Field(description="The ResourceRequest the system moves to.")]
    source: Annotated[Source, Field(description="Where the system lives now.")]
    moves: Annotated[Moves, Field(description="What has to arrive.")] = Moves()
    service: Annotated[Service, Field(description="What runs, and how its callers find it.")]
    hooks: Annotated[
        tuple[Hook, ...],
        Field(max_length=32, description="Plays of the department's own.", json_schema_extra=list_map("name")),
    ] = ()
    trial: Annotated[Trial, Field(description="The trial run.")] = Trial()
    window: Annotated[Window, Field(description="When it may be cut over; a cut needs one.")] | None = None
    supervision: Annotated[Supervision, Field(description="The time after the switch.")] = Supervision()
    retention: Annotated[Retention, Field(description="How the original is kept.")] = Retention()
    stage: Annotated[Stage, Field(description="How far to go now.")] = Stage.PREPARE
    roll_back: (
        Annotated[RollBack, Field(description="What a rollback after the switch may lose; see `status.losses`.")] | None
    ) = None
    asked_by: Annotated[
        UserName, Field(description="Who last changed the spec. Stamped by the API server; leave it out.")
    ]


def scope_of(spec: CutoverSpec) -> str:
    """Digest of what moves, from where, to where: what a trial tried, and what its signatures are about."""
    part = spec.model_dump(mode="json", by_alias=True, include={"target", "source", "moves", "service", "hooks"})
    return canonical_digest(part)[:16]
