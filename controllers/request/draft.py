"""The newest plan of a request: found, or made. One plan for each version of the spec, and it never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from controllers.api.conditions import ConditionType, Reason
from controllers.api.findings import sentence
from controllers.api.plan import PlanContent, PlanSpec, plan_name
from controllers.api.stored import APPROVALS, PLANS, ZONES, Plan, ResourceRequest, stored
from controllers.request.addresses import allocate
from controllers.request.approve import prove
from controllers.request.circumstances import circumstances, planned_imports, planned_prefixes, tenant_of
from controllers.request.examine import require_allowed
from controllers.request.imports import Found, find_imports, import_findings
from controllers.request.parts import RequestParts
from controllers.request.plan import Catalogue, Inputs, plan_content, signed, staged
from controllers.request.plans import newest_plan, plan_body, plan_lost, plan_named, plans_of, summary
from controllers.request.repair import repair_content, superfluous
from controllers.request.seats import assign_seats
from controllers.request.status import Report, is_built, pause_after
from infra.errors import ClusterUnavailable, InvalidRequest, KunlunError, ZoneUnknown
from infra.stackplan import Origin, Project
from policies.facts import facts_of


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made on: the zone, the project, the prefixes that exist, and what is to be imported."""

    catalogue: Catalogue
    project: Project
    existing: Sequence[IPv4Network]
    found: Found


