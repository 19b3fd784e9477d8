"""The approved plan, and nothing else, made real; then watched.

Before the first change to the cloud the status says which plan is being built: without that mark nothing of
a request can exist, with it everything is looked up before anything is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controllers.api.conditions import ConditionType, Reason
from controllers.api.requeststatus import ResourceStatus
from controllers.api.resourcerequest import DriftPolicy
from controllers.api.stored import Plan, ResourceRequest
from controllers.request.accord import joinable, waits_to_be_joined
from controllers.request.approve import prove
from controllers.request.build import build_plan
from controllers.request.drift import told
from controllers.request.memory import Seen
from controllers.request.observe import (
    RECENT_SECONDS,
    can_be_corrected,
    is_lost_data,
    observe_surely,
    plan_next_look,
    see,
)
from controllers.request.openings import warn_of_openings
from controllers.request.parts import RequestParts
from controllers.request.plans import is_repair, plan_lost, plan_named
from controllers.request.progress import written_status
from controllers.request.servers import await_servers, provisioned, until_next_look
from controllers.request.status import BUILT, Report, is_built, pause_after
from infra.engine import Built
from infra.errors import InternalError, KunlunError
from infra.planned import planned_objects
from infra.stackplan import DATA_VOLUME_PREFIX, Kind

LOOK = "look"
UNLISTED = {Kind.SECURITY_GROUP_RULES, Kind.VOLUME_ATTACHMENT, Kind.ROUTER_ROUTES}  # parts of what is listed anyway


async def provision_plan(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make what the plan in force says, or make sure that it is so. A settled request costs nothing here."""
    plan = plan_named(report.approved_plan, request, parts.cache)
    if plan is None:
        raise plan_lost(report.approved_plan)
    prove(plan, request)
    memory = parts.memories.of(request.meta.uid)
    if resting := memory.resting(plan.meta.name, parts.monotonic()):
        seconds, error = resting
        return report.failed(ConditionType.PROVISIONED, error, after=seconds)
    try:
        if is_built(request.status, plan.meta.name):
            return await _watch(request, plan, report, parts)
        return await _finish(request, plan, report, parts, memory.built_by(plan.meta.name))
    except Exception as error:
        known = error if isinstance(error, KunlunError) else InternalError()
        memory.rest(plan.meta.name, now=parts.monotonic(), pause=pause_after(known), error=known)
        raise


def resources_of(plan: Plan, built: Built) -> tuple[ResourceStatus, ...]:
    """What exists, in the order of the plan; with the public addresses that OpenStack chose."""
    ids, planned = built.ids, {f"server-{server.name}": server.address for server in plan.spec.stack.servers}
    addresses = {**planned, **built.addresses}
    return tuple(
        ResourceStatus(
            kind=item.kind,
            name=item.name,
            id=ids[item.name],
            fingerprint=item.fingerprint if item.name.startswith(DATA_VOLUME_PREFIX) else None,
            address=addresses.get(item.name),
        )
        for item in planned_objects(plan.spec.stack).values()
        if item.name in ids and item.kind not in UNLISTED
    )


async def _finish(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts, built: Built | None
) -> Report:
    built = built or await build_plan(request, plan, report, parts)
    said = written_status(request, parts).replacements
    report = replace(report, building_plan=plan.meta.name, built_plan=None, replacements=said)
    report = replace(report, resources=(*resources_of(plan, built), *_awaited(request, plan, built.ids)))
    report = await await_servers(request, plan, report, parts)
    parts.memories.of(request.meta.uid).rested()
    return _said(request, plan, report, parts) if report.done(ConditionType.PROVISIONED) else report


def _awaited(request: ResourceRequest, plan: Plan, ids: Mapping[str, str]) -> tuple[ResourceStatus, ...]:
    """What an earlier plan built and this one replaces in a later batch: it is there until then."""
    planned = planned_objects(plan.spec.stack)
    return tuple(item for item in request.status.resources if item.name in planned and item.name not in ids)


