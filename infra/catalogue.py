"""What the cloud has of what a zone's policy names: ids of uplink, subnet pool, images and flavors.

Reading only: five calls, in parallel. A name that the cloud does not know is simply absent from the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network

from infra.cloud import Answer, Cloud
from infra.stackplan import TRANSIT_POOL


@dataclass(frozen=True, slots=True)
class ZoneCatalogue:
    """Ids by name. `images` and `flavors` hold only names that were asked for."""

    uplink_id: str | None
    subnet_pool_id: str | None
    address_scope_id: str | None
    images: dict[str, str]
    flavors: dict[str, str]
    volumes: bool
    management: ManagementIds | None = None


@dataclass(frozen=True, slots=True)
class ManagementIds:
    """A management network and its one subnet."""

    network_id: str
    subnet_id: str


async def observe_catalogue(
    cloud: Cloud, *, uplink: str, subnet_pool: str, images: Collection[str], flavors: Collection[str]
) -> ZoneCatalogue:
    """Look the names up. Of several public images of one name the newest active one counts.

    Only public ones: those the provider shows to everybody, not what some project calls by that name.
    """
    networks, pools, known_images, known_flavors, volumes = await asyncio.gather(
        cloud.list("network", "/networks", {"name": uplink}),
        cloud.list("network", "/subnetpools", {"name": subnet_pool}),
        cloud.list("image", "/images", {"status": "active", "visibility": "public", "sort": "created_at:asc"}),
        cloud.list("compute", "/flavors/detail", {"is_public": "none"}),
        cloud.has("volume"),
    )
    pool = _only(pools)
    return ZoneCatalogue(
        uplink_id=_id(_only(networks)),
        subnet_pool_id=_id(pool),
        address_scope_id=pool.get("address_scope_id") if pool else None,
        images={item["name"]: item["id"] for item in known_images if item["name"] in images},
        flavors={item["name"]: item["id"] for item in known_flavors if item["name"] in flavors},
        volumes=volumes,
    )


async def observe_management(cloud: Cloud, network: str) -> ManagementIds | None:
    """The management network of this name; None when there is not exactly one, with exactly one subnet."""
    match await cloud.list("network", "/networks", {"name": network}):
        case [{"id": network_id, "subnets": [subnet_id]}]:
            return ManagementIds(network_id, subnet_id)
        case _:
            return None


async def observe_addresses(cloud: Cloud, network_id: str) -> list[str]:
    """Every address that a port of the network has, whoever owns it."""
    ports = await cloud.list("network", "/ports", {"network_id": network_id, "fields": "fixed_ips"})
    return [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]


async def observe_prefixes(cloud: Cloud, subnet_pool_id: str) -> list[str]:
    """Every prefix that exists of a subnet pool, whoever owns it."""
    subnets = await cloud.list("network", "/subnets", {"subnetpool_id": subnet_pool_id, "fields": "cidr"})
    return [subnet["cidr"] for subnet in subnets]


async def observe_transits(cloud: Cloud) -> list[str]:
    """Every prefix of the links' pool that exists, whoever made it. Links have no DHCP, and little else has none."""
    subnets = await cloud.list("network", "/subnets", {"enable_dhcp": "False", "ip_version": 4, "fields": "cidr"})
    pool = IPv4Network(TRANSIT_POOL)
    return [subnet["cidr"] for subnet in subnets if IPv4Network(subnet["cidr"]).overlaps(pool)]


def _only(found: list[Answer]) -> Answer | None:
    return found[0] if len(found) == 1 else None


def _id(item: Answer | None) -> str | None:
    return item["id"] if item else None
