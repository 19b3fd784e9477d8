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
from infra.provider.observed import Observed, ObservedObject, identity_of
from infra.quota import in_words, needed, room_needed, shortages, without_host
from infra.room import observe_flavors, observe_hosts, observe_quota
from infra.stackplan import Kind

RETRY_SECONDS = 30.0


async def require_quota(plan: Plan, observed: Observed, parts: RequestParts) -> None:
    """Raises QuotaExceeded, with every item of which too little is left for what the plan still needs."""
    stack = plan.spec.stack
    missing = [one for one in planned_objects(stack).values() if identity_of(one) not in observed.by_identity]
    cloud = parts.clouds.project(stack.project.id)
    try:
        flavors = await observe_flavors(cloud, _flavor_ids(missing))
        found = shortages(needed(missing, flavors), await observe_quota(cloud))
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


def _flavor_ids(planned: Sequence[PlannedObject]) -> list[str]:
    return sorted({one.inputs["flavor_id"] for one in planned if one.kind is Kind.SERVER})
