"""One zone's audit: every project of the zone in its turn, by the listing its requests look at anyway.

It only tells: a Warning event `SecurityViolation` on the request concerned, or on the zone when it is nobody's, and the
zone's condition `Contained`. Putting it right is the requests' drift policy's business, or a person's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import structlog

from controllers.api.conditions import ConditionType, Reason, Step, condition_from
from controllers.api.stored import PLANS, REQUESTS, TENANTS, ZONES, Zone
from controllers.api.tenant import TenantProject
from controllers.api.zone import ZoneClass
from controllers.cache import Cache
from controllers.publish import publish, tell
from controllers.request.memory import next_turn
from controllers.request.observe import RECENT_SECONDS
from controllers.request.parts import RequestParts
from controllers.request.status import is_built
from controllers.tenant.reconcile import readers_of
from infra.containment import Breach, Enclosure, breaches
from infra.errors import KunlunError
from infra.readers import assignments, strangers
from infra.stackplan import StackPlan

AFTER_THE_REQUESTS_SECONDS = 1.0  # they look first; their listing serves
RETRY_SECONDS = 30.0
SHOWN = 10
log = structlog.get_logger(__name__)


async def reconcile(zone: Zone, parts: RequestParts) -> float | None:
    """Look at the projects whose turn it is; returns seconds until the next turn. Nothing due costs nothing."""
    projects = projects_in(zone.meta.name, parts.cache)
    if zone.meta.deleting or zone.status.uplink_id is None or not projects:
        return None
    parts.audits.forget_projects(project.id for project in _every_project(parts.cache))
    now = parts.monotonic()
    due = [project for project in projects if parts.audits.turns.setdefault(project.id, _turn(project, parts)) <= now]
    await asyncio.gather(*(_audit(project, zone, parts) for project in due))
    await _tell_zone(zone.meta.name, projects, parts)
    return max(min(parts.audits.turns[project.id] for project in projects) - parts.monotonic(), 0.0)


def projects_in(zone: str, cache: Cache) -> list[TenantProject]:
    """The projects of all departments in a zone."""
    return [project for project in _every_project(cache) if project.zone == zone]


def plans_that_may_be_real(cache: Cache) -> dict[str, tuple[StackPlan, ...]]:
    """Of each living request, by uid: the plan in force once it is built, all of them while one is being built."""
    living = {request.meta.uid: request for request in cache.all(REQUESTS)}
    found: dict[str, tuple[StackPlan, ...]] = {}
    for plan in cache.all(PLANS):
        uid = plan.spec.stack.origin.uid
        request = living.get(uid)
        if request is None:
            continue
        in_force = request.status.approved_plan
        if in_force == plan.meta.name or in_force is None or not is_built(request.status, in_force):
            found[uid] = (*found.get(uid, ()), plan.spec.stack)
    return found


def _every_project(cache: Cache) -> Iterator[TenantProject]:
    return (project for tenant in cache.all(TENANTS) for project in tenant.status.projects)


def _turn(project: TenantProject, parts: RequestParts) -> float:
    interval = parts.settings.observe_interval_seconds
    return next_turn(project.id, now=parts.monotonic(), interval=interval) + AFTER_THE_REQUESTS_SECONDS


async def _audit(project: TenantProject, zone: Zone, parts: RequestParts) -> None:
    try:
        found = await _look(project, zone, parts, age_seconds=RECENT_SECONDS)
        known = parts.audits.found.get(project.id, ())
        if set(found) - set(known):  # a look in the middle of a change is not to be believed at once
            again = await _look(project, zone, parts, age_seconds=0.0)
            found = [breach for breach in again if breach in known or breach in found]
    except KunlunError as error:  # not having seen it is no reason to doubt it
        log.info("audit put off", project=project.name, reason=error.reason, message=error.message)
        parts.audits.turns[project.id] = parts.monotonic() + RETRY_SECONDS
        return
    parts.audits.found[project.id], parts.audits.turns[project.id] = tuple(found), _turn(project, parts)
    for breach in found:
        if breach not in known and breach.uid not in parts.audits.opened:  # else its request's own look has warned
            await _warn(breach, project, zone, parts)


async def _look(project: TenantProject, zone: Zone, parts: RequestParts, *, age_seconds: float) -> list[Breach]:
    now = asyncio.get_running_loop().time()
    cloud = parts.clouds.admin()
    listing, roles, operator_id = await asyncio.gather(
        parts.surveys.everything(project.id, not_before=now - age_seconds),
        assignments(cloud, project.id),
        cloud.user_id(),
    )
    owner = next((one for one in parts.cache.all(TENANTS) if project in one.status.projects), None)
    readers = readers_of(owner.spec) if owner else ()
    enclosure = Enclosure(zone.status.uplink_id or "", zone.spec.prefixes, zone.spec.class_ is ZoneClass.INTERNET)
    return [
        *breaches(listing, enclosure, plans_that_may_be_real(parts.cache)),
        *strangers(roles, operator_id=operator_id, readers=readers),
    ]


async def _warn(breach: Breach, project: TenantProject, zone: Zone, parts: RequestParts) -> None:
    request = next((one for one in parts.cache.all(REQUESTS) if one.meta.uid == breach.uid), None)
    log.warning("security violation", zone=zone.meta.name, project=project.name, what=str(breach))
    with contextlib.suppress(KunlunError):  # the condition is the record
        text = f"{breach} (project {project.name})"
        await tell(parts, request or zone, Reason.SECURITY_VIOLATION, text, worry=True)


async def _tell_zone(name: str, projects: list[TenantProject], parts: RequestParts) -> None:
    """The zone as it is by now: its own reconcile writes the same status. Silent until every project was looked at."""
    zone, audits = parts.cache.get(ZONES, "", name), parts.audits
    found = [
        f"{breach} (project {one.name})"
        for one in projects
        for breach in audits.found.get(one.id, ())
        if breach.uid not in audits.opened
    ]
    for request in parts.cache.all(REQUESTS):
        if request.meta.uid in audits.opened and request.spec.zone == name:
            who = f"{request.meta.namespace}/{request.meta.name}"
            found += [f"{who}: {what}" for what in audits.opened[request.meta.uid]]
    if zone is None or not (found or all(one.id in audits.found for one in projects)):
        return
    contained = condition_from(
        ConditionType.CONTAINED,
        _step(found, len(projects)),
        before=zone.status.conditions,
        generation=zone.meta.generation,
        now=parts.now(),
    )
    others = tuple(item for item in zone.status.conditions if item.type != ConditionType.CONTAINED)
    await publish(parts, zone, zone.status.model_copy(update={"conditions": (*others, contained)}))


def _step(found: list[str], projects: int) -> Step:
    if not found:
        return Step("True", Reason.CONTAINED, f"nothing leads out of the zone: {projects} projects")
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return Step("False", Reason.SECURITY_VIOLATION, "; ".join(sorted(found)[:SHOWN]) + more)
