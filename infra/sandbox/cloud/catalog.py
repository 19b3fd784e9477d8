"""Who exists in Keystone from the start: service users, their endpoints, and the operator's own user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.cloud.connection import OPERATOR, OPERATOR_PROJECT, administrator, identity_of
from infra.sandbox.cloud.keystone import endpoint
from infra.sandbox.cloud.site import REGION, Site

if TYPE_CHECKING:
    from openstack.connection import Connection

SERVICE_TYPES = {
    "glance": "image",
    "placement": "placement",
    "nova": "compute",
    "neutron": "network",
    "cinder": "volumev3",
}
INTERFACES = ("public", "internal", "admin")


def ensure_catalog(site: Site) -> None:
    """Everybody the services and the operator log in as; Cinder only where it is wanted."""
    wanted = {name: kind for name, kind in SERVICE_TYPES.items() if name != "cinder" or site.cinder}
    if site.stamps.has("catalog", " ".join(wanted)):
        return
    with administrator(site) as cloud:
        for role in ("admin", "service"):
            if identity_of(cloud).find_role(role) is None:
                identity_of(cloud).create_role(name=role)
        for name in wanted:
            ensure_user(cloud, site, name, "service", ("admin", "service"))
        ensure_user(cloud, site, OPERATOR, OPERATOR_PROJECT, ("admin",))
        ensure_endpoints(cloud, site, wanted)
    site.stamps.put("catalog", " ".join(wanted))


def ensure_user(cloud: Connection, site: Site, name: str, project: str, roles: tuple[str, ...]) -> None:
    """A user with the sandbox's password and these roles in the project."""
    identity = identity_of(cloud)
    home = identity.find_project(project) or identity.create_project(name=project, domain_id="default")
    user = identity.find_user(name) or identity.create_user(
        name=name, password=site.password, domain_id="default", default_project_id=home.id
    )
    for role in roles:
        identity.assign_project_role_to_user(home, user, identity.find_role(role, ignore_missing=False))


def ensure_endpoints(cloud: Connection, site: Site, wanted: dict[str, str]) -> None:
    """The service list: one address for all interfaces."""
    identity = identity_of(cloud)
    services = {service.type: service for service in identity.services()}
    known = {(each.service_id, each.interface) for each in identity.endpoints()}
    for name, kind in wanted.items():
        service = services.get(kind) or identity.create_service(name=name, type=kind)
        for interface in INTERFACES:
            if (service.id, interface) not in known:
                identity.create_endpoint(
                    service_id=service.id, interface=interface, url=endpoint(site, kind), region_id=REGION
                )
