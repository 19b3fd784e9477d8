"""The Plan objects of a request, as the cache has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controllers.api import API_VERSION
from controllers.api.plan import Operation, PlanSpec, plan_name
from controllers.api.stored import PLANS, REQUESTS, Plan, ResourceRequest
from controllers.cache import Cache
from infra.errors import PlanLost


def plans_of(request: ResourceRequest, plans: Iterable[Plan]) -> list[Plan]:
    """The request's plans, newest first."""
    return newest_first(plan for plan in plans if plan.spec.stack.origin.uid == request.meta.uid)


def newest_first(plans: Iterable[Plan]) -> list[Plan]:
    """By the generation of the request they were made from."""
    return sorted(plans, key=lambda plan: (plan.spec.stack.origin.generation, plan.meta.created), reverse=True)


def newest_plan(request: ResourceRequest, plans: Sequence[Plan]) -> Plan | None:
    """The plan for the request's present generation; the one the status names, if there are several."""
    present = [plan for plan in plans if plan.spec.stack.origin.generation == request.meta.generation]
    present.sort(key=is_repair)
    named = [plan for plan in present if plan.meta.name == request.status.plan]
    return next(iter(named or present), None)


def newest_known(request: ResourceRequest, plans: Sequence[Plan]) -> Plan | None:
    """The plan the status names as the newest; before it does, the newest there is."""
    named = [plan for plan in plans if plan.meta.name == request.status.plan]
    return next(iter(named or newest_first(plans)), None)


def is_repair(plan: Plan) -> bool:
    """Whether it was made for what became of another plan, not for a new spec."""
    return any(gone.id is not None for gone in plan.spec.stack.removals)


def plan_named(name: str | None, request: ResourceRequest, cache: Cache) -> Plan | None:
    """A plan of the request's namespace by name."""
    return cache.get(PLANS, request.meta.namespace, name) if name else None


def plan_body(request: ResourceRequest, spec: PlanSpec) -> dict[str, object]:
    """A Plan as it is created: owned by its request, named by its digest."""
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


def plan_lost(name: str | None) -> PlanLost:
    """The plan in force is neither in the API server nor remembered."""
    return PlanLost(
        f"plan '{name}' is in force, was deleted, and no copy of it is known: nothing is changed until it is restored "
        '(the platform\'s runbook, "A plan is lost", says how) or the request is deleted'
    )


def summary(plan: PlanSpec) -> str:
    """`12 to create, 1 to replace; 180 yuan a month`."""
    words = {
        Operation.CREATE: "to create",
        Operation.IMPORT: "to take over",
        Operation.UPDATE: "to change",
        Operation.REPLACE: "to replace",
        Operation.DELETE: "to delete",
    }
    counts = {operation: sum(action.operation is operation for action in plan.actions) for operation in Operation}
    changes = ", ".join(f"{count} {words[operation]}" for operation, count in counts.items() if count)
    return f"{changes or 'nothing changes'}; {plan.monthly_yuan} yuan a month"
