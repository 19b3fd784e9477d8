"""The newest plan of a request: found, or made. It never changes; another is made for another version of the spec, and
when what other requests ask of this one, or their addresses, are not as in it any more (see `links`).
"""

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
from controllers.request.circumstances import (
    circumstances,
    planned_imports,
    planned_management,
    planned_prefixes,
    planned_transits,
    tenant_of,
)
from controllers.request.examine import require_allowed, require_registered
from controllers.request.imports import Found, find_imports, import_findings
from controllers.request.links import (
    Wishes,
    is_as_wished,
    linkage,
    linkage_of,
    neighbourhood,
    transits_for,
    wishes_of,
)
from controllers.request.management import needs_management, plan_management
from controllers.request.parts import RequestParts
from controllers.request.plan import Catalogue, Inputs, plan_content, signed, staged
from controllers.request.plans import (
    is_repair,
    newest_known,
    newest_plan,
    plan_body,
    plan_lost,
    plan_named,
    plans_of,
    summary,
)
from controllers.request.repair import repair_content, superfluous
from controllers.request.seats import assign_seats
from controllers.request.status import Report, is_built, pause_after
from infra.errors import ClusterUnavailable, InvalidRequest, KunlunError, ZoneUnknown
from infra.stackplan import ManagementPlan, Origin, Project, StackPlan
from policies.facts import facts_of


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made on: the zone, the project, the prefixes that exist, and what is to be imported."""

    catalogue: Catalogue
    project: Project
    existing: Sequence[IPv4Network]
    found: Found
    transits: Sequence[IPv4Network] = ()
    management: Sequence[str] = ()  # addresses in use in the zone's management network


async def draft_plan(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make sure the Plan for the present spec exists, unaltered."""
    wishes = _wishes(request, parts)
    plan = _known(request, wishes, parts)
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
            wishes = _wishes(request, parts)
            plan = _known(request, wishes, parts)
            if plan is None:
                _require(request, parts)
                plan = await _create(request, wishes, ground, parts)
    plan = await _or_repair(plan, request, parts)
    prove(plan, request)
    return report.reached(
        ConditionType.PLANNED,
        Reason.PLANNED,
        f"plan {plan.meta.name}: {summary(plan.spec)}{_left_out(wishes)}",
        plan=plan.meta.name,
        plan_digest=plan.spec.digest,
        required_stages=tuple(needed.stage for needed in plan.spec.stages),
        project=plan.spec.stack.project.id,
    )


def _left_out(wishes: Wishes) -> str:
    return f"; left out until they are planned: flows from {', '.join(wishes.left_out)}" if wishes.left_out else ""


def _known(request: ResourceRequest, wishes: Wishes, parts: RequestParts) -> Plan | None:
    in_force = _superseded(request, parts)
    plans = [plan for plan in _plans(request, parts) if is_as_wished(plan.spec.stack, wishes)]
    return newest_plan(request, [plan for plan in plans if in_force is None or _is_of(plan, in_force)])


def _superseded(request: ResourceRequest, parts: RequestParts) -> str | None:
    """The plan in force, if it is of the present version of the request."""
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    is_present = in_force is not None and in_force.spec.stack.origin.generation == request.meta.generation
    return request.status.approved_plan if is_present else None


def _is_of(plan: Plan, in_force: str) -> bool:
    """Whether a plan is in force, or was drafted against the one that is."""
    return in_force in {plan.meta.name, plan.spec.stack.supersedes} or is_repair(plan)


def _wishes(request: ResourceRequest, parts: RequestParts) -> Wishes:
    known = newest_known(request, _plans(request, parts))
    return wishes_of(request, neighbourhood(request, parts.cache), known.spec.stack if known else None)


