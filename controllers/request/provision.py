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
from controllers.request.approve import prove
from controllers.request.build import build_plan
from controllers.request.observe import can_be_corrected, differing, observe_surely, plan_next_look, told
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.progress import written_status
from controllers.request.servers import await_servers, provisioned, until_next_look
from controllers.request.status import Report, is_built, pause_after
from infra.errors import ClusterUnavailable, InternalError, KunlunError
from infra.planned import planned_objects
from infra.stackplan import Kind

RECENT_SECONDS = 5.0
LOOK = "look"
UNLISTED = {Kind.SECURITY_GROUP_RULES, Kind.VOLUME_ATTACHMENT}  # parts of what is listed anyway


async def provision_plan(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make what the plan in force says, or make sure that it is so. A settled request costs nothing here."""
    plan = plan_named(report.approved_plan, request, parts.cache)
    if plan is None:
        raise ClusterUnavailable(
            "the plan in force is not there: on its way, or removed by somebody", retry_after_seconds=5
        )
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


def resources_of(plan: Plan, ids: Mapping[str, str]) -> tuple[ResourceStatus, ...]:
    """What exists, in the order of the plan."""
    addresses = {f"server-{server.name}": server.address for server in plan.spec.stack.servers}
    return tuple(
        ResourceStatus(kind=item.kind, name=item.name, id=ids[item.name], address=addresses.get(item.name))
        for item in planned_objects(plan.spec.stack).values()
        if item.name in ids and item.kind not in UNLISTED
    )


async def _finish(
    request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts, built: dict[str, str]
) -> Report:
    ids = built or await build_plan(request, plan, report, parts)
    said = written_status(request, parts).replacements
    report = replace(report, building_plan=plan.meta.name, resources=resources_of(plan, ids), replacements=said)
    report = await await_servers(request, plan, report, parts)
    parts.memories.of(request.meta.uid).rested()
    return report


async def _watch(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    memory = parts.memories.of(request.meta.uid)
    if memory.next_look is None:  # after a restart
        plan_next_look(request, plan, parts)
    if parts.monotonic() < (memory.next_look or 0):
        return _as_before(request, plan, report, parts)
    try:
        drift = differing(plan, await observe_surely(request, plan, parts, not_older_than=RECENT_SECONDS))
    except KunlunError as error:  # not having seen it is no reason to doubt it
        pause = memory.rest(LOOK, now=parts.monotonic(), pause=pause_after(error), error=error)
        memory.next_look = parts.monotonic() + pause
        return _as_before(request, plan, report, parts)
    memory.rested()
    plan_next_look(request, plan, parts)
    if not drift:
        return provisioned(request, plan, report, parts)
    if request.spec.drift_policy is DriftPolicy.CORRECT and any(can_be_corrected(plan, item) for item in drift):
        return await _finish(request, plan, report, parts, {})
    report = report.waiting(ConditionType.PROVISIONED, Reason.DRIFTED, f"not as approved: {told(drift)}")
    return report.again_after(until_next_look(request, parts))


def _as_before(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    known = next(item for item in request.status.conditions if item.type == ConditionType.PROVISIONED)
    if known.reason != Reason.DRIFTED.value:
        return provisioned(request, plan, report, parts)
    report = report.waiting(ConditionType.PROVISIONED, Reason.DRIFTED, known.message)
    return report.again_after(until_next_look(request, parts))
