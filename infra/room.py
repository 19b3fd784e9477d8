"""Reading what is left: of a project's quotas, and on the hosts.

References: Compute and Block Storage API "Limits" (of the project asked in), Networking API "Quotas, details",
Placement API "Allocation candidates". What may not be asked, or does not exist, is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from infra.cloud import Answer, Query, Service
from infra.errors import KunlunError, TransientError
from infra.provider.resource import CloudCalls
from infra.quota import (
    CORES,
    DISK,
    MEMORY,
    PORTS,
    PUBLIC_ADDRESSES,
    RULES,
    SERVERS,
    VOLUME_GIB,
    VOLUMES,
    Amounts,
    FlavorSize,
)

_COMPUTE = {
    SERVERS: ("maxTotalInstances", "totalInstancesUsed"),
    CORES: ("maxTotalCores", "totalCoresUsed"),
    MEMORY: ("maxTotalRAMSize", "totalRAMUsed"),
}
_VOLUME = {
    VOLUMES: ("maxTotalVolumes", "totalVolumesUsed"),
    VOLUME_GIB: ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
}
_NETWORK = {
    "routers": "router",
    "networks": "network",
    "subnets": "subnet",
    "security groups": "security_group",
    RULES: "security_group_rule",
    PORTS: "port",
    PUBLIC_ADDRESSES: "floatingip",
}
_ON_HOST = {CORES: "VCPU", MEMORY: "MEMORY_MB", DISK: "DISK_GB"}
# Every host that takes at least the smallest server; the summaries say what each has left.
_ANY_HOST: Query = {"resources": "VCPU:1", "required": "!COMPUTE_STATUS_DISABLED", "limit": 1000}
_WITH_SUMMARIES = "placement 1.29"


async def observe_quota(cloud: CloudCalls) -> dict[str, int]:
    """What is left of each limited item of the cloud's project. Raises TransientError only."""
    compute, volume, network = await asyncio.gather(
        _asked(cloud, "compute", "limits"),
        _asked(cloud, "volume", "limits"),
        _asked(cloud, "network", f"quotas/{cloud.project_id}/details"),
    )
    left = _absolute(compute, _COMPUTE) | _absolute(volume, _VOLUME)
    for item, name in _NETWORK.items():
        quota = network.get("quota", {}).get(name, {})
        if quota.get("limit", -1) >= 0:
            left[item] = quota["limit"] - quota["used"] - quota["reserved"]
    return left


async def observe_flavors(cloud: CloudCalls, ids: Collection[str]) -> dict[str, FlavorSize]:
    """The sizes behind flavor ids, as Nova counts them. Raises TransientError only."""
    answers = await asyncio.gather(*(_asked(cloud, "compute", f"flavors/{one}") for one in ids))
    found = {one: answer.get("flavor") for one, answer in zip(ids, answers, strict=True)}
    return {one: FlavorSize(raw["vcpus"], raw["ram"], raw["disk"]) for one, raw in found.items() if raw}


async def observe_hosts(cloud: CloudCalls) -> list[Amounts] | None:
    """What is left on each host that takes new servers; None when it may not be asked. Raises TransientError only."""
    answer = await _asked(cloud, "placement", "allocation_candidates", _ANY_HOST, microversion=_WITH_SUMMARIES)
    if "provider_summaries" not in answer:
        return None
    return [_left_on(summary["resources"]) for summary in answer["provider_summaries"].values()]


def _left_on(resources: Answer) -> dict[str, int]:
    known = {item: resources.get(name) for item, name in _ON_HOST.items()}
    return {item: amount["capacity"] - amount["used"] for item, amount in known.items() if amount}


def _absolute(answer: Answer, names: dict[str, tuple[str, str]]) -> dict[str, int]:
    limits = answer.get("limits", {}).get("absolute", {})
    known = {item: (limits.get(limit, -1), limits.get(used, 0)) for item, (limit, used) in names.items()}
    return {item: limit - used for item, (limit, used) in known.items() if limit >= 0}


async def _asked(
    cloud: CloudCalls, service: Service, path: str, query: Query | None = None, *, microversion: str | None = None
) -> Answer:
    try:
        return await cloud.get(service, path, query, microversion=microversion)
    except TransientError:
        raise
    except KunlunError:  # not permitted, or not there
        return {}
