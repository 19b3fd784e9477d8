"""What is used, in the units of quota and budget: of a request by its spec, of a plan by its content. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

from controllers.api.plan import PlanContent
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.tenant import ZoneQuota
from controllers.api.zone import ZoneSpec


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


def amounts(usage: Usage) -> Mapping[str, int]:
    """What a quota limits, by the words for it."""
    return {
        "servers": usage.servers,
        "vCPUs": usage.vcpus,
        "MiB of memory": usage.memory_mib,
        "networks": usage.networks,
        "GiB of volumes": usage.volume_gib,
    }


def quota_amounts(quota: ZoneQuota) -> Mapping[str, int]:
    """The limits, in the same words."""
    return {
        "servers": quota.servers,
        "vCPUs": quota.vcpus,
        "MiB of memory": quota.memory_gib * 1024,
        "networks": quota.networks,
        "GiB of volumes": quota.volume_gib,
    }


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
