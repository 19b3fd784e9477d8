"""The order in which the cloud comes up: a graph, so that independent parts start side by side."""

from __future__ import annotations

from functools import partial

from infra.sandbox.cloud import cinder, databases, glance, keystone, neutron, nova, ovn, placement
from infra.sandbox.cloud.catalog import ensure_catalog
from infra.sandbox.cloud.configuration import write_configuration
from infra.sandbox.cloud.connection import write_clouds
from infra.sandbox.cloud.fixtures import ensure_fixtures
from infra.sandbox.cloud.preload import end_groups, ensure_group
from infra.sandbox.cloud.schema import ensure_schema
from infra.sandbox.cloud.services import WebService
from infra.sandbox.cloud.site import Site
from infra.sandbox.graph import Say, Step, run_steps

WEB_SERVICES = (keystone.SERVICE, glance.SERVICE, placement.SERVICE, nova.SERVICE, neutron.SERVICE)
GRACE_SECONDS = {databases.PROGRAM: 20.0, cinder.RABBIT: 15.0, ovn.CONTROLLER: 0.1}
LAST_TO_END = ((databases.PROGRAM, ovn.SWITCH, cinder.RABBIT), (ovn.OVSDB, cinder.EPMD))


def start_cloud(site: Site, say: Say) -> None:
    """Everything runs and everything is set up; what already is so is left alone."""
    end_groups(site)  # what an interrupted start left of them may never answer
    site.ensure_state()
    write_configuration(site)
    write_clouds(site)
    try:
        run_steps(cloud_steps(site), say)
    finally:
        end_groups(site)


def cloud_steps(site: Site) -> dict[str, Step]:
    """What needs what. Nova comes after the catalogue because its compute part logs in at once."""
    steps = {
        "mariadb": Step(partial(databases.start, site)),
        "ovn": Step(partial(ovn.start, site)),
        **import_steps(site),
        **{f"schema of {name}": Step(partial(ensure_schema, site, name), ("mariadb",)) for name in schemas(site)},
        "keystone": Step(partial(keystone.start, site), ("schema of keystone", "imports")),
        "glance": Step(partial(glance.start, site), ("schema of glance", "imports")),
        "placement": Step(partial(placement.start, site), ("schema of placement", "imports")),
        "neutron": Step(partial(neutron.start, site), ("schema of neutron", "ovn", "imports of neutron")),
        "catalogue": Step(partial(ensure_catalog, site), ("keystone",)),
        "nova": Step(partial(nova.start, site), ("schema of nova", "imports of nova", "placement", "catalogue")),
        "first answer": Step(partial(neutron.answer_once, site), ("keystone", "neutron", "catalogue")),
        "fixtures": Step(partial(ensure_fixtures, site), ("catalogue", "nova", "glance", "first answer")),
    }
    return {**steps, **cinder_steps(site)} if site.cinder else steps


def schemas(site: Site) -> tuple[str, ...]:
    """Slowest first."""
    return ("neutron", "nova", "keystone", "glance", "placement", *(("cinder",) if site.cinder else ()))


def import_steps(site: Site) -> dict[str, Step]:
    """The fork servers, as far as something has to be started from them."""
    dead = {service.group for service in web_services(site) if site.processes.alive(service.program) is None}

    def imports(group: str) -> None:
        if dead if group == "base" else group in dead:
            ensure_group(site, group)

    return {
        "imports": Step(partial(imports, "base")),
        "imports of nova": Step(partial(imports, "nova"), ("imports",)),
        "imports of neutron": Step(partial(imports, "neutron"), ("imports",)),
    }


def web_services(site: Site) -> tuple[WebService, ...]:
    return (*WEB_SERVICES, cinder.SERVICE) if site.cinder else WEB_SERVICES


def cinder_steps(site: Site) -> dict[str, Step]:
    return {
        "rabbitmq": Step(partial(cinder.start_broker, site)),
        "cinder": Step(partial(cinder.start_api, site), ("schema of cinder", "imports", "rabbitmq")),
        "cinder daemons": Step(partial(cinder.start_daemons, site), ("schema of cinder", "rabbitmq", "catalogue")),
    }
