"""Glance: images, in files. Locations hold absolute paths, so they are rewritten at every start."""

from __future__ import annotations

from infra.sandbox.cloud.databases import execute
from infra.sandbox.cloud.services import WebService, manage, start_web_service
from infra.sandbox.cloud.site import Site

SERVICE = WebService("glance", "image", "glance.wsgi.api")


def migrate(site: Site) -> None:
    manage(site, "glance-manage", "db_sync")


def start(site: Site) -> None:
    if site.processes.alive(SERVICE.program) is None:
        move = f"update image_locations set value = concat('file://{site.state}/glance/', image_id)"
        execute(site, f"{move} where value like 'file://%'", database="glance")
    start_web_service(site, SERVICE)
