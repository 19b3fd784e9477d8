"""What a request's status means for someone who waits: done, on its way, or stuck and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from controllers.api.conditions import Condition, ConditionType, Reason
from controllers.api.requeststatus import ResourceRequestStatus
from controllers.api.stored import ResourceRequest
from controllers.cli.text import listed
from controllers.request.status import STEPS
from infra.stackplan import PUBLIC_PREFIX, Kind


class Verdict(StrEnum):
    """Whether there is anything to wait for."""

    READY = "Ready"
    STUCK = "Stuck"
    WAITING = "Waiting"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A request as a watcher sees it: where it stands, in one sentence, and how far the building is."""

    verdict: Verdict
    step: str
    message: str
    done: int
    total: int
    conditions: tuple[Condition, ...]
    public: tuple[tuple[str, str], ...] = ()


def snapshot(request: ResourceRequest) -> Snapshot:
    """Read only conditions of the current generation: what was true of an older one says nothing."""
    current = current_conditions(request)
    progress = request.status.progress
    return Snapshot(
        verdict=_verdict(request, current),
        step=_next_step(current),
        message=_message(request.status, current),
        done=progress.done if progress else 0,
        total=progress.total if progress else 0,
        conditions=tuple(_told_steps(current)),
        public=tuple(public_of(request.status)),
    )


def public_of(status: ResourceRequestStatus) -> Iterator[tuple[str, str]]:
    """Each server that the internet knows, with its public address."""
    for item in status.resources:
        if item.kind is Kind.FLOATING_IP and item.address is not None:
            yield item.name.removeprefix(PUBLIC_PREFIX), item.address


def _told_steps(current: dict[str, Condition]) -> Iterator[Condition]:
    """The steps; the summary only once it is reached, since before it repeats a step."""
    yield from (current[step] for step in STEPS if step in current)
    ready = current.get(ConditionType.READY)
    if ready is not None and ready.status == "True":
        yield ready


def news(before: Snapshot | None, after: Snapshot) -> Iterator[str]:
    """The lines to print for what changed: one per condition that moved and public address that came, one when the
    building got further.
    """
    known = {} if before is None else {condition.type: condition for condition in before.conditions}
    for condition in after.conditions:
        old = known.get(condition.type)
        if condition.reason == Reason.NOT_REACHED or (old is not None and _same(old, condition)):
            continue
        yield f"{condition.type}={condition.status} {condition.reason}{_told(condition)}"
    for server, address in after.public:
        if before is None or (server, address) not in before.public:
            yield f"public address of {server}: {address}"
    if after.total and (before is None or (before.done, before.message) != (after.done, after.message)):
        yield f"building {after.done}/{after.total} {after.message}".rstrip()


def is_planned(request: ResourceRequest) -> bool:
    """Whether there is a plan for the request as it is now."""
    planned = current_conditions(request).get(ConditionType.PLANNED)
    return planned is not None and planned.status == "True"


def trouble(request: ResourceRequest) -> str:
    """Why the request is not further: the first step that is not True, as a sentence."""
    current = current_conditions(request)
    for step in STEPS:
        condition = current.get(step)
        if condition is not None and condition.status != "True":
            return f"{condition.type} is {condition.status}, {condition.reason}{_told(condition)}"
    return "the operator has not looked at it yet"


def current_conditions(request: ResourceRequest) -> dict[str, Condition]:
    """By type. What was true of an earlier generation says nothing."""
    return {
        condition.type: condition
        for condition in request.status.conditions
        if condition.observed_generation in (None, request.meta.generation)
    }


def _verdict(request: ResourceRequest, current: dict[str, Condition]) -> Verdict:
    ready, stalled = current.get(ConditionType.READY), current.get(ConditionType.STALLED)
    if request.meta.deleting or (stalled is not None and stalled.status == "True"):
        return Verdict.STUCK
    return Verdict.READY if ready is not None and ready.status == "True" else Verdict.WAITING


def _next_step(current: dict[str, Condition]) -> str:
    for step in STEPS:
        if step not in current or current[step].status != "True":
            return step
    return ConditionType.READY


def _message(status: ResourceRequestStatus, current: dict[str, Condition]) -> str:
    if status.progress is not None and status.progress.step:
        return status.progress.step
    condition = current.get(_next_step(current))
    if condition is None:
        return "waiting for the operator"
    if condition.reason == Reason.AWAITING_APPROVAL and not condition.message:
        return f"awaiting approval of {listed(_undecided(status))}"
    return condition.message or condition.reason


def _undecided(status: ResourceRequestStatus) -> list[str]:
    decided = {approval.stage for approval in status.approvals}
    return [stage for stage in status.required_stages if stage not in decided]


def _same(old: Condition, new: Condition) -> bool:
    return (old.status, old.reason, old.message) == (new.status, new.reason, new.message)


def _told(condition: Condition) -> str:
    return f": {condition.message}" if condition.message else ""