def _require(request: ResourceRequest, parts: RequestParts) -> None:
    """What was approved is not judged anew because a neighbour wishes something of it."""
    if _superseded(request, parts) is not None:
        require_registered(request, parts)
    else:
        require_allowed(request, parts)


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
    called = any(flow.from_.request for flow in request.spec.flows)
    transits = await parts.surveys.transits(not_before=now) if called else []
    existing, between = [IPv4Network(prefix) for prefix in prefixes], [IPv4Network(prefix) for prefix in transits]
    network = catalogue.status.management_network_id if needs_management(request.spec) else None
    managed = await parts.surveys.management_addresses(network, not_before=now) if network else []
    return Ground(catalogue, project, existing, await _found(request, project, parts), between, managed)


async def _create(request: ResourceRequest, wishes: Wishes, ground: Ground, parts: RequestParts) -> Plan:
    content = plan_content(_inputs(request, wishes, ground, parts))
    spec, elsewhere = _signed(content, request, parts), planned_imports(request, parts.cache)
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
    So does one for what a neighbour wishes.
    """
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    if in_force is None or in_force.spec.stack.origin.generation != request.meta.generation:
        return plan
    if linkage_of(plan.spec.stack) != linkage_of(in_force.spec.stack):
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


def _inputs(request: ResourceRequest, wishes: Wishes, ground: Ground, parts: RequestParts) -> Inputs:
    meta, zone = request.meta, ground.catalogue
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    if in_force is None and request.status.approved_plan is not None:
        raise plan_lost(request.status.approved_plan)
    unfinished = in_force is not None and not is_built(request.status, in_force.meta.name)
    taken, existing = [*ground.existing, *planned_prefixes(request, parts.cache)], ground.found.addresses
    previous = _previous(request, in_force, parts)
    addresses = allocate(request.spec, zone=zone.spec, taken=taken, previous=previous, existing=existing)
    transits = transits_for(wishes, kept=_transits(request, parts), taken=_taken_transits(request, ground, parts))
    return Inputs(
        origin=Origin(namespace=meta.namespace, name=meta.name, uid=meta.uid, generation=meta.generation),
        request=request.spec,
        catalogue=zone,
        project=ground.project,
        addresses=addresses,
        in_force=in_force.spec.stack if in_force else None,
        unfinished=in_force.spec.stack.removals if in_force and unfinished else (),
        seats=assign_seats(request.spec, previous),
        found=ground.found,
        linkage=linkage(wishes, addresses.by_entry(request.spec), transits),
        supersedes=_superseded(request, parts),
        management=_management(request, ground, previous, parts),
    )


def _previous(request: ResourceRequest, in_force: Plan | None, parts: RequestParts) -> StackPlan | None:
    """Whose addresses are kept: of the plan that is drafted anew, else of the one in force, else of any.

    What a plan that never came into force would have imported has not become ours.
    """
    older = _plans(request, parts)
    present = [plan for plan in older if plan.spec.stack.origin.generation == request.meta.generation]
    anew = [plan for plan in present if not plan.spec.stack.imports]
    previous = next((plan for plan in (*anew, in_force) if plan), None)
    previous = previous or next((plan for plan in older if not plan.spec.stack.imports), None)
    return previous.spec.stack if previous else None


def _transits(request: ResourceRequest, parts: RequestParts) -> dict[str, str]:
    """The network of each link that a plan of this request has had: the newest counts."""
    plans = reversed(_plans(request, parts))
    return {link.request: link.transit for plan in plans for link in plan.spec.stack.links}


def _taken_transits(request: ResourceRequest, ground: Ground, parts: RequestParts) -> list[IPv4Network]:
    own = [IPv4Network(transit) for transit in _transits(request, parts).values()]
    return [*ground.transits, *own, *planned_transits(request, parts.cache)]


def _management(
    request: ResourceRequest, ground: Ground, previous: StackPlan | None, parts: RequestParts
) -> ManagementPlan | None:
    if not needs_management(request.spec):
        return None
    taken = [*ground.management, *planned_management(request, parts.cache)]
    return plan_management(ground.catalogue.spec, ground.catalogue.status, taken=taken, previous=previous)
