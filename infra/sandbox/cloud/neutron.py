"""Neutron, ML2 with OVN. Its maintenance and periodic workers are left out: they repair what crashes elsewhere."""

from __future__ import annotations

from infra.sandbox.cloud.connection import administrator
from infra.sandbox.cloud.services import WebService, manage, start_web_service
from infra.sandbox.cloud.site import Site

SERVICE = WebService("neutron", "network", "neutron.wsgi.api")


def migrate(site: Site) -> None:
    manage(site, "neutron-db-manage", "upgrade", "heads")


def start(site: Site) -> None:
    start_web_service(site, SERVICE)


def answer_once(site: Site) -> None:
    """One list, asked alone. A Neutron that has just started loads its policy at the first question; further
    questions in that moment are answered with empty lists, as if nothing existed.
    """
    next(administrator(site).network.networks(limit=1), None)  # as a list it would be read page by page
