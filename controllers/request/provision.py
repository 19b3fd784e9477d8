"""The approved plan, and nothing else, made real; then watched.

Before the first change to the cloud the status says which plan is being built: without that mark nothing of
a request can exist, with it everything is looked up before anything is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace

from controllers.api.conditions import ConditionType, Reason
from controllers.api.requeststatus import ResourceStatus
from controllers.api.resourcerequest import DriftPolicy
from controllers.api.stored import Plan, ResourceRequest
from controllers.request.approve import prove
from controllers.request.circumstances import circumstances, plan_named
from controllers.request.memory import next_turn
from controllers.request.parts import RequestParts
from controllers.request.progress import publish_intent, reporting_progress
from controllers.request.status import Report
from infra.engine import Built
from infra.errors import ClusterUnavailable, EngineInterrupted, PolicyViolated, ServerFault
from infra.provider.observe import observed_from_listing, servers_from_listing
from infra.provider.observed import Deviation, Difference, Observed, differences
from infra.stackplan import Kind, planned_objects
from policies.evaluate import evaluate_registry

BUILT = {Reason.PROVISIONED.value, Reason.DRIFTED.value}
RECENT_SECONDS = 5.0
UNLISTED = {Kind.SECURITY_GROUP_RULES, Kind.VOLUME_ATTACHMENT}  # parts of what is listed anyway
SHOWN = 10


async def provision_plan(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make what the plan in force says, or make sure that it is so. A settled request costs nothing here."""
    plan = plan_named(report.approved_plan, request, parts.cache)
    if plan is None:
        raise ClusterUnavailable("the plan in force is being read", retry_after_seconds=1)
    prove(plan, request)
    if is_built(request, plan):
        return await _watch(request, plan, report, parts)
    ids = parts.memories.of(request.meta.uid).built_by(plan.meta.name) or await _build(request, plan, report, parts)
    report = replace(report, building_plan=plan.meta.name, resources=resources_of(plan, ids))
    return await _await_servers(request, plan, report, parts)


def is_built(request: ResourceRequest, plan: Plan) -> bool:
    """This very plan has been built, whatever happened to it since."""
    found = next((item for item in request.status.conditions if item.type == ConditionType.PROVISIONED), None)
    return request.status.building_plan == plan.meta.name and found is not None and found.reason in BUILT


def described(plan: Plan) -> str:
    """`2 servers, 1 network in civil-affairs-extranet`."""
    stack = plan.spec.stack
    servers, networks = len(stack.servers), len(stack.networks)
    return f"{_count(servers, 'server')}, {_count(networks, 'network')} in {stack.project.name}"


def resources_of(plan: Plan, ids: Mapping[str, str]) -> tuple[ResourceStatus, ...]:
    """What exists, in the order of the plan."""
    addresses = {f"server-{server.name}": server.address for server in plan.spec.stack.servers}
    return tuple(
        ResourceStatus(kind=item.kind, name=item.name, id=ids[item.name], address=addresses.get(item.name))
        for item in planned_objects(plan.spec.stack).values()
        if item.name in ids and item.kind not in UNLISTED
    )


