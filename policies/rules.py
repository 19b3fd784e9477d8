"""The rules, one function each, named as the sentence it enforces.

A rule takes the circumstances of a request and yields every place that breaks it. Rules read only what they
are given; who gathers the circumstances is `controllers.request`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from controllers.api.desktops import DesktopSpec
from controllers.api.environment import Environment
from controllers.api.findings import Finding
from controllers.api.informationsystem import Classification, InformationSystemSpec
from controllers.api.resourcerequest import FlowSpec, ResourceRequestSpec, ServerSpec
from controllers.api.tenant import TenantSpec, ZoneQuota
from controllers.api.zone import ZoneClass, ZoneSpec
from infra.stackplan import StackPlan
from policies import flows
from policies.flows import Ground
from policies.usage import amounts, quota_amounts, usage_of


@dataclass(frozen=True, slots=True)
class Circumstances:
    """A request and everything its compliance depends on; a missing object is None.

    `neighbours` is the zone of each other request of the namespace, `entries` the names of its server entries,
    `environments` what it is;
    `test_usage_yuan` is what those cost a month that policy approved on the department's test budget.
    """

    request: ResourceRequestSpec
    namespace: str
    zones: Mapping[str, ZoneSpec]
    system: InformationSystemSpec | None = None
    tenant: TenantSpec | None = None
    tenant_name: str = ""
    test_usage_yuan: int = 0
    volumes_available: bool = True
    roles: tuple[str, ...] = ()
    neighbours: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, frozenset[str]] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneSpec | None:
        return self.zones.get(self.request.zone)

    @property
    def ground(self) -> Ground:
        return Ground(self.request.zone, self.zones, self.neighbours)


def the_system_is_registered(case: Circumstances) -> Iterator[Finding]:
    """Only filed systems get resources."""
    name = case.request.system
    if case.system is None:
        yield Finding("spec.system", f"no InformationSystem '{name}' in namespace '{case.namespace}'; file it first")
    elif case.system.filing_number is None:
        yield Finding("spec.system", f"system '{name}' is not registered: it has no filing number yet")


def the_system_is_not_classified(case: Circumstances) -> Iterator[Finding]:
    """Classified systems get nothing on this cloud."""
    if case.system and case.system.classification is Classification.CLASSIFIED:
        yield Finding(
            "spec.system",
            f"system '{case.request.system}' is classified; only non-classified systems may use the cloud",
        )


def the_zone_exists(case: Circumstances) -> Iterator[Finding]:
    """A request lives in one known zone."""
    if case.zone is None:
        yield Finding("spec.zone", f"unknown zone '{case.request.zone}'; allowed: {_listed(case.zones)}")


def the_tenant_may_use_the_zone(case: Circumstances) -> Iterator[Finding]:
    """A department works in the zones it has a quota for."""
    if case.tenant is None:
        yield Finding(
            "metadata.namespace", f"namespace '{case.namespace}' belongs to no Tenant; ask the cloud provider"
        )
    elif case.zone is not None and quota_of(case) is None:
        allowed = _listed(quota.zone for quota in case.tenant.quotas)
        yield Finding("spec.zone", f"the department has no quota in zone '{case.request.zone}'; allowed: {allowed}")


def images_are_in_the_catalogue(case: Circumstances) -> Iterator[Finding]:
    """Servers start from images the zone offers, on a disk they fit on."""
    if case.zone is None:
        return
    images = {image.name: image for image in case.zone.images}
    disks = {flavor.name: flavor.disk_gib for flavor in case.zone.flavors}
    for where, entry in _entries(case.request):
        image = images.get(entry.image)
        disk = (entry.boot_volume_gib if isinstance(entry, ServerSpec) else None) or disks.get(entry.flavor)
        if image is None:
            yield Finding(
                f"{where}.image", f"no image '{entry.image}' in zone '{case.request.zone}'; allowed: {_listed(images)}"
            )
        elif disk is not None and disk < image.minimum_disk_gib:
            yield Finding(where, f"image '{image.name}' needs a disk of {image.minimum_disk_gib} GiB, not {disk}")


def flavors_are_in_the_catalogue(case: Circumstances) -> Iterator[Finding]:
    """Servers have a size the zone offers."""
    if case.zone is None:
        return
    flavors = [flavor.name for flavor in case.zone.flavors]
    for where, entry in _entries(case.request):
        if entry.flavor not in flavors:
            yield Finding(
                f"{where}.flavor",
                f"no flavor '{entry.flavor}' in zone '{case.request.zone}'; allowed: {_listed(flavors)}",
            )


def _entries(request: ResourceRequestSpec) -> Iterator[tuple[str, ServerSpec | DesktopSpec]]:
    """Servers and desktops, each with its place in the request."""
    yield from ((f"spec.servers[{index}]", server) for index, server in enumerate(request.servers))
    yield from ((f"spec.desktops[{index}]", desktop) for index, desktop in enumerate(request.desktops))


def prefixes_stay_out_of_other_zones(case: Circumstances) -> Iterator[Finding]:
    """Who comes from another zone is named, by request and servers: behind a prefix could be anybody."""
    if case.zone is None:
        return
    for index, flow in enumerate(case.request.flows):
        for name in flows.zones_within(flow, case.ground):
            what = f"{flow.from_.cidr} reaches into zone '{name}'; name the request and its servers instead of a prefix"
            yield Finding(f"spec.flows[{index}].from.cidr", what)


def flows_are_in_the_catalogue(case: Circumstances) -> Iterator[Finding]:
    """A request opens only flows that its zone permits."""
    for opening in flows.openings(case.request, case.ground) if case.zone is not None else ():
        if opening.entry is not None or flows.zones_within(opening.flow, case.ground):
            continue
        where, port = f"spec.flows[{opening.flow_index}]", opening.flow.ports[opening.port_index]
        fitting = flows.entries_for(opening.flow, case.ground)
        allowed = "; ".join(map(flows.entry_in_words, fitting or case.ground.catalogue)) or "none"
        yield Finding(
            f"{where}.ports[{opening.port_index}]" if fitting else f"{where}.from",
            f"zone '{case.request.zone}' permits no {port} from {_source(opening.flow)}; allowed: {allowed}",
        )


def public_addresses_are_the_internets(case: Circumstances) -> Iterator[Finding]:
    """Only a zone of class Internet has an address that the internet knows."""
    if case.zone is None or case.zone.class_ is ZoneClass.INTERNET:
        return
    allowed = _listed(name for name, zone in case.zones.items() if zone.class_ is ZoneClass.INTERNET)
    for index, server in enumerate(case.request.servers):
        if server.public_address:
            what = f"zone '{case.request.zone}' has no public addresses; ask in one of class Internet: {allowed}"
            yield Finding(f"spec.servers[{index}].publicAddress", what)


def networks_are_in_the_zone(case: Circumstances, stack: StackPlan) -> Iterator[Finding]:
    """A prefix tells the zone: what was planned has to lie in the prefixes that the zone has."""
    prefixes = [IPv4Network(prefix) for prefix in case.zone.prefixes] if case.zone else []
    for network in stack.networks if case.zone else ():
        if not any(IPv4Network(network.cidr).subnet_of(prefix) for prefix in prefixes):
            what = f"network {network.name} has {network.cidr}, which is not of zone '{case.request.zone}' any more"
            yield Finding("spec.networks", what)


def roles_are_known(case: Circumstances) -> Iterator[Finding]:
    """Servers are configured by the roles there are, each once, where the zone has a way to its guests."""
    for index, server in enumerate(case.request.servers):
        where = f"spec.servers[{index}].roles"
        for position, role in enumerate(server.roles):
            if role not in case.roles:
                yield Finding(f"{where}[{position}]", f"no role '{role}'; allowed: {_listed(case.roles)}")
            elif role in server.roles[:position]:
                yield Finding(f"{where}[{position}]", f"role '{role}' is listed twice; each may be listed once")
        if server.roles and case.zone is not None and case.zone.management is None:
            yield Finding(where, f"zone '{case.request.zone}' has no management network: its servers have no roles")


def desktops_have_a_way_to_them(case: Circumstances) -> Iterator[Finding]:
    """Desktops are made ready, and shown, over the zone's management network."""
    if case.request.desktops and case.zone is not None and case.zone.management is None:
        yield Finding("spec.desktops", f"zone '{case.request.zone}' has no management network: it has no desktops")


