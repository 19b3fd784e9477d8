"""What the provider has set up before the first request: flavors, images, zones, and quotas of its own projects."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from infra.sandbox.cloud import zones as zones_module
from infra.sandbox.cloud.connection import ADMIN, OPERATOR_PROJECT, administrator, identity_of
from infra.sandbox.cloud.site import Site
from infra.sandbox.cloud.zonefacts import FlavorFacts, ZoneFacts
from infra.sandbox.cloud.zones import ensure_zones

if TYPE_CHECKING:
    from openstack.connection import Connection

IMAGE_BYTES = bytes(1 << 16)
NETWORK_QUOTAS = (
    "port", "network", "subnet", "router", "security_group", "subnetpool", "security_group_rule", "floatingip",
    "rbac_policy",
)  # fmt: skip


def ensure_fixtures(site: Site) -> None:
    """The catalogue that the zones name; done again only when the zones' file or this code changes."""
    digest = fixtures_digest(site)
    if site.stamps.has("fixtures", digest):
        return
    with administrator(site) as cloud:
        ensure_flavors(cloud, site.zones)
        ensure_images(cloud, site.zones)
        keeper = identity_of(cloud).find_project(OPERATOR_PROJECT, ignore_missing=False)
        ensure_zones(cloud, site.zones, keeper.id)
        for project in (ADMIN, OPERATOR_PROJECT):
            cloud.set_compute_quotas(project, instances=-1, cores=-1, ram=-1)
            cloud.set_network_quotas(project, **dict.fromkeys(NETWORK_QUOTAS, -1))
    site.stamps.put("fixtures", digest)


def fixtures_digest(site: Site) -> str:
    sources = (Path(__file__), Path(zones_module.__file__))
    code = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return f"{site.zones_digest[:16]}-{code[:16]}"


def ensure_flavors(cloud: Connection, zones: tuple[ZoneFacts, ...]) -> None:
    """Flavors cannot be changed in Nova: one of another size is replaced."""
    existing = {flavor.name: flavor for flavor in cloud.compute.flavors()}
    for facts in sorted({flavor for zone in zones for flavor in zone.flavors}, key=lambda flavor: flavor.name):
        found = existing.get(facts.name)
        if found and size_of(found) == (facts.vcpus, facts.memory_mib, facts.disk_gib):
            continue
        if found:
            cloud.compute.delete_flavor(found)
        create_flavor(cloud, facts)


def size_of(flavor: object) -> tuple[int, int, int]:
    return getattr(flavor, "vcpus", 0), getattr(flavor, "ram", 0), getattr(flavor, "disk", 0)


def create_flavor(cloud: Connection, facts: FlavorFacts) -> None:
    cloud.compute.create_flavor(name=facts.name, vcpus=facts.vcpus, ram=facts.memory_mib, disk=facts.disk_gib)


def ensure_images(cloud: Connection, zones: tuple[ZoneFacts, ...]) -> None:
    """Tiny raw images: the hypervisor that would boot them is not real."""
    existing = {image.name for image in cloud.image.images() if image.status == "active"}
    for name in sorted({image for zone in zones for image in zone.images} - existing):
        cloud.image.create_image(
            name=name, container_format="bare", disk_format="raw", data=IMAGE_BYTES, visibility="public", min_disk=0
        )
