"""The status, made of the facts and of what was decided: one writer, pure, the same for the same findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from controllers.api.acceptance import Subject, Verdict
from controllers.api.conditions import Condition, ConditionType, Reason, condition_from
from controllers.api.conditions import Step as Found
from controllers.api.cutover import DAY_SECONDS, Stage
from controllers.api.cutoverstatus import CutoverStatus, PartyDecision, Underway
from controllers.api.cutoversteps import Side, Step
from controllers.api.times import seconds_between
from controllers.cutover import decide
from controllers.cutover.decide import Decision
from controllers.cutover.facts import Facts, ballot
from controllers.cutover.way import PREPARE, REHEARSE, SWITCH, TRIAL

POLL_SECONDS = 15.0  # who runs a step wakes us; this is for a word that got lost
PERSON_SECONDS = 60.0  # somebody has to act, perhaps where we do not hear of it
LONGEST_SECONDS = 3600.0
FREEZING = {Step.FREEZE_SOURCE, Step.FREEZE_TARGET}

_GROUPS: Sequence[tuple[ConditionType, Reason, Sequence[Step]]] = (
    (ConditionType.PREPARED, Reason.PREPARED, PREPARE),
    (ConditionType.REHEARSED, Reason.REHEARSED, REHEARSE),
    (ConditionType.TRIED, Reason.TRIED, TRIAL),
)


def status_of(facts: Facts, decision: Decision) -> CutoverStatus:
    """The whole status. Written before a step is begun, so a side that is about to be frozen is live no more."""
    journal, report = facts.journal, facts.report
    return CutoverStatus(
        observed_generation=facts.cutover.meta.generation,
        live=Side.NEITHER if _is_about_to_freeze(decision) else journal.live,
        underway=_underway(facts, decision),
        report=report.meta.name if report else None,
        report_digest=report.spec.digest if report else None,
        required_parties=facts.parties,
        acceptances=tuple(_acceptances(facts)),
        trial_days=facts.trial_days,
        trial_day_seconds=int(facts.trial_day_seconds) if facts.trial_day_seconds != DAY_SECONDS else None,
        switched_time=journal.switched_time,
        downtime_seconds=_downtime(facts),
        retain_until=facts.retain_until,
        losses=facts.losses,
        released_time=journal.released_time,
        conditions=tuple(_conditions(facts, decision)),
    )


def pause_seconds(facts: Facts, decision: Decision) -> float | None:
    """When to look again by itself; None when only an event can change anything."""
    match decision:
        case decide.Underway() | decide.Stop() | decide.Run():
            return POLL_SECONDS
        case decide.Waiting():
            return _until(facts, decision.until)
        case decide.Closed():
            return PERSON_SECONDS if decision.opens is None else _until(facts, decision.opens)
        case decide.Reached():
            return _until(facts, facts.retain_until) if facts.retain_until else None
        case _:
            assert_never(decision)


def _until(facts: Facts, time: str) -> float | None:
    left = seconds_between(facts.now, time)
    return min(max(left, 1.0), LONGEST_SECONDS)


def _is_about_to_freeze(decision: Decision) -> bool:
    return isinstance(decision, decide.Run) and decision.step in FREEZING


def _underway(facts: Facts, decision: Decision) -> Underway | None:
    attempt = facts.journal.open()
    if not isinstance(decision, decide.Underway | decide.Waiting) or attempt is None:
        return None
    begun = attempt.begun.spec
    return Underway(
        step=begun.step,
        attempt=begun.attempt,
        by=begun.by,
        done=decision.course.done,
        total=max(len(decision.course.steps), decision.course.done),
    )


def _acceptances(facts: Facts) -> Iterator[PartyDecision]:
    for subject in Subject:
        votes = ballot(facts, subject)
        for verdict, side in ((Verdict.ACCEPTED, votes.accepted), (Verdict.REJECTED, votes.rejected)):
            for party, signer in side.items():
                yield PartyDecision(party=party, of=subject, decision=verdict, signer=signer)


def _downtime(facts: Facts) -> int | None:
    frozen, switched = facts.journal.frozen_time, facts.journal.first_switched_time
    return int(seconds_between(frozen, switched)) if frozen and switched else None


def _conditions(facts: Facts, decision: Decision) -> Iterator[Condition]:
    before, meta = facts.cutover.status.conditions, facts.cutover.meta
    for name, found in _found(facts, decision):
        yield condition_from(name, found, before=before, generation=meta.generation, now=facts.now)


def _found(facts: Facts, decision: Decision) -> Iterator[tuple[ConditionType, Found]]:
    """In the order of the story. The step that is next speaks under its own part of it."""
    now, journal = now_found(facts, decision), facts.journal
    step = None if isinstance(decision, decide.Reached) else decision.step
    for name, reason, steps in _GROUPS:
        done = all(journal.done(one) is not None for one in steps)
        yield name, Found("True", reason) if done else now if step in steps else _not_reached()
    yield ConditionType.SIGNED, _signed(facts)
    yield ConditionType.CUT_OVER, _cut_over(facts, now, step)
    watched = journal.done(Step.WATCH) is not None
    yield (
        ConditionType.SUPERVISED,
        Found("True", Reason.SUPERVISED) if watched else now if step is Step.WATCH else _not_reached(),
    )
    yield ConditionType.RETAINED, _retained(facts, now, step)
    released = journal.released_time
    gone = Found("True", Reason.RELEASED, f"released at {released}")
    yield ConditionType.RELEASED, gone if released else now if step is Step.RELEASE else _not_reached()
    yield ConditionType.READY, now
    if isinstance(decision, decide.Run | decide.Underway | decide.Stop | decide.Waiting):
        yield ConditionType.RECONCILING, Found("True", now.reason, now.message)
    elif isinstance(decision, decide.Closed) and decision.opens is None:
        yield ConditionType.STALLED, Found("True", now.reason, now.message)


def now_found(facts: Facts, decision: Decision) -> Found:
    """What is going on, in a word and a sentence: the summary of the whole."""
    back = Reason.ROLLING_BACK if decision.course.back else None
    match decision:
        case decide.Run() | decide.Underway():
            text = f"step {decision.step}, attempt {decision.attempt}"
            return Found("False", back or Reason.STEP_RUNNING, text)
        case decide.Stop():
            return Found("False", Reason.ROLLING_BACK, f"step {decision.step} is being stopped")
        case decide.Waiting() if decision.runner:
            text = f"step {decision.step} is run by {decision.runner}, until {decision.until} at most"
            return Found("False", back or Reason.STEP_RUNNING, text)
        case decide.Waiting():
            text = f"step {decision.step} is tried again from {decision.until}: {decision.failure}"
            return Found("False", Reason.STEP_FAILED, text)
        case decide.Closed():
            told = "; ".join(str(refusal) for refusal in decision.refusals)
            return Found("False", back or _closed_reason(decision), f"step {decision.step} may not begin: {told}")
        case decide.Reached():
            return _reached(facts)
        case _:
            assert_never(decision)


def _reached(facts: Facts) -> Found:
    if facts.spec.stage is Stage.ROLL_BACK:
        return Found("True", Reason.ROLLED_BACK, "the service lives on its source")
    return Found(
        "True", Reason.READY, f"stage {facts.spec.stage} is reached; the service lives on: {facts.journal.live}"
    )


def _closed_reason(decision: decide.Closed) -> Reason:
    """One word where one thing is missing; else whoever reads the message sees all of it."""
    reasons = {refusal.reason for refusal in decision.refusals}
    return reasons.pop() if len(reasons) == 1 else Reason.STEP_REFUSED


def _signed(facts: Facts) -> Found:
    if facts.report is None:
        return _not_reached()
    votes = ballot(facts, Subject.TRIAL)
    if not votes.rejected and not (missing := votes.missing(facts.parties)):
        by = "; ".join(f"{party} by {signer}" for party, signer in votes.accepted.items())
        return Found("True", Reason.SIGNED, f"report {facts.report.meta.name}: {by}")
    told = [f"party '{party}' rejects it (by {signer})" for party, signer in votes.rejected.items()]
    missing = tuple(party for party in votes.missing(facts.parties) if party not in votes.rejected)
    told += [f"not accepted yet by: {', '.join(missing)}"] if missing else []
    told += [f"'{name}' does not count: it {why}" for name, why in votes.ignored.items()]
    return Found("False", Reason.AWAITING_SIGNATURES, f"report {facts.report.meta.name}: {'; '.join(told)}")


def _cut_over(facts: Facts, now: Found, step: Step | None) -> Found:
    journal = facts.journal
    if journal.live is Side.TARGET:
        seconds = _downtime(facts)
        return Found("True", Reason.CUT_OVER, f"since {journal.switched_time}; {seconds} seconds without service")
    returned = journal.returned_generation
    if journal.live is Side.SOURCE and returned is not None and returned >= facts.cutover.meta.generation:
        return Found("False", Reason.ROLLED_BACK, "the service is back on its source; change the spec to try again")
    return now if journal.live is Side.NEITHER or step in SWITCH else _not_reached()


def _retained(facts: Facts, now: Found, step: Step | None) -> Found:
    until = facts.retain_until
    if facts.journal.done(Step.RETAIN) is None or until is None:
        return now if step is Step.RETAIN else _not_reached()
    if seconds_between(facts.now, until) <= 0:
        return Found("True", Reason.RETENTION_OVER, f"kept until {until}: its release may be signed")
    return Found("True", Reason.RETAINED, f"the original is kept until {until}")


def _not_reached() -> Found:
    return Found("Unknown", Reason.NOT_REACHED)
