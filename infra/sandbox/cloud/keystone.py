"""Keystone: identity. Its endpoint list is rewritten at every start, since a seed comes from other ports."""

from __future__ import annotations

from infra.sandbox.cloud.databases import execute
from infra.sandbox.cloud.services import WebService, manage, start_web_service
from infra.sandbox.cloud.site import REGION, Site
from infra.sandbox.ports import Listener

SERVICE = WebService("keystone", "identity", "keystone.wsgi.api")

# service type -> where it listens, and the path of its API
ENDPOINTS: dict[str, tuple[Listener, str]] = {
    "identity": ("identity", "/v3"),
    "image": ("image", ""),
    "placement": ("placement", ""),
    "compute": ("compute", "/v2.1"),
    "network": ("network", ""),
    "volumev3": ("volume", "/v3/%(project_id)s"),
}


def migrate(site: Site) -> None:
    """Tables, keys, and the administrator's user, role and project."""
    for keys in ("fernet", "credential"):
        (site.state / "keystone" / keys).mkdir(exist_ok=True)
    manage(site, "keystone-manage", "db_sync")
    manage(site, "keystone-manage", "fernet_setup", "--keystone-user", "root", "--keystone-group", "root")
    urls = [
        word
        for kind in ("public", "internal", "admin")
        for word in (f"--bootstrap-{kind}-url", endpoint(site, "identity"))
    ]
    chosen = ["--bootstrap-password", site.password, "--bootstrap-region-id", REGION]
    manage(site, "keystone-manage", "bootstrap", *chosen, *urls)


def start(site: Site) -> None:
    if site.processes.alive(SERVICE.program) is None:
        execute(
            site,
            *(
                f"update endpoint join service on endpoint.service_id = service.id set url = '{endpoint(site, kind)}'"
                f" where service.type = '{kind}'"
                for kind in ENDPOINTS
            ),
            database="keystone",
        )
    start_web_service(site, SERVICE)


def endpoint(site: Site, kind: str) -> str:
    """The address of a service's API."""
    listener, path = ENDPOINTS[kind]
    return site.ports.url(listener) + path
