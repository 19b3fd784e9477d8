"""Fork servers: processes that have imported the services' code, alive only while services are being started.

Groups form a tree. Nothing in `base` may import eventlet (oslo.messaging does), because nova and neutron
choose native threads before they import anything else.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.sandbox.cloud.site import INSIDE, Site
from infra.sandbox.errors import failed_with_log
from infra.sandbox.processes import Program
from infra.sandbox.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that a family of services shares, on top of its parent's."""

    modules: tuple[str, ...]
    parent: str | None = None


GROUPS = {
    "base": Group(
        (
            "sqlalchemy.orm", "pymysql", "oslo_db.sqlalchemy.enginefacade", "oslo_middleware", "oslo_policy.policy",
            "oslo_log.log", "oslo_context.context", "keystonemiddleware.auth_token", "keystoneauth1.loading",
            "webob", "routes", "requests", "paste.deploy", "jsonschema", "cryptography.fernet", "stevedore",
            "gunicorn.app.wsgiapp", "gunicorn.workers.gthread",
        )
    ),
    "nova": Group(
        (
            "nova.cmd.compute", "nova.cmd.conductor", "nova.cmd.scheduler", "nova.api.openstack.wsgi_app",
            "nova.virt.fake", "nova.compute.manager", "nova.conductor.manager", "nova.scheduler.manager",
        ),
        "base",
    ),
    "neutron": Group(
        (
            "neutron.cmd.server", "neutron.server.api", "neutron.plugins.ml2.plugin",
            "neutron.services.ovn_l3.plugin", "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver",
        ),
        "base",
    ),
}  # fmt: skip


def server_name(group: str) -> str:
    return f"imports-{group}"


def ensure_group(site: Site, group: str) -> None:
    """The fork server of a group answers."""
    name = server_name(group)
    if site.processes.alive(name):
        return
    listen, log = listening_path(site, group), site.layout.log(name)
    listen.unlink(missing_ok=True)
    request = {
        "modules": GROUPS[group].modules,
        "listen": str(listen),
        "log": str(log),
        "env": site.service_environ(),
        "record": str(site.processes.record(name)),
    }
    if parent := GROUPS[group].parent:
        fork(site, parent, name, request)
    else:
        argv = (str(site.venv / "bin" / "python"), str(INSIDE / "forkserver.py"), json.dumps(request))
        site.processes.launch(Program(name, argv, log, site.service_environ(), site.layout.home))
    wait_until(name, lambda: listen.exists() or site.processes.alive(name) is None, every_seconds=0.02)
    if not listen.exists():
        raise failed_with_log(f"the code of `{group}` could not be imported", log)


def launch_forked(site: Site, group: str, program: Program) -> None:
    """Start a Python program by forking from its group; argv begins with the script, not with the interpreter."""
    if site.processes.alive(program.name):
        return
    site.processes.end(program.name, grace_seconds=0)
    request = {
        "argv": program.argv,
        "log": str(program.log),
        "env": dict(program.env),
        "title": f"kunlun: {program.name}",
        "record": str(site.processes.record(program.name)),
    }
    fork(site, group, program.name, request)


def fork(site: Site, group: str, name: str, request: dict[str, Any]) -> None:
    """Ask a fork server for a process, and return when the process has written its record."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(listening_path(site, group)))
        connection.sendall(json.dumps(request).encode() + b"\n")
        connection.makefile().readline()
    site.processes.await_record(name)


def end_groups(site: Site) -> None:
    """End the fork servers: what they shared stays with the services."""
    for group in reversed(GROUPS):
        site.processes.end(server_name(group), grace_seconds=0)
        listening_path(site, group).unlink(missing_ok=True)


def listening_path(site: Site, group: str) -> Path:
    return site.layout.run / f"{server_name(group)}.sock"
