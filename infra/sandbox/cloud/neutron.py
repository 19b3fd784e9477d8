"""Neutron, ML2 with OVN. Its maintenance and periodic workers are left out: they repair what crashes elsewhere."""

from __future__ import annotations

from infra.sandbox.cloud.services import WebService, manage, start_web_service
from infra.sandbox.cloud.site import Site

SERVICE = WebService("neutron", "network", "neutron.wsgi.api")


def migrate(site: Site) -> None:
    manage(site, "neutron-db-manage", "upgrade", "heads")


def start(site: Site) -> None:
    start_web_service(site, SERVICE)
