"""What the decisions on a plan say together: pure, the same for the same approvals at the same time.

Each stage needs its number of different persons, in its order, within its time. A denial ends the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from graphlib import TopologicalSorter

from controllers.api.approval import Decision
from controllers.api.fields import lifetime_seconds
from controllers.api.plan import RequiredStage
from controllers.api.requeststatus import StageDecision
from controllers.api.stored import Approval, Plan


class Verdict(StrEnum):
    """What all stages together say of a plan."""

    APPROVED = "Approved"
    AWAITING = "Awaiting"
    DENIED = "Denied"


@dataclass(frozen=True, slots=True)
class Ignored:
    """An approval that does not count, by its name, and why: `is by the requester 'li.na'`."""

    approval: str
    why: str

    def __str__(self) -> str:
        return f"approval '{self.approval}' {self.why}"


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions that count for one plan, and what is still missing. `ignored` says what does not count, and why.

    `expiring_in_seconds`: when the first of them ceases to count, if the plan is not in force by then.
    """

    verdict: Verdict
    counted: tuple[StageDecision, ...]
    missing: tuple[str, ...]
    ignored: tuple[Ignored, ...] = ()
    expiring_in_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Whose approvals of a stage count now; when it was first complete, whatever expired since; what does not count."""

    signed: tuple[Approval, ...]
    complete_since: tuple[datetime, int] | None
    ignored: tuple[Ignored, ...]


def decide(plan: Plan, approvals: Iterable[Approval], *, requester: str, now: str | None) -> Decisions:
    """Weigh the approvals of a plan. One denial denies; every required stage must have approved.

    `now` (RFC 3339) is when the plan would come into force; None when it is in force: then nothing expires any more.
    """
    ordered = sorted(approvals, key=_when)
    objections = [(item, objection_to(item, plan, requester=requester)) for item in ordered]
    valid = [item for item, why in objections if why is None]
    stages = {needed.stage: needed for needed in plan.spec.stages}
    weighed: dict[str, _Weighed] = {}
    for name in TopologicalSorter({name: needed.after for name, needed in stages.items()}).static_order():
        if name in stages:
            given = [item for item in valid if item.spec.stage == name and item.spec.decision is Decision.APPROVED]
            weighed[name] = _weigh(stages[name], given, weighed, now=moment(now) if now else None)
    denials = [item for item in valid if item.spec.decision is Decision.DENIED and item.spec.stage in stages]
    signed = [item for name in stages for item in weighed[name].signed]
    missing = tuple(_missing(stages.values(), weighed))
    void = (Ignored(item.meta.name, why) for item, why in objections if why is not None)
    ignored = (*void, *(one for name in stages for one in weighed[name].ignored))
    return Decisions(
        _verdict(plan, denials, missing),
        tuple(_decision(item, stages[item.spec.stage]) for item in (*signed, *denials[:1])),
        missing,
        ignored,
        _expiring_in_seconds(signed, stages, now),
    )


def objection_to(approval: Approval, plan: Plan, *, requester: str) -> str | None:
    """Why an approval does not count for a plan, or None when it does."""
    spec = approval.spec
    if spec.plan != plan.meta.name:
        return f"is for plan '{spec.plan}'"
    if spec.digest is not None and spec.digest != plan.spec.digest:
        return "is for another content of the plan"
    if spec.approver == requester:
        return f"is by the requester '{requester}'"
    if spec.approver.startswith("system:") or "system:masters" in spec.approver_groups:
        return f"is by '{spec.approver}', not by a named officer"
    return None


def moment(text: str) -> datetime:
    """RFC 3339, as the API server writes it."""
    return datetime.fromisoformat(text)


def counts_until(approval: Approval, needed: RequiredStage) -> datetime | None:
    """When an approval ceases to count; None when it never does."""
    if needed.expires is None:
        return None
    return moment(approval.meta.created) + timedelta(seconds=lifetime_seconds(needed.expires))


def _verdict(plan: Plan, denials: Sequence[Approval], missing: Sequence[str]) -> Verdict:
    if denials:
        return Verdict.DENIED
    nobody = not plan.spec.stages and not plan.spec.approved_by_policy
    return Verdict.AWAITING if missing or nobody else Verdict.APPROVED


def _weigh(
    needed: RequiredStage, given: Sequence[Approval], before: dict[str, _Weighed], *, now: datetime | None
) -> _Weighed:
    """`given` are the stage's valid approvals, oldest first; `before` are the stages it may come after."""
    in_order: list[Approval] = []
    ignored: list[Ignored] = []
    for approval in given:
        if early := [name for name in needed.after if not _was_complete(before[name], approval)]:
            why = f"came before {', '.join(early)} had approved; it is due again"
            ignored.append(Ignored(approval.meta.name, why))
        else:
            in_order.append(approval)
    fresh = [item for item in in_order if now is None or (end := counts_until(item, needed)) is None or now < end]
    signed = _by_different_persons(fresh)[: needed.signatures]
    if len(signed) < needed.signatures:
        ignored += [
            Ignored(item.meta.name, f"by '{item.spec.approver}' has expired: it counted for {needed.expires}")
            for item in in_order
            if item not in fresh and all(item.spec.approver != one.spec.approver for one in signed)
        ]
    ever = _by_different_persons(in_order)[: needed.signatures]
    complete = _when(ever[-1]) if len(ever) == needed.signatures else None
    return _Weighed(tuple(signed), complete, tuple(ignored))


def _was_complete(stage: _Weighed, approval: Approval) -> bool:
    return stage.complete_since is not None and stage.complete_since < _when(approval)


def _when(approval: Approval) -> tuple[datetime, int]:
    """Times are whole seconds; within one, the order in which the API server stored them counts."""
    return moment(approval.meta.created), approval.meta.version


def _by_different_persons(approvals: Iterable[Approval]) -> list[Approval]:
    """The first of each person, in the order given."""
    first: dict[str, Approval] = {}
    for item in approvals:
        first.setdefault(item.spec.approver, item)
    return list(first.values())


def _missing(stages: Iterable[RequiredStage], weighed: dict[str, _Weighed]) -> Iterator[str]:
    """`security (1 of 2 signatures)`, `finance (after resource-office)`."""
    incomplete = [needed.stage for needed in stages if len(weighed[needed.stage].signed) < needed.signatures]
    for needed in stages:
        if needed.stage not in incomplete:
            continue
        notes = []
        if needed.signatures > 1:
            notes.append(f"{len(weighed[needed.stage].signed)} of {needed.signatures} signatures")
        if waits := [name for name in needed.after if weighed[name].complete_since is None]:
            notes.append(f"after {', '.join(waits)}")
        yield f"{needed.stage} ({'; '.join(notes)})" if notes else needed.stage


def _decision(approval: Approval, needed: RequiredStage) -> StageDecision:
    spec = approval.spec
    end = counts_until(approval, needed) if spec.decision is Decision.APPROVED else None
    return StageDecision(
        stage=spec.stage,
        decision=spec.decision.value,
        approver=spec.approver,
        reason=spec.reason,
        until=end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if end else None,
    )


def _expiring_in_seconds(signed: Sequence[Approval], stages: dict[str, RequiredStage], now: str | None) -> float | None:
    if now is None:
        return None
    ends = [end for item in signed if (end := counts_until(item, stages[item.spec.stage])) is not None]
    return max((min(ends) - moment(now)).total_seconds(), 1.0) if ends else None