def volumes_need_block_storage(case: Circumstances) -> Iterator[Finding]:
    """Volumes exist only where the cloud has block storage."""
    if case.volumes_available:
        return
    for index, server in enumerate(case.request.servers):
        for field_name, asked in (("bootVolumeGiB", server.boot_volume_gib), ("volumes", server.volumes)):
            if asked:
                yield Finding(
                    f"spec.servers[{index}].{field_name}", "this cloud has no block storage service; leave it out"
                )


def the_quota_suffices(case: Circumstances) -> Iterator[Finding]:
    """A request fits the department's quota in its zone by itself. What others hold is waited for, not refused."""
    quota = quota_of(case)
    if quota is None or case.zone is None:
        return
    asked, limits = amounts(usage_of(case.request, case.zone)), quota_amounts(quota)
    for unit, amount in asked.items():
        if amount > limits[unit]:
            where = f"in zone '{case.request.zone}'"
            yield Finding("spec", f"needs {amount} {unit}; the department's quota {where} is {limits[unit]}")


def the_budget_suffices(case: Circumstances) -> Iterator[Finding]:
    """A request fits the department's monthly budget by itself."""
    if case.tenant is None or case.zone is None:
        return
    own, budget = usage_of(case.request, case.zone).monthly_yuan, case.tenant.monthly_budget_yuan
    if own > budget:
        yield Finding("spec", f"costs {own} yuan a month; the department's budget is {budget}")


def quota_of(case: Circumstances) -> ZoneQuota | None:
    """The tenant's quota in the request's zone."""
    quotas = case.tenant.quotas if case.tenant else ()
    return next((quota for quota in quotas if quota.zone == case.request.zone), None)


def _source(flow: FlowSpec) -> str:
    source = flow.from_
    if source.cidr is not None:
        return source.cidr
    return f"servers '{source.servers}'" + (f" of request '{source.request}'" if source.request else "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
