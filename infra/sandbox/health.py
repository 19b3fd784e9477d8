"""How a sandbox is: every program it should run, whether it answers, and what memory it really costs."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.sandbox.cloud import cinder, databases, ovn
from infra.sandbox.cloud.services import http_answers
from infra.sandbox.cloud.start import WEB_SERVICES
from infra.sandbox.controlplane import APISERVER, CONTROLLERS, ETCD, http_ok
from infra.sandbox.desktops import BROKER
from infra.sandbox.ending import OPERATOR
from infra.sandbox.guests.places import Places
from infra.sandbox.guests.starting import KEEPER, Keeping
from infra.sandbox.layout import Layout
from infra.sandbox.ports import Listener, Ports
from infra.sandbox.processes import ProcessTable
from infra.sandbox.record import Record, read_record
from infra.sandbox.waiting import answers


@dataclass(frozen=True, slots=True)
class Expected:
    """A program that should run, where it listens, and how it proves that it works."""

    program: str
    port: int | None
    works: Callable[[], object]


@dataclass(frozen=True, slots=True)
class ProgramHealth:
    """What was found. `memory_mib` is the proportional set size of the program and its children."""

    program: str
    pid: int | None
    port: int | None
    memory_mib: float
    works: bool


def sandbox_health(layout: Layout) -> list[ProgramHealth]:
    """Every program that should run; empty when there is no sandbox in the folder."""
    record = read_record(layout)
    if record.base is None:
        return []
    processes = ProcessTable(layout.run)
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(partial(program_health, processes), expected_programs(layout, record)))


def program_health(processes: ProcessTable, expected: Expected) -> ProgramHealth:
    pid = processes.alive(expected.program)
    memory = sum(proportional_mib(line.pid) for line in processes.members(expected.program))
    works = pid is not None and answers(expected.works)
    return ProgramHealth(expected.program, pid, expected.port, memory, works)


def expected_programs(layout: Layout, record: Record) -> list[Expected]:
    """In the order in which they start."""
    assert record.base is not None  # noqa: S101  the caller has looked
    ports = Ports(record.base)
    found = [*control_plane(layout, ports), Expected(databases.PROGRAM, ports["mariadb"], listens(ports, "mariadb"))]
    found += [Expected(name, None, lambda: True) for name in (ovn.OVSDB, ovn.SWITCH, ovn.NORTHD, ovn.CONTROLLER)]
    for service in (*WEB_SERVICES, *((cinder.SERVICE,) if record.cinder else ())):
        port = ports[service.listener]
        found.append(Expected(service.program, port, partial(http_answers, port)))
    if record.cinder:
        found.append(Expected(cinder.RABBIT, ports["rabbitmq"], listens(ports, "rabbitmq")))
        found += [Expected(name, None, lambda: True) for name in (cinder.EPMD, *cinder.DAEMONS)]
    if record.operator:
        ready = f"{ports.url('operator')}/readyz"
        found.append(Expected(OPERATOR, ports["operator"], partial(http_ok, ready, None)))
    if record.desktops:
        found.append(Expected(BROKER, ports["broker"], listens(ports, "broker")))
    if record.guests:
        found.append(Expected(KEEPER, None, Keeping(layout, Places(layout, record.base)).works))
    return found


def control_plane(layout: Layout, ports: Ports) -> list[Expected]:
    own = ports["apiserver"], ports["controller-manager"]
    return [
        Expected(ETCD, ports["etcd"], partial(http_ok, f"{ports.url('etcd')}/health", None)),
        Expected(APISERVER, own[0], lambda: http_ok(f"https://127.0.0.1:{own[0]}/readyz", trust(layout))),
        Expected(CONTROLLERS, own[1], listens(ports, "controller-manager")),
    ]


def trust(layout: Layout) -> ssl.SSLContext:
    """Trust in this sandbox's own authority; FileNotFoundError when it has none."""
    return ssl.create_default_context(cafile=str(layout.cluster / "ca.crt"))


def listens(ports: Ports, listener: Listener) -> Callable[[], bool]:
    """Whether somebody accepts connections there."""

    def connects() -> bool:
        with socket.create_connection(("127.0.0.1", ports[listener]), timeout=2):
            return True

    return connects


def proportional_mib(pid: int) -> float:
    """The process's own memory and its share of what it shares (proc(5), smaps_rollup)."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
