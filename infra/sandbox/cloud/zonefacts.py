"""The part of a Zone that the cloud is built from, read from the same YAML that the API server gets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Public networks for documentation (RFC 5737): an Internet zone's uplink must not hold anybody's addresses.
PUBLIC = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")
LONGEST_BRIDGE_NAME = 15
UPLINK_PREFIX_LENGTH = 24


@dataclass(frozen=True, slots=True)
class FlavorFacts:
    """One server size."""

    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True)
class ManagementFacts:
    """The network through which a zone's guests are configured. `operator` is where that comes from."""

    network: str
    prefix: str

    @property
    def operator(self) -> str:
        """The operator's address there: the first."""
        return str(ipaddress.ip_network(self.prefix)[1])


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """One zone as the cloud sees it."""

    name: str
    public: bool
    uplink: str
    uplink_cidr: str
    subnet_pool: str
    prefixes: tuple[str, ...]
    images: tuple[str, ...]
    flavors: tuple[FlavorFacts, ...]
    management: ManagementFacts | None = None

    @property
    def physical_network(self) -> str:
        return self.name

    @property
    def bridge(self) -> str:
        return bridge_name(self.physical_network)

    @property
    def gateway(self) -> str:
        """The provider's router on the uplink: the first address."""
        return str(next(ipaddress.ip_network(self.uplink_cidr).hosts()))


def bridge_name(physical_network: str) -> str:
    """The provider bridge of a physical network; interface names are short (IFNAMSIZ)."""
    return f"br-{physical_network}"[:LONGEST_BRIDGE_NAME]


def read_zones(path: Path) -> tuple[ZoneFacts, ...]:
    """The zones of a file that holds one List, or documents, of Zones."""
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    items = [item for document in documents for item in document.get("items", [document])]
    public = iter(PUBLIC)
    return tuple(zone_from_manifest(item, public) for item in items if item["kind"] == "Zone")


def zone_from_manifest(manifest: Mapping[str, Any], public: Any) -> ZoneFacts:
    """The facts of one manifest; an Internet zone takes its uplink's network from `public`."""
    spec = manifest["spec"]
    is_public = spec["class"] == "Internet"
    return ZoneFacts(
        name=manifest["metadata"]["name"],
        public=is_public,
        uplink=spec["uplink"],
        uplink_cidr=next(public) if is_public else private_uplink(spec["prefixes"], spec.get("reservedPrefixes", [])),
        subnet_pool=spec["subnetPool"],
        prefixes=tuple(spec["prefixes"]),
        images=tuple(image["name"] for image in spec.get("images", [])),
        flavors=tuple(
            FlavorFacts(flavor["name"], flavor["vcpus"], flavor["memoryMiB"], flavor["diskGiB"])
            for flavor in spec.get("flavors", [])
        ),
        management=management_from(spec.get("management")),
    )


def management_from(told: Mapping[str, Any] | None) -> ManagementFacts | None:
    return ManagementFacts(told["network"], told["prefix"]) if told else None


def private_uplink(prefixes: Sequence[str], reserved: Sequence[str]) -> str:
    """The uplink of a zone without public addresses: what is reserved for it, else the start of its prefixes."""
    if reserved:
        return str(reserved[0])
    first = ipaddress.ip_network(prefixes[0])
    return str(next(first.subnets(new_prefix=max(first.prefixlen, UPLINK_PREFIX_LENGTH))))
