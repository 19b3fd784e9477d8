"""Placement: what the compute node has, and who uses it."""

from __future__ import annotations

from infra.sandbox.cloud.services import WebService, manage, start_web_service
from infra.sandbox.cloud.site import Site

SERVICE = WebService("placement", "placement", "placement.wsgi.api")


def migrate(site: Site) -> None:
    manage(site, "placement-manage", "db", "sync")


def start(site: Site) -> None:
    start_web_service(site, SERVICE)