async def _build(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> dict[str, str]:
    _still_registered(request, parts)
    first = request.status.building_plan is None
    observed = None if first else await observe(request, plan, parts)
    missing = differing(plan, observed) if observed is not None else None
    if observed is not None and not missing:
        ids = dict(Built.of(observed).ids)
    else:
        await publish_intent(request, plan, report, parts)
        async with reporting_progress(request, plan, report, parts) as on_progress:
            built = await parts.engine.converge(plan.spec.stack, observed=observed, on_progress=on_progress)
        ids = dict(built.ids)
        if observed is not None:
            await _verify(request, plan, parts)
    _remember(request, plan, ids, parts)
    return ids


async def observe(
    request: ResourceRequest, plan: Plan, parts: RequestParts, *, not_older_than: float = 0.0
) -> Observed:
    """List the project. A call that a killed process had sent may still take effect: not before that is over."""
    remaining = parts.started + parts.settings.recovery_delay_seconds - parts.monotonic()
    if remaining > 0 and not parts.memories.of(request.meta.uid).plan:
        raise EngineInterrupted("looking at what exists after a restart", retry_after_seconds=remaining)
    now = asyncio.get_running_loop().time()
    listing = await parts.surveys.everything(plan.spec.stack.project.id, not_before=now - not_older_than)
    return observed_from_listing(listing, request.meta.uid)


def differing(plan: Plan, observed: Observed) -> list[Difference]:
    """Where the cloud is not what the plan says; kept data volumes are no difference."""
    found = differences(planned_objects(plan.spec.stack), observed)
    return [item for item in found if not (item.kind is Kind.VOLUME and item.deviation is Deviation.UNEXPECTED)]


def _still_registered(request: ResourceRequest, parts: RequestParts) -> None:
    if findings := evaluate_registry(circumstances(request, parts.cache)):
        raise PolicyViolated("; ".join(str(finding) for finding in findings))


async def _verify(request: ResourceRequest, plan: Plan, parts: RequestParts) -> None:
    left = differing(plan, await observe(request, plan, parts))
    if left:
        raise EngineInterrupted(f"not yet as planned: {told(left)}", retry_after_seconds=2)


async def _await_servers(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    poll = parts.settings.server_poll_seconds
    now = asyncio.get_running_loop().time()
    listing = await parts.surveys.servers(plan.spec.stack.project.id, not_before=now - poll / 2)
    servers = servers_from_listing(listing, request.meta.uid)
    if faults := [
        f"{name}: {found.fault or 'no reason given'}" for name, found in servers.items() if found.status == "ERROR"
    ]:
        raise ServerFault(f"OpenStack could not build {'; '.join(faults)}")
    waiting = [
        name
        for name, item in planned_objects(plan.spec.stack).items()
        if item.kind is Kind.SERVER and (name not in servers or servers[name].status != "ACTIVE")
    ]
    if waiting:
        message = f"waiting for {', '.join(waiting[:SHOWN])} to become ACTIVE"
        report = report.waiting(ConditionType.PROVISIONED, Reason.AWAITING_SERVERS, message)
        return replace(report, retry_after_seconds=poll)
    return _provisioned(request, plan, report, parts)


def _provisioned(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    memory = parts.memories.of(request.meta.uid)
    report = report.reached(ConditionType.PROVISIONED, Reason.PROVISIONED, described(plan))
    pause = (memory.next_look or parts.monotonic()) - parts.monotonic()
    return replace(report, retry_after_seconds=max(pause, 1.0))


async def _watch(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    memory = parts.memories.of(request.meta.uid)
    if memory.next_look is None:  # after a restart
        _plan_next_look(request, plan, parts)
    if parts.monotonic() < (memory.next_look or 0):
        return _as_before(request, plan, report, parts)
    drift = differing(plan, await observe(request, plan, parts, not_older_than=RECENT_SECONDS))
    _plan_next_look(request, plan, parts)
    if not drift:
        return _provisioned(request, plan, report, parts)
    if request.spec.drift_policy is DriftPolicy.CORRECT:
        ids = await _build(request, plan, report, parts)
        return await _await_servers(request, plan, replace(report, resources=resources_of(plan, ids)), parts)
    report = report.waiting(ConditionType.PROVISIONED, Reason.DRIFTED, f"not as approved: {told(drift)}")
    return replace(report, retry_after_seconds=parts.settings.observe_interval_seconds)


def _as_before(request: ResourceRequest, plan: Plan, report: Report, parts: RequestParts) -> Report:
    known = next(item for item in request.status.conditions if item.type == ConditionType.PROVISIONED)
    if known.reason == Reason.DRIFTED.value:
        pause = (parts.memories.of(request.meta.uid).next_look or 0) - parts.monotonic()
        report = report.waiting(ConditionType.PROVISIONED, Reason.DRIFTED, known.message)
        return replace(report, retry_after_seconds=max(pause, 1.0))
    return _provisioned(request, plan, report, parts)


def told(found: Collection[Difference]) -> str:
    """Differences in words, bounded."""
    every = [_in_words(item) for item in found]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return "; ".join(every[:SHOWN]) + more


def _in_words(found: Difference) -> str:
    fields = f" in {', '.join(found.fields)}" if found.fields else ""
    return f"{found.kind} {found.name} is {found.deviation.lower()}{fields}"


def _remember(request: ResourceRequest, plan: Plan, ids: dict[str, str], parts: RequestParts) -> None:
    memory = parts.memories.of(request.meta.uid)
    memory.plan, memory.ids = plan.meta.name, ids
    _plan_next_look(request, plan, parts)


def _plan_next_look(request: ResourceRequest, plan: Plan, parts: RequestParts) -> None:
    memory, project = parts.memories.of(request.meta.uid), plan.spec.stack.project.id
    interval = parts.settings.observe_interval_seconds
    memory.next_look = next_turn(project, now=parts.monotonic(), interval=interval)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
