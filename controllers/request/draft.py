"""The newest plan of a request: found, or made. One plan for each version of the spec, and it never changes."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from controllers.api import API_VERSION
from controllers.api.conditions import ConditionType, Reason
from controllers.api.plan import Operation, PlanSpec, plan_name
from controllers.api.stored import PLANS, REQUESTS, ZONES, Plan, ResourceRequest, stored
from controllers.request.addresses import allocate
from controllers.request.approve import prove
from controllers.request.circumstances import planned_prefixes, tenant_of
from controllers.request.examine import require_allowed
from controllers.request.parts import RequestParts
from controllers.request.plan import Catalogue, Inputs, plan_content, signed
from controllers.request.plans import newest_plan, plan_named, plans_of
from controllers.request.status import Report, is_built
from infra.catalogue import observe_prefixes
from infra.errors import ClusterUnavailable, ZoneUnknown
from infra.stackplan import Origin, Project
from policies.stages import required_stages


async def draft_plan(request: ResourceRequest, report: Report, parts: RequestParts) -> Report:
    """Make sure the Plan for the present spec exists, unaltered."""
    plan = _known(request, parts)
    if plan is None:
        catalogue, project = _catalogue(request, parts), _project(request, parts)
        if catalogue is None or project is None:
            message = f"waiting for the department's project in zone '{request.spec.zone}'"
            return report.waiting(ConditionType.PLANNED, Reason.AWAITING_TENANT, message)
        # Not under the lock: a silent cloud would hold up everybody's plans, one after the other.
        existing = await observe_prefixes(parts.clouds.admin(), catalogue.status.subnet_pool_id or "")
        async with parts.planning:  # quota and addresses are given out one plan at a time
            plan = _known(request, parts)
            if plan is None:
                require_allowed(request, parts)
                plan = await _create(request, catalogue, project, existing, parts)
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


def summary(plan: PlanSpec) -> str:
    """`12 to create, 1 to replace; 180 yuan a month`."""
    words = {
        Operation.CREATE: "to create",
        Operation.UPDATE: "to change",
        Operation.REPLACE: "to replace",
        Operation.DELETE: "to delete",
    }
    counts = {operation: sum(action.operation is operation for action in plan.actions) for operation in Operation}
    changes = ", ".join(f"{count} {words[operation]}" for operation, count in counts.items() if count)
    return f"{changes or 'nothing changes'}; {plan.monthly_yuan} yuan a month"


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


async def _create(
    request: ResourceRequest, catalogue: Catalogue, project: Project, existing: Sequence[str], parts: RequestParts
) -> Plan:
    taken = [*map(IPv4Network, existing), *planned_prefixes(request, parts.cache)]
    inputs = _inputs(request, catalogue, project, taken, parts)
    spec = signed(plan_content(inputs))
    body = await parts.cluster.create(PLANS, _body(request, spec))
    if body is None:  # made by a pass whose memory is lost; the watch will bring it
        raise ClusterUnavailable(
            f"plan {plan_name(request.meta.name, spec.digest)} is being read", retry_after_seconds=1
        )
    parts.cache.keep(PLANS, body)
    return stored(PLANS, body)


def _inputs(
    request: ResourceRequest, catalogue: Catalogue, project: Project, taken: Sequence[IPv4Network], parts: RequestParts
) -> Inputs:
    meta = request.meta
    older = _plans(request, parts)
    in_force = plan_named(request.status.approved_plan, request, parts.cache)
    if in_force is None and request.status.approved_plan is not None:
        raise ClusterUnavailable(
            "the plan in force is not there: on its way, or removed by somebody", retry_after_seconds=5
        )
    unfinished = in_force is not None and not is_built(request.status, in_force.meta.name)
    previous = in_force or next(iter(older), None)
    return Inputs(
        origin=Origin(namespace=meta.namespace, name=meta.name, uid=meta.uid, generation=meta.generation),
        request=request.spec,
        catalogue=catalogue,
        project=project,
        addresses=allocate(
            request.spec, zone=catalogue.spec, taken=taken, previous=previous.spec.stack if previous else None
        ),
        stages=required_stages(parts.procedure),
        in_force=in_force.spec.stack if in_force else None,
        unfinished=in_force.spec.stack.removals if in_force and unfinished else (),
    )


def _body(request: ResourceRequest, spec: PlanSpec) -> dict[str, object]:
    owner = {
        "apiVersion": API_VERSION,
        "kind": REQUESTS.name,
        "name": request.meta.name,
        "uid": request.meta.uid,
        "controller": True,
    }
    name = plan_name(request.meta.name, spec.digest)
    metadata = {"name": name, "namespace": request.meta.namespace, "ownerReferences": [owner]}
    return {"metadata": metadata, "spec": spec.model_dump(mode="json", by_alias=True)}
