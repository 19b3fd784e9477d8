"""Everything a request's compliance and plan depend on, gathered from the cache."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Network

from controllers.api.environment import Environment
from controllers.api.stored import PLANS, REQUESTS, SYSTEMS, TENANTS, ZONES, Plan, ResourceRequest, Tenant
from controllers.cache import Cache
from controllers.request.plans import newest_first
from controllers.request.roles import Playbooks
from infra.stackplan import StackPlan
from policies.rules import Circumstances


def circumstances(request: ResourceRequest, cache: Cache) -> Circumstances:
    """What policy needs to know about a request."""
    namespace = request.meta.namespace
    zones = {zone.meta.name: zone for zone in cache.all(ZONES)}
    system = cache.get(SYSTEMS, namespace, request.spec.system)
    tenant = tenant_of(namespace, cache)
    zone = zones.get(request.spec.zone)
    others = list(_others(request, cache, namespace))
    return Circumstances(
        request=request.spec,
        namespace=namespace,
        zones={name: item.spec for name, item in zones.items()},
        system=system.spec if system else None,
        tenant=tenant.spec if tenant else None,
        tenant_name=tenant.meta.name if tenant else "",
        test_usage_yuan=_test_usage_yuan(request, cache),
        volumes_available=zone.status.volumes if zone else True,
        roles=Playbooks().names() if any(server.roles for server in request.spec.servers) else (),
        neighbours={other.meta.name: other.spec.zone for other in others},
        entries={other.meta.name: frozenset(entry.name for entry in other.spec.servers) for other in others},
        environments={other.meta.name: other.spec.environment for other in others},
    )


def zone_circumstances(request: ResourceRequest, cache: Cache) -> Circumstances:
    """What the rules of zones need to know; of the neighbours only those that its flows name."""
    namespace, named = request.meta.namespace, {flow.from_.request for flow in request.spec.flows}
    found = (cache.get(REQUESTS, namespace, name) for name in named if name is not None)
    neighbours = [other for other in found if other is not None]
    return Circumstances(
        request=request.spec,
        namespace=namespace,
        zones={zone.meta.name: zone.spec for zone in cache.all(ZONES)},
        neighbours={other.meta.name: other.spec.zone for other in neighbours},
        environments={other.meta.name: other.spec.environment for other in neighbours},
    )


def registry_circumstances(request: ResourceRequest, cache: Cache) -> Circumstances:
    """What the registry's rules need to know: the system, and nothing that costs a look at every neighbour."""
    system = cache.get(SYSTEMS, request.meta.namespace, request.spec.system)
    return Circumstances(
        request=request.spec, namespace=request.meta.namespace, zones={}, system=system.spec if system else None
    )


def tenant_of(namespace: str, cache: Cache) -> Tenant | None:
    """The department that works in a namespace."""
    tenants = [tenant for tenant in cache.all(TENANTS) if tenant.spec.namespace == namespace]
    return min(tenants, key=lambda tenant: (tenant.meta.created, tenant.meta.name), default=None)


def planned_prefixes(request: ResourceRequest, cache: Cache) -> list[IPv4Network]:
    """Prefixes that plans of other requests have, built or not, and addresses that their rules name.

    As long as a rule lets an address in, nobody else gets it, even if whose it was is gone.
    """
    stacks = _living_stacks(request, cache)
    return [_prefix(cidr) for stack in stacks for cidr in (*_networks(stack), *_named_addresses(stack))]


def planned_transits(request: ResourceRequest, cache: Cache) -> list[IPv4Network]:
    """Networks of links that plans of other requests have, built or not."""
    return [_prefix(link.transit) for stack in _living_stacks(request, cache) for link in stack.links]


def _living_stacks(request: ResourceRequest, cache: Cache) -> list[StackPlan]:
    living = {other.meta.uid for other in _others(request, cache)}
    return [plan.spec.stack for plan in cache.all(PLANS) if plan.spec.stack.origin.uid in living]


def _networks(stack: StackPlan) -> Iterator[str]:
    return (network.cidr for network in stack.networks)


def _named_addresses(stack: StackPlan) -> Iterator[str]:
    return (address for group in stack.address_groups for address in group.addresses)


def planned_management(request: ResourceRequest, cache: Cache) -> list[str]:
    """Addresses in management networks that plans of other requests have, built or not."""
    routers = [stack.router for stack in _living_stacks(request, cache)]
    return [router.management.address for router in routers if router.management is not None]


@lru_cache(maxsize=2**16)
def _prefix(cidr: str) -> IPv4Network:
    """Every plan that is made asks for those of all others; reading them was most of the work."""
    return IPv4Network(cidr)


def planned_imports(request: ResourceRequest, cache: Cache) -> dict[str, str]:
    """Which other request of the namespace has a plan that takes an object over, by the object's id.

    Only plans count that are newest or in force: what was asked for once and is no more stands in nobody's way.
    """
    if not request.spec.imports:
        return {}
    plans = _by_uid(request, cache)
    return {
        entry.id: other.meta.name
        for other in _others(request, cache, request.meta.namespace)
        for plan in _counted(other, plans[other.meta.uid])
        for entry in plan.spec.stack.imports
    }


def _test_usage_yuan(request: ResourceRequest, cache: Cache) -> int:
    """What the namespace's other requests cost a month by plans that policy approved: a plan counts once it exists."""
    if request.spec.environment is not Environment.TEST:
        return 0
    plans = _by_uid(request, cache)
    return sum(
        max((plan.spec.monthly_yuan for plan in _counted(other, plans[other.meta.uid]) if by_policy(plan)), default=0)
        for other in _others(request, cache, request.meta.namespace)
    )


def by_policy(plan: Plan) -> bool:
    """Whether nobody has to approve it."""
    return bool(plan.spec.approved_by_policy)


def _by_uid(request: ResourceRequest, cache: Cache) -> defaultdict[str, list[Plan]]:
    plans: defaultdict[str, list[Plan]] = defaultdict(list)
    for plan in cache.all(PLANS, request.meta.namespace):
        plans[plan.spec.stack.origin.uid].append(plan)
    return plans


def _counted(other: ResourceRequest, own: list[Plan]) -> list[Plan]:
    named = {other.status.plan, other.status.approved_plan}
    newest = newest_first(own)[:1]  # the status may not name it yet
    return [plan for plan in own if plan.meta.name in named or plan in newest]


def _others(request: ResourceRequest, cache: Cache, namespace: str | None = None) -> Iterator[ResourceRequest]:
    return (other for other in cache.all(REQUESTS, namespace) if other.meta.uid != request.meta.uid)
