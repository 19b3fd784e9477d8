"""Quota and budget of a department, given out one plan at a time, between approval and building.

What is planned holds nothing. A plan that comes into force holds its part from that very moment: this process remembers
it until the status says so, and between looking and remembering nothing else runs. So of two plans that were approved
at once and only fit one by one, the second waits, says for whom, and goes on by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.stored import REQUESTS, ZONES, Plan, ResourceRequest
from controllers.cache import Cache
from controllers.request.circumstances import tenant_of
from controllers.request.memory import Memories
from controllers.request.parts import RequestParts
from controllers.request.plans import plan_named
from policies.quota import Holding, Shortfall, shortfalls
from policies.usage import Usage, largest, usage_of_plan


def reserve(request: ResourceRequest, plan: Plan, parts: RequestParts) -> list[Shortfall]:
    """Take what the plan needs; or take nothing, and say what is lacking. MUST NOT await: that makes it serial."""
    lacking = lacking_for(request, plan, parts)
    if not lacking:
        parts.memories.of(request.meta.uid).reserved = plan.meta.name
    return lacking


def lacking_for(request: ResourceRequest, plan: Plan, parts: RequestParts) -> list[Shortfall]:
    """What the department has too little of for this plan, as things are now. Its request is remembered as waiting."""
    cache, memories, namespace = parts.cache, parts.memories, request.meta.namespace
    tenant, zone = tenant_of(namespace, cache), cache.get(ZONES, "", request.spec.zone)
    if tenant is None or zone is None:
        return []
    own = Holding(request.meta.name, zone.meta.name, usage_of_plan(plan.spec, zone.spec))
    held = holding_of(request, cache, memories)
    others = [
        found
        for other in cache.all(REQUESTS, namespace)
        if other.meta.uid != request.meta.uid and (found := holding_of(other, cache, memories)) is not None
    ]
    lacking = list(shortfalls(own, held.usage if held else Usage(), others, tenant.spec))
    memories.of(request.meta.uid).awaits_room = (namespace, request.meta.name) if lacking else None
    return lacking


def holding_of(request: ResourceRequest, cache: Cache, memories: Memories) -> Holding | None:
    """The largest of what its plans use that are in force, being built, or about to come into force; None for none."""
    zone = cache.get(ZONES, "", request.spec.zone)
    usages = [usage_of_plan(plan.spec, zone.spec) for plan in _holding_plans(request, cache, memories)] if zone else []
    return Holding(request.meta.name, request.spec.zone, largest(usages)) if usages else None


def frees_room(body: object) -> bool:
    """Whether a request, as the API server sent it, may just have let something go: it has built what is in force."""
    status = body.get("status", {}) if isinstance(body, dict) else {}
    return status.get("builtPlan") is not None and status.get("builtPlan") == status.get("approvedPlan")


def _holding_plans(request: ResourceRequest, cache: Cache, memories: Memories) -> Iterator[Plan]:
    status, memory = request.status, memories.by_uid.get(request.meta.uid)
    names = {status.approved_plan, status.building_plan, status.built_plan, memory.reserved if memory else None}
    return (plan for name in names if (plan := plan_named(name, request, cache)) is not None)
