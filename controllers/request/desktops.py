"""The desktops of a request in force: told in its status, stopped when nobody uses them, started for who opens one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from controllers.api.conditions import ConditionType
from controllers.api.stored import SESSIONS, ZONES, Plan, ResourceRequest
from controllers.request.idle import Upkeep, stopped, upkeep
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from controllers.request.rollout import desktop_statuses
from controllers.request.status import Report
from infra.errors import KunlunError
from infra.power import start_server, stop_server
from infra.provider.observe import servers_from_listing

LOOK_AGAIN_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 10.0
log = structlog.get_logger(__name__)


async def tend_desktops(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Stop what nobody uses, start what somebody opens, and tell where every desktop is.

    What the cloud answers badly is tried again soon, and is no reason to doubt the request.
    """
    plan = plan_named(report.approved_plan, request, parts.cache)
    report = _told(request, plan, report, parts)
    if plan is None or not plan.spec.stack.rollouts:
        return report
    todo = _todo(request, report, parts)
    if not todo.to_stop and not todo.to_start:
        return report if todo.next_seconds is None else report.again_after(max(todo.next_seconds, 1.0))
    try:
        await _do(todo, plan, request, parts)
    except KunlunError as error:
        log.warning("desktops left as they are", request=request.meta.name, message=error.message)
        return report.again_after(AFTER_FAILURE_SECONDS)
    now = _told(request, plan, report, parts)
    for before, one in zip(report.desktops, now.desktops, strict=True):
        if before.state is not one.state:
            log.info("desktop", request=request.meta.name, desktop=one.name, state=one.state.value)
    return now.again_after(LOOK_AGAIN_SECONDS)


def _told(request: ResourceRequest, plan: Plan | None, report: Report, parts: RequestParts) -> Report:
    """Every desktop of the plan in force. What this process has not seen is told as the status had it."""
    if plan is None:
        return report
    servers = parts.memories.of(request.meta.uid).servers
    return replace(report, desktops=desktop_statuses(plan.spec.stack, servers, request.status.desktops))


def _todo(request: ResourceRequest, report: Report, parts: RequestParts) -> Upkeep:
    zone = parts.cache.get(ZONES, "", request.spec.zone)
    if zone is None or request.meta.deleting:
        return Upkeep()
    own = [one for one in parts.cache.all(SESSIONS, request.meta.namespace) if one.spec.request == request.meta.name]
    if report.done(ConditionType.PROVISIONED) and not report.done(ConditionType.CONFIGURED):
        return Upkeep(to_start=stopped(report.desktops))  # a playbook can do nothing on what rests
    known = next((item for item in request.status.conditions if item.type == ConditionType.CONFIGURED), None)
    settled = known is not None and known.status == "True" and report.done(ConditionType.CONFIGURED)
    return upkeep(
        report.desktops,
        own,
        ready_since=known.last_transition_time if known and settled else None,
        idle_minutes=zone.spec.desktop_rules.idle_minutes,
        now=parts.now(),
    )


async def _do(todo: Upkeep, plan: Plan, request: ResourceRequest, parts: RequestParts) -> None:
    """Each call only for a server that is the plan's own; then one look at all of them."""
    project = plan.spec.stack.project.id
    cloud = parts.clouds.project(project)
    calls = [stop_server(cloud, one.id) for one in todo.to_stop if one.id]
    calls += [start_server(cloud, one.id) for one in todo.to_start if one.id]
    await asyncio.gather(*calls)
    now = asyncio.get_running_loop().time()
    listing = await parts.surveys.servers(project, not_before=now)
    parts.memories.of(request.meta.uid).servers = servers_from_listing(listing, request.meta.uid)
