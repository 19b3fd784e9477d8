"""Machines to type at: hosts outside the cloud, and servers within; both are guests of the sandbox's making."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.commands import attempt, run
from infra.sandbox.guests import body
from infra.sandbox.guests.inside import Host, argv_in, environ_in
from infra.sandbox.guests.packages import ensure_layer
from infra.sandbox.guests.places import Places
from infra.sandbox.layout import SYSTEM_PATH, Layout, cache_folder, child_environment

ENVIRON = {"PATH": SYSTEM_PATH}
OFFICE = "10.10.200"  # the department's own network, beyond the extranet's uplink
COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A host that one can type at."""

    host: Host
    public_key: str = ""

    @property
    def address(self) -> str:
        return self.host.address

    def run(self, *argv: str) -> str:
        """Run a command there to its end; its failure is an AssertionError that says what it said."""
        done = subprocess.run(
            argv_in(self.host, argv), check=False, text=True, capture_output=True, env=environ_in(self.host),
            timeout=COMMAND_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{self.host.name}: {argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def put(self, path: str, text: str, mode: str = "0644") -> None:
        """A file is there, with this content."""
        content = base64.b64encode(text.encode()).decode()
        script = f"mkdir -p $(dirname {path}) && echo {content} | base64 -d >{path} && chmod {mode} {path}"
        self.run("/bin/sh", "-ec", script)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """As the superuser of its PostgreSQL, however long it takes."""
        postgres = ("runuser", "-u", "postgres", "--", "env", "PGOPTIONS=-c statement_timeout=0")
        return self.run(*postgres, "psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement).strip()


@contextmanager
def old_machines(sandbox: Places, names: tuple[str, ...], router: str) -> Iterator[dict[str, Machine]]:
    """Hosts beyond a zone's uplink, behind its outside host `router`, that let the operator in; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="ko-"))  # a short path, for Unix sockets
    layout = Layout(home)
    layout.run.mkdir(parents=True)
    places = Places(layout, 800_000 + os.getpid() % 100_000)
    try:
        places.ensure_folders()
        ensure_layer(cache_folder(os.environ), places.packages, child_environment(os.environ))
        for name in ("ssh_key", "ssh_key.pub"):
            shutil.copy(sandbox.folder / name, places.folder / name)
        lines = ["link add office type bridge", f"address add {OFFICE}.1/24 dev office", "link set office up"]
        run(["ip", "-n", router, "-batch", "-"], env=ENVIRON, text_in="\n".join(lines) + "\n")
        yield {name: _plugged(places, name, f"{OFFICE}.{11 + index}", router) for index, name in enumerate(names)}
    finally:
        for server in places.processes.names():
            places.processes.end(server, grace_seconds=0)
        for name in places.namespaces():
            attempt(["ip", "netns", "delete", name], env=ENVIRON)
        attempt(["ip", "-n", router, "link", "delete", "office"], env=ENVIRON)
        shutil.rmtree(home, ignore_errors=True)


def _plugged(places: Places, name: str, address: str, router: str) -> Machine:
    server = str(uuid.uuid4())
    folder, inner, outer = places.guest(server), places.guest_namespace(server), f"o{address.rpartition('.')[2]}"
    folder.path.mkdir(parents=True)
    run(["ip", "netns", "add", inner], env=ENVIRON)
    run(["ip", "-n", router, "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", inner], env=ENVIRON)
    run(["ip", "-n", router, "link", "set", outer, "master", "office", "up"], env=ENVIRON)
    lines = [f"address add {address}/24 dev eth0", "link set lo up", "link set eth0 up"]
    lines.append(f"route add default via {OFFICE}.1")
    run(["ip", "-n", inner, "-batch", "-"], env=ENVIRON, text_in="\n".join(lines) + "\n")
    body.start(places, folder, name)
    body.await_ssh(places, folder)
    kind, key, *_ = folder.host_key_pub.read_text().split()
    host = Host(name, inner, address, server=server, first_process=body.first_process(places, server))
    return Machine(host, f"{kind} {key}")
