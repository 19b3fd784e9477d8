"""The rules, one function each, named as the sentence it enforces.

A rule takes the circumstances of a request and yields every place that breaks it. Rules read only what they
are given; who gathers the circumstances is `controllers.request`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field

from controllers.api.desktops import DesktopSpec
from controllers.api.findings import Finding
from controllers.api.informationsystem import Classification, InformationSystemSpec
from controllers.api.plan import PlanContent
from controllers.api.resourcerequest import FlowSpec, ResourceRequestSpec, ServerSpec
from controllers.api.tenant import TenantSpec, ZoneQuota
from controllers.api.zone import ZoneSpec
from policies import flows
from policies.flows import Ground


@dataclass(frozen=True, slots=True)
class Usage:
    """What is asked for, in the units of quota and budget."""

    servers: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    networks: int = 0
    volume_gib: int = 0
    monthly_yuan: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.servers + other.servers,
            self.vcpus + other.vcpus,
            self.memory_mib + other.memory_mib,
            self.networks + other.networks,
            self.volume_gib + other.volume_gib,
            self.monthly_yuan + other.monthly_yuan,
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """A request and everything its compliance depends on; a missing object is None.

    `zone_usage` is what the tenant's other requests use in this zone, `tenant_usage` in all zones; `test_usage_yuan` is
    what those cost a month that policy approved on the department's test budget; `neighbours` is the zone of each.
    """

    request: ResourceRequestSpec
    namespace: str
    zones: Mapping[str, ZoneSpec]
    system: InformationSystemSpec | None = None
    tenant: TenantSpec | None = None
    tenant_name: str = ""
    zone_usage: Usage = field(default_factory=Usage)
    tenant_usage: Usage = field(default_factory=Usage)
    test_usage_yuan: int = 0
    volumes_available: bool = True
    neighbours: Mapping[str, str] = field(default_factory=dict)

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


def features_of_later_releases_are_not_used(case: Circumstances) -> Iterator[Finding]:
    """What this release cannot keep is refused, not ignored."""
    for index, server in enumerate(case.request.servers):
        if server.roles:
            yield Finding(
                f"spec.servers[{index}].roles", "configuring guests by roles is not available yet; leave it out"
            )
        if server.public_address:
            yield Finding(
                f"spec.servers[{index}].publicAddress", "public addresses are not available yet; leave it out"
            )
    for index, flow in enumerate(case.request.flows):
        if flow.from_.request:
            what = "flows from another request are not available yet: its servers may not call out; leave it out"
            yield Finding(f"spec.flows[{index}].from.request", what)
    if case.request.desktops:
        yield Finding("spec.desktops", "cloud desktops are not available yet; leave it out")
    if case.request.time_to_live:
        yield Finding("spec.timeToLive", "limited lifetimes are not available yet; leave it out")


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


def the_quota_is_kept(case: Circumstances) -> Iterator[Finding]:
    """All requests of a department in a zone fit its quota there."""
    quota = quota_of(case)
    if quota is None or case.zone is None:
        return
    own = usage_of(case.request, case.zone)
    for unit, asked, others, limit in (
        ("servers", own.servers, case.zone_usage.servers, quota.servers),
        ("vCPUs", own.vcpus, case.zone_usage.vcpus, quota.vcpus),
        ("MiB of memory", own.memory_mib, case.zone_usage.memory_mib, quota.memory_gib * 1024),
        ("networks", own.networks, case.zone_usage.networks, quota.networks),
        ("GiB of volumes", own.volume_gib, case.zone_usage.volume_gib, quota.volume_gib),
    ):
        if asked + others > limit:
            left = max(limit - others, 0)
            yield Finding(
                "spec", f"needs {asked} {unit}, {left} left of the department's {limit} in zone '{case.request.zone}'"
            )


def the_budget_is_kept(case: Circumstances) -> Iterator[Finding]:
    """All requests of a department fit its monthly budget."""
    if case.tenant is None or case.zone is None:
        return
    own, others = usage_of(case.request, case.zone).monthly_yuan, case.tenant_usage.monthly_yuan
    budget = case.tenant.monthly_budget_yuan
    if own + others > budget:
        left = max(budget - others, 0)
        yield Finding("spec", f"costs {own} yuan a month, {left} left of the department's {budget}")


def quota_of(case: Circumstances) -> ZoneQuota | None:
    """The tenant's quota in the request's zone."""
    quotas = case.tenant.quotas if case.tenant else ()
    return next((quota for quota in quotas if quota.zone == case.request.zone), None)


def usage_of(request: ResourceRequestSpec, zone: ZoneSpec) -> Usage:
    """What a request uses by its spec; unknown flavors count as nothing (another rule refuses them)."""
    flavors = {flavor.name: flavor for flavor in zone.flavors}
    total = Usage(networks=len(request.networks))
    for desktop in request.desktops:
        size = flavors.get(desktop.flavor)
        each = Usage(1, size.vcpus, size.memory_mib, monthly_yuan=size.monthly_yuan) if size else Usage(1)
        total += Usage(*(desktop.count * amount for amount in astuple(each)))
    for server in request.servers:
        flavor = flavors.get(server.flavor)
        volume_gib = (server.boot_volume_gib or 0) + sum(volume.size_gib for volume in server.volumes)
        yuan = (flavor.monthly_yuan if flavor else 0) + volume_gib * zone.volume_monthly_yuan_per_gib
        total += Usage(
            servers=server.count,
            vcpus=server.count * (flavor.vcpus if flavor else 0),
            memory_mib=server.count * (flavor.memory_mib if flavor else 0),
            volume_gib=server.count * volume_gib,
            monthly_yuan=server.count * yuan,
        )
    return total


def usage_of_plan(plan: PlanContent, zone: ZoneSpec) -> Usage:
    """What a plan uses; a flavor that the zone no longer offers counts by number of servers only."""
    flavors = {flavor.name: flavor for flavor in zone.flavors}
    known = [flavors[server.flavor.name] for server in plan.stack.servers if server.flavor.name in flavors]
    return Usage(
        servers=len(plan.stack.servers),
        vcpus=sum(flavor.vcpus for flavor in known),
        memory_mib=sum(flavor.memory_mib for flavor in known),
        networks=len(plan.stack.networks),
        volume_gib=sum(
            (server.boot_volume_gib or 0) + sum(volume.size_gib for volume in server.volumes)
            for server in plan.stack.servers
        ),
        monthly_yuan=plan.monthly_yuan,
    )


def largest(usages: Iterable[Usage]) -> Usage:
    """The largest of several usages in each unit by itself."""
    columns = zip(*(astuple(usage) for usage in usages), strict=True)
    return Usage(*(max(column) for column in columns))


def _source(flow: FlowSpec) -> str:
    source = flow.from_
    if source.cidr is not None:
        return source.cidr
    return f"servers '{source.servers}'" + (f" of request '{source.request}'" if source.request else "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
