"""Whether both sides of a link are of one accord: what may be joined now, and what a side in force waits for. Pure.

A link is joined to another request's router only while that request lives, is not being deleted, and its own plan in
force says that its servers call. Until then everything else of the plan is built, and the message says what is awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from controllers.api.stored import REQUESTS, Plan, ResourceRequest
from controllers.cache import Cache
from controllers.request.plans import plan_named
from controllers.request.status import is_built
from infra.declared import LINK_PORT_PREFIX
from infra.errors import InvalidRequest
from infra.provider.observed import Deviation, Difference
from infra.stackplan import CallPlan, Kind, LinkPlan, StackPlan


def barred(plan: Plan, cache: Cache) -> frozenset[str]:
    """The uids of requests whose routers this plan's links must leave alone now."""
    return frozenset(link.uid for link in plan.spec.stack.links if _unsigned(link, plan, cache) is not None)


def joinable(plan: Plan, cache: Cache) -> frozenset[str]:
    """The uids of requests that this plan's links may be joined to, by what the cluster says."""
    return frozenset(link.uid for link in plan.spec.stack.links if _obstacle(link, plan, cache) is None)


def awaited(plan: Plan, cache: Cache) -> str:
    """What the flows from and to other requests wait for, in words; empty when all are open or there are none."""
    stack = plan.spec.stack
    links = ((link.request, "from", _obstacle(link, plan, cache)) for link in stack.links)
    calls = ((call.request, "to", _unanswered(call, plan, cache)) for call in stack.calls)
    waiting = [f"{way} request '{name}' ({why})" for name, way, why in (*links, *calls) if why]
    return f"; closed until both sides are in force: flows {', '.join(waiting)}" if waiting else ""


def waits_to_be_joined(item: Difference, drift: Collection[Difference]) -> bool:
    """Whether something lacks only because the far side of a link, its port included, has not been made yet."""
    _, _, place = item.name.partition("-link.")
    link = place.rpartition(".")[0]
    missing = {one.name for one in drift if one.deviation is Deviation.MISSING}
    return bool(link) and item.name in missing and f"{LINK_PORT_PREFIX}{link}.far" in missing


def _unsigned(link: LinkPlan, plan: Plan, cache: Cache) -> str | None:
    """Why the other side has not signed, None when it has."""
    other = _other(link, plan, cache)
    return _disagreement(other, cache, lambda stack: _names(stack.calls, plan))


def _obstacle(link: LinkPlan, plan: Plan, cache: Cache) -> str | None:
    why = _unsigned(link, plan, cache)
    if why is not None:
        return why
    other = _other(link, plan, cache)
    built = other is not None and any(item.kind == Kind.ROUTER for item in other.status.resources)
    return None if built else "its router is not built yet"


def _unanswered(call: CallPlan, plan: Plan, cache: Cache) -> str | None:
    other = _other(call, plan, cache)
    why = _disagreement(other, cache, lambda stack: _names(stack.links, plan))
    if why is not None or other is None:
        return why
    in_force = other.status.approved_plan
    return None if in_force and is_built(other.status, in_force) else "it is not built yet"


def _disagreement(other: ResourceRequest | None, cache: Cache, agrees: Callable[[StackPlan], bool]) -> str | None:
    """Why nothing can pass between the two yet, None when the other's plan in force says the same."""
    if other is None:
        return "that request is gone"
    if other.meta.deleting:
        return "that request is being deleted"
    in_force = _in_force(other, cache)
    agreed = in_force is not None and agrees(in_force.spec.stack)
    return None if agreed else "its plan with them is not in force"


def _names(ends: Iterable[LinkPlan | CallPlan], plan: Plan) -> bool:
    """Whether one of them is this plan's request."""
    return any(end.uid == plan.spec.stack.origin.uid for end in ends)


def _other(named: LinkPlan | CallPlan, plan: Plan, cache: Cache) -> ResourceRequest | None:
    try:
        other = cache.get(REQUESTS, plan.meta.namespace, named.request)
    except InvalidRequest:
        return None
    return other if other is not None and other.meta.uid == named.uid else None


def _in_force(request: ResourceRequest, cache: Cache) -> Plan | None:
    try:
        return plan_named(request.status.approved_plan, request, cache)
    except InvalidRequest:
        return None
