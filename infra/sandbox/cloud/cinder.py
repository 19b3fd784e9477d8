"""Cinder with a driver that stores nothing, and the message broker that only Cinder needs. On request only."""

from __future__ import annotations

import socket
from dataclasses import replace

from infra.sandbox.cloud.configuration import configuration_file
from infra.sandbox.cloud.databases import execute
from infra.sandbox.cloud.services import WebService, await_program, manage, start_daemon, start_web_service
from infra.sandbox.cloud.site import Site
from infra.sandbox.layout import write_private
from infra.sandbox.processes import Program

SERVICE = WebService("cinder", "volume", "cinder.wsgi.api")
RABBIT, EPMD = "rabbitmq", "epmd"
RABBIT_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
DAEMONS = ("cinder-scheduler", "cinder-volume")
AMQP_HELLO = b"AMQP\0\0\x09\x01"


def migrate(site: Site) -> None:
    manage(site, "cinder-manage", "db", "sync")


def start_broker(site: Site) -> None:
    """RabbitMQ with a port mapper of its own, and nothing of it outside the state folder."""
    etc, run, port = site.layout.etc, site.layout.run, site.ports["rabbitmq"]
    listen = f"listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users = none\nlog.console.level = warning\n"
    write_private(etc / "rabbitmq.conf", listen)
    write_private(etc / "rabbitmq.plugins", "[].\n")
    environ = {
        **site.service_environ(),
        "HOME": str(run),
        "ERL_EPMD_PORT": str(site.ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"{site.netns}@localhost",
        "RABBITMQ_CONFIG_FILE": str(etc / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(etc / "rabbitmq.plugins"),
        "RABBITMQ_MNESIA_BASE": str(run / "rabbitmq"),
        "RABBITMQ_LOG_BASE": str(site.layout.logs),
        "RABBITMQ_DIST_PORT": str(site.ports["erlang"]),
        "RABBITMQ_SCHEMA_DIR": str(run / "rabbitmq-schema"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(run / "rabbitmq-config"),
        "RABBITMQ_PID_FILE": str(run / "rabbitmq.pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
    }
    home, log = site.layout.home, site.layout.log
    mapper = ("epmd", "-port", str(site.ports["epmd"]), "-address", "127.0.0.1")
    site.processes.launch(Program(EPMD, mapper, log(EPMD), environ, home))
    site.processes.launch(Program(RABBIT, (RABBIT_PROGRAM,), log(RABBIT), environ, home))
    await_program(site, RABBIT, lambda: broker_answers(port), every_seconds=0.2)


def broker_answers(port: int) -> bool:
    """Whether the broker starts to talk AMQP (0-9-1, section 4.2.2)."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(AMQP_HELLO)
        return bool(connection.recv(8))


def start_api(site: Site) -> None:
    start_web_service(site, replace(SERVICE, arguments=f"--config-file {configuration_file(site, 'cinder')}"))


def start_daemons(site: Site) -> None:
    """Scheduler and volume service, executed rather than forked: they set themselves up before they import."""
    fresh = any(site.processes.alive(name) is None for name in DAEMONS)
    began = execute(site, "select utc_timestamp()")[0] if fresh else ""
    for name in DAEMONS:
        start_daemon(site, "cinder", name)
    if not fresh:
        return
    seen = f"select count(*) from services where deleted = 0 and updated_at >= '{began}'"
    await_program(site, DAEMONS[1], lambda: execute(site, seen, database="cinder") == ["2"], every_seconds=0.5)
