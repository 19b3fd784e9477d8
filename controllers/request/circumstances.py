"""Everything a request's compliance and plan depend on, gathered from the cache."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from controllers.api.stored import PLANS, REQUESTS, SYSTEMS, TENANTS, ZONES, Plan, ResourceRequest, Tenant
from controllers.cache import Cache
from infra.stackplan import StackPlan
from policies.rules import Circumstances, Usage, usage_of


def circumstances(request: ResourceRequest, cache: Cache) -> Circumstances:
    """What policy needs to know about a request."""
    namespace = request.meta.namespace
    zones = {zone.meta.name: zone for zone in cache.all(ZONES)}
    system = cache.get(SYSTEMS, namespace, request.spec.system)
    tenant = tenant_of(namespace, cache)
    zone = zones.get(request.spec.zone)
    usages = list(_usages(request, cache))
    return Circumstances(
        request=request.spec,
        namespace=namespace,
        zones={name: item.spec for name, item in zones.items()},
        system=system.spec if system else None,
        tenant=tenant.spec if tenant else None,
        zone_usage=sum((usage for name, usage in usages if name == request.spec.zone), Usage()),
        tenant_usage=sum((usage for _, usage in usages), Usage()),
        neighbours={
            stack.origin.name: (stack.zone, frozenset(s.group for s in stack.servers))
            for stack in _neighbours(request, cache)
        },
        volumes_available=zone.status.volumes if zone else True,
    )


def tenant_of(namespace: str, cache: Cache) -> Tenant | None:
    """The department that works in a namespace."""
    return next((tenant for tenant in cache.all(TENANTS) if tenant.spec.namespace == namespace), None)


def neighbour_addresses(request: ResourceRequest, cache: Cache) -> dict[tuple[str, str], tuple[str, ...]]:
    """(request, servers) -> addresses, for the other requests of the namespace as approved."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for stack in _neighbours(request, cache):
        for group in {server.group for server in stack.servers}:
            addresses = tuple(server.address for server in stack.servers if server.group == group)
            found[stack.origin.name, group] = addresses
    return found


def planned_prefixes(request: ResourceRequest, cache: Cache) -> list[IPv4Network]:
    """Prefixes that plans of other requests have, built or not."""
    living = {other.meta.uid for other in _others(request, cache)}
    stacks = (plan.spec.stack for plan in cache.all(PLANS) if plan.spec.stack.origin.uid in living)
    return [IPv4Network(network.cidr) for stack in stacks for network in stack.networks]


def plan_named(name: str | None, request: ResourceRequest, cache: Cache) -> Plan | None:
    """A plan of the request's namespace by name."""
    return cache.get(PLANS, request.meta.namespace, name) if name else None


def _others(request: ResourceRequest, cache: Cache, namespace: str | None = None) -> Iterator[ResourceRequest]:
    return (other for other in cache.all(REQUESTS, namespace) if other.meta.uid != request.meta.uid)


def _usages(request: ResourceRequest, cache: Cache) -> Iterator[tuple[str, Usage]]:
    """(zone, usage) of the namespace's other requests that have been planned."""
    for other in _others(request, cache, request.meta.namespace):
        zone = cache.get(ZONES, "", other.spec.zone)
        if zone is not None and other.status.plan is not None:
            yield other.spec.zone, usage_of(other.spec, zone.spec)


def _neighbours(request: ResourceRequest, cache: Cache) -> Iterator[StackPlan]:
    for other in _others(request, cache, request.meta.namespace):
        plan = plan_named(other.status.approved_plan, other, cache)
        if plan is not None:
            yield plan.spec.stack