async def draft_plan(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make sure the Plan for the present spec exists, unaltered."""
    plan = _known(request, parts)
    if plan is None:
        catalogue, project = _catalogue(request, parts), _project(request, parts)
        if catalogue is None or project is None:
            message = f"waiting for the department's project in zone '{request.spec.zone}'"
            return report.waiting(ConditionType.PLANNED, Reason.AWAITING_TENANT, message)
        drafting, work = parts.memories.of(request.meta.uid).drafting, _work(request, catalogue, project)
        if resting := drafting.resting(work, parts.monotonic()):
            seconds, error = resting
            return report.failed(ConditionType.PLANNED, error, after=seconds)
        try:  # before the lock: a cloud that hangs holds up nobody else's plan; what is planned meanwhile is cached
            ground = await _look(request, catalogue, project, parts)
        except KunlunError as error:
            drafting.rest(work, now=parts.monotonic(), pause=pause_after(error), error=error)
            raise
        drafting.rested()
        async with parts.planning:  # addresses, imports and test budget are given out one plan at a time
            plan = _known(request, parts)
            if plan is None:
                require_allowed(request, parts)
                plan = await _create(request, ground, parts)
    plan = await _or_repair(plan, request, parts)
    prove(plan, request)
    return report.reached(
        ConditionType.PLANNED,
        Reason.PLANNED,
        f"plan {plan.meta.name}: {summary(plan.spec)}",
        plan=plan.meta.name,
        plan_digest=plan.spec.digest,
        required_stages=tuple(needed.stage for needed in plan.spec.stages),
        project=plan.spec.stack.project.id,
    )


def _known(request: ResourceRequest, parts: RequestParts) -> Plan | None:
    return newest_plan(request, _plans(request, parts))


def _plans(request: ResourceRequest, parts: RequestParts) -> list[Plan]:
    return plans_of(request, parts.cache.all(PLANS, request.meta.namespace))


def _catalogue(request: ResourceRequest, parts: RequestParts) -> Catalogue | None:
    zone = parts.cache.get(ZONES, "", request.spec.zone)
    if zone is None:
        raise ZoneUnknown(f"zone '{request.spec.zone}' does not exist any more")
    if zone.status.uplink_id is None or zone.status.subnet_pool_id is None:
        return None
    return Catalogue(zone.meta.name, zone.spec, zone.status)


def _project(request: ResourceRequest, parts: RequestParts) -> Project | None:
    tenant = tenant_of(request.meta.namespace, parts.cache)
    projects = tenant.status.projects if tenant else ()
    return next((Project(id=p.id, name=p.name) for p in projects if p.zone == request.spec.zone), None)


def _work(request: ResourceRequest, catalogue: Catalogue, project: Project) -> str:
    """What rests when the cloud cannot be looked at. Another version of anything it is about is other work."""
    return f"draft {request.meta.generation} in {project.id} from {catalogue.status.subnet_pool_id}"


async def _look(request: ResourceRequest, catalogue: Catalogue, project: Project, parts: RequestParts) -> Ground:
    now = asyncio.get_running_loop().time()
    prefixes = await parts.surveys.prefixes(catalogue.status.subnet_pool_id or "", not_before=now)
    existing = [IPv4Network(prefix) for prefix in prefixes]
    return Ground(catalogue, project, existing, await _found(request, project, parts))


async def _create(request: ResourceRequest, ground: Ground, parts: RequestParts) -> Plan:
    content, elsewhere = plan_content(_inputs(request, ground, parts)), planned_imports(request, parts.cache)
    spec = _signed(content, request, parts)
    if findings := import_findings(request.spec, spec.stack, ground.found, elsewhere=elsewhere):
        raise InvalidRequest(sentence(findings))
    return await _written(request, spec, parts)


def _signed(content: PlanContent, request: ResourceRequest, parts: RequestParts) -> PlanSpec:
    """With who has to approve it, and its digest."""
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    facts = facts_of(content, circumstances(request, parts.cache), in_force=in_force.spec if in_force else None)
    return signed(staged(content, parts.procedure, facts))


async def _or_repair(plan: Plan, request: ResourceRequest, parts: RequestParts) -> Plan:
    """The plan in force, or the one that repairs it while it has to be repaired; else the plan given.

    A repair is of the present version of the request: while a newer one waits for its approval, that comes first.
    """
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    if in_force is None or in_force.spec.stack.origin.generation != request.meta.generation:
        return plan
    seen = parts.memories.of(request.meta.uid).seen_of(in_force.meta.name)
    if seen is None:  # not looked yet: as the status says
        return plan
    wanted = in_force
    if seen.repairs:
        prove(in_force, request)
        spec = _signed(repair_content(in_force.spec, seen.repairs), request, parts)
        known = plan_named(plan_name(request.meta.name, spec.digest), request, parts.cache)
        wanted = known or await _written(request, spec, parts)
    if wanted.meta.name != request.status.plan:
        await _clear_away(request, {wanted.meta.name, in_force.meta.name}, parts)
    return wanted


async def _clear_away(request: ResourceRequest, needed: set[str], parts: RequestParts) -> None:
    approvals = parts.cache.all(APPROVALS, request.meta.namespace)
    for plan in superfluous(_plans(request, parts), approvals, needed=needed):
        await parts.cluster.delete(PLANS, plan.meta)


async def _written(request: ResourceRequest, spec: PlanSpec, parts: RequestParts) -> Plan:
    body = await parts.cluster.create(PLANS, plan_body(request, spec))
    if body is None:  # made by a pass whose memory is lost; the watch will bring it
        raise ClusterUnavailable(
            f"plan {plan_name(request.meta.name, spec.digest)} is being read", retry_after_seconds=1
        )
    parts.cache.keep(PLANS, body)
    return stored(PLANS, body)


async def _found(request: ResourceRequest, project: Project, parts: RequestParts) -> Found:
    """What the request imports, as the project shows it now; a request without imports costs no look."""
    if not request.spec.imports:
        return Found()
    now = asyncio.get_running_loop().time()
    return find_imports(request.spec, await parts.surveys.everything(project.id, not_before=now))


def _inputs(request: ResourceRequest, ground: Ground, parts: RequestParts) -> Inputs:
    meta = request.meta
    older = _plans(request, parts)
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    if in_force is None and request.status.approved_plan is not None:
        raise plan_lost(request.status.approved_plan)
    unfinished = in_force is not None and not is_built(request.status, in_force.meta.name)
    # What a plan that never came into force would have imported has not become ours.
    previous = in_force or next((plan for plan in older if not plan.spec.stack.imports), None)
    stack = previous.spec.stack if previous else None
    zone, known = ground.catalogue, ground.found.addresses
    taken = [*ground.existing, *planned_prefixes(request, parts.cache)]
    return Inputs(
        origin=Origin(namespace=meta.namespace, name=meta.name, uid=meta.uid, generation=meta.generation),
        request=request.spec,
        catalogue=zone,
        project=ground.project,
        addresses=allocate(request.spec, zone=zone.spec, taken=taken, previous=stack, existing=known),
        in_force=in_force.spec.stack if in_force else None,
        unfinished=in_force.spec.stack.removals if in_force and unfinished else (),
        seats=assign_seats(request.spec, stack),
        found=ground.found,
    )