async def _watch(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    memory = parts.memories.of(request.meta.uid)
    if memory.next_look is None:  # after a restart
        plan_next_look(request, plan, parts)
    before = memory.seen_of(plan.meta.name)
    known = before is not None or _is_told(request)
    at_rest = known and parts.monotonic() < (memory.next_look or 0) and not _is_to_correct(request, plan, before)
    if at_rest and not _has_moved(plan, before, parts):
        return _as_before(request, plan, report, parts)
    try:
        observed = await observe_surely(request, plan, parts, not_older_than=RECENT_SECONDS)
    except KunlunError as error:  # not having seen it is no reason to doubt it
        if not known:
            raise
        pause = memory.rest(LOOK, now=parts.monotonic(), pause=pause_after(error), error=error)
        memory.next_look = parts.monotonic() + pause
        return _as_before(request, plan, report, parts)
    memory.rested()
    seen = see(request, plan, observed, parts)
    await warn_of_openings(request, before, seen, parts)
    plan_next_look(request, plan, parts)
    if _is_to_correct(request, plan, seen):
        report = await _finish(request, plan, report, parts, None)
    else:
        report = _said(request, plan, report, parts)
    now = memory.seen_of(plan.meta.name)
    unchanged = before.repairs == now.repairs if before and now else report.plan == plan.meta.name and not seen.repairs
    return report if unchanged else report.again_after(0)  # another plan is to be decided on


def _has_moved(plan: Plan, before: Seen | None, parts: RequestParts) -> bool:
    """Whether another request's router can be joined now that could not at the last look, or the other way round."""
    return before is not None and before.joinable != joinable(plan, parts.cache)


def _is_told(request: ResourceRequest) -> bool:
    """Whether the status says what became of the built plan, and not of something that came in between."""
    found = next(item for item in request.status.conditions if item.type == ConditionType.PROVISIONED)
    return found.reason in BUILT


def _is_to_correct(request: ResourceRequest, plan: Plan, seen: Seen | None) -> bool:
    """Not while data is lost: an empty volume in the place of a lost one would look as if all were well.

    Joining a link as its plan says is no correction: it waits for the other side only.
    """
    if seen is None or any(map(is_lost_data, seen.drift)):
        return False
    correctable = [item for item in seen.drift if can_be_corrected(plan, item)]
    if request.spec.drift_policy is DriftPolicy.CORRECT or all(
        waits_to_be_joined(item, seen.drift) for item in correctable
    ):
        return bool(correctable)
    return False


def _as_before(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    known = next(item for item in request.status.conditions if item.type == ConditionType.PROVISIONED)
    if parts.memories.of(request.meta.uid).seen_of(plan.meta.name) or known.reason != Reason.DRIFTED.value:
        return _said(request, plan, report, parts)
    report = report.waiting(ConditionType.PROVISIONED, Reason.DRIFTED, known.message)
    return report.again_after(until_next_look(request, parts))


def _said(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    """What the last look showed; without one, that all is well."""
    seen = parts.memories.of(request.meta.uid).seen_of(plan.meta.name)
    if seen is None or not seen.drift:
        return provisioned(request, plan, report, parts)
    newest = plan_named(report.plan, request, parts.cache)
    repair = newest.meta.name if newest and newest.meta.name != plan.meta.name and is_repair(newest) else None
    message = f"not as approved: {told(seen.drift)}. {_remedy(plan, seen, request.spec.drift_policy, repair)}"
    report = report.waiting(ConditionType.PROVISIONED, Reason.DRIFTED, message)
    return report.again_after(until_next_look(request, parts))


def _remedy(plan: Plan, seen: Seen, policy: DriftPolicy, repair: str | None) -> str:
    """What would put it right, and how to ask for it."""
    remedies = []
    lost = any(map(is_lost_data, seen.drift))  # then nothing is corrected
    if lost:
        remedies.append(
            "A lost data volume is not made again by itself: restore it, or take it out of the request and add one of "
            "another name"
        )
    if repair:
        remedies.append(f"Plan {repair} repairs it when it is approved")
    elif seen.repairs:
        remedies.append("What cannot be put right in place gets a plan to approve once the newest plan is in force")
    if not lost and any(can_be_corrected(plan, item) for item in seen.drift) and policy is DriftPolicy.REPORT:
        remedies.append("`driftPolicy: Correct` puts right in place what the approved plan permits")
    return "; ".join(remedies) or "It has to be put right in OpenStack, or asked for as a change of the request"
