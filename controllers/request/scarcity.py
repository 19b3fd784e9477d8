"""When the cloud has no more: what is needed and what is left, said; and a cheap look before it is tried again.

Looking costs three reads; trying would cost a run of the engine and refused POSTs. Where a look is not possible or
shows no want, the cloud itself decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from controllers.api.stored import Plan
from controllers.request.parts import RequestParts
from infra.errors import QuotaExceeded, TransientError
from infra.planned import PlannedObject, planned_objects
from infra.provider.authority import authority_of
from infra.provider.observed import Observed, ObservedObject, identity_of
from infra.provider.server import is_stillborn
from infra.quota import in_words, needed, room_needed, shortages, without_host
from infra.room import observe_flavors, observe_hosts, observe_quota
from infra.stackplan import Kind

RETRY_SECONDS = 30.0


async def require_quota(plan: Plan, observed: Observed, parts: RequestParts) -> None:
    """Raises QuotaExceeded, with every item of which too little is left for what the plan still needs."""
    stack = plan.spec.stack
    making, freeing = _to_make(plan, observed), _to_free(plan, observed)
    cloud = parts.clouds.project(stack.project.id)
    try:
        flavors = await observe_flavors(cloud, _flavor_ids([*making, *freeing]))
        freed, left = needed(freeing, flavors), await observe_quota(cloud)
        found = shortages(needed(making, flavors), {item: left[item] + freed[item] for item in left})
    except TransientError:  # then the cloud will say it itself
        return
    if found:
        message = f"quota of project {stack.project.name}: {in_words(found)}; delete what is not needed there, or ask "
        raise QuotaExceeded(f"{message}the provider for more; goes on by itself", retry_after_seconds=RETRY_SECONDS)


async def require_hosts(plan: Plan, servers: Sequence[ObservedObject], parts: RequestParts) -> None:
    """Raises QuotaExceeded when no host has the room for one of these planned servers."""
    planned = planned_objects(plan.spec.stack)
    wanted = [planned[found.name] for found in servers]
    try:
        hosts = await observe_hosts(parts.clouds.admin())
        sizes = await observe_flavors(parts.clouds.project(plan.spec.stack.project.id), _flavor_ids(wanted))
    except TransientError:
        return
    if hosts is None:
        return
    for server in wanted:
        size = sizes.get(server.inputs["flavor_id"])
        if size is not None and (lacking := without_host(room_needed(server, size), hosts)):
            best = "the host with the most room" if hosts else "no host takes new servers"
            message = f"no host has room for {server.name}; {best}: {in_words(lacking)}"
            raise QuotaExceeded(f"{message}; goes on by itself when there is", retry_after_seconds=RETRY_SECONDS)


def _to_make(plan: Plan, observed: Observed) -> list[PlannedObject]:
    """What is not there, and servers in ERROR that never ran: they are built anew."""
    found = observed.by_identity
    planned = [one for one in planned_objects(plan.spec.stack).values() if observed.reaches(one)]
    return [one for one in planned if (known := found.get(identity_of(one))) is None or is_stillborn(known.raw)]


def _to_free(plan: Plan, observed: Observed) -> list[ObservedObject]:
    """What the plan removes and does not make again, and servers that are built anew: they go first."""
    authority = authority_of(plan.spec.stack)
    wanted = {identity_of(one) for one in authority.planned.values()}
    return [
        found
        for found in observed.objects
        if (is_stillborn(found.raw) if found.identity in wanted and not found.twin else authority.removes(found))
    ]


def _flavor_ids(objects: Sequence[PlannedObject | ObservedObject]) -> list[str]:
    return sorted({one.inputs["flavor_id"] for one in objects if one.kind is Kind.SERVER})
