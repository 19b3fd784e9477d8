"""Every service's database, brought to its version once: a stamp is written after success."""

from __future__ import annotations

from collections.abc import Callable

from infra.sandbox.cloud import cinder, glance, keystone, neutron, nova, placement
from infra.sandbox.cloud.environment import service_version
from infra.sandbox.cloud.site import Site

MIGRATIONS: dict[str, Callable[[Site], None]] = {
    "keystone": keystone.migrate,
    "glance": glance.migrate,
    "placement": placement.migrate,
    "nova": nova.migrate,
    "neutron": neutron.migrate,
    "cinder": cinder.migrate,
}


def ensure_schema(site: Site, service: str) -> None:
    """Migrate unless this version has been here. Migrations continue where a killed one stopped."""
    version, name = service_version(service), f"schema-{service}"
    if not site.stamps.has(name, version):
        MIGRATIONS[service](site)
        site.stamps.put(name, version)
