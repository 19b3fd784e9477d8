"""Real guests without a cloud: network namespaces side by side, bodies as the sandbox gives them, a way in for SSH."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.playbooks.moments import Course
from controllers.playbooks.reach import GuestAccess
from controllers.request.configuration import Configuration, Guest
from controllers.request.configurator import AnsibleConfigurator
from controllers.request.roles import Playbooks
from infra.sandbox.commands import attempt, run
from infra.sandbox.guests import body
from infra.sandbox.guests.inside import Host, argv_in
from infra.sandbox.guests.packages import ensure_layer
from infra.sandbox.guests.places import Places
from infra.sandbox.layout import SYSTEM_PATH, Layout, cache_folder, child_environment

ENVIRON = {"PATH": SYSTEM_PATH}
PREFIX = "198.18.0.0/24"
OPERATOR = "198.18.0.1"
UID = "uid-of-the-request"


@dataclass(frozen=True, slots=True)
class Bench:
    """One operator's namespace, and guests that it reaches."""

    places: Places
    folder: Path

    @property
    def namespace(self) -> str:
        return f"{self.places.prefix}operator"

    def plug(self, index: int) -> Guest:
        """A new guest with an SSH server, at the operator's switch."""
        server, address = str(uuid.uuid4()), f"198.18.0.{10 + index}"
        folder, inner = self.places.guest(server), self.places.guest_namespace(server)
        folder.path.mkdir(parents=True)
        run(["ip", "netns", "add", inner], env=ENVIRON)
        run(["ip", "-n", self.namespace, "link", "add", f"g{index}", "type", "veth", "peer", "name", "eth0",
             "netns", inner], env=ENVIRON)  # fmt: skip
        run(["ip", "-n", self.namespace, "link", "set", f"g{index}", "master", "switch", "up"], env=ENVIRON)
        lines = ["link set lo up", "link set eth0 up", f"address add {address}/24 dev eth0"]
        run(["ip", "-n", inner, "-batch", "-"], env=ENVIRON, text_in="\n".join(lines) + "\n")
        body.start(self.places, folder, f"web-{index}")
        body.await_ssh(self.places, folder)
        return Guest(f"web-{index}", server, address, (), ())

    def configurator(self, playbooks: Path | None = None, **access: Any) -> AnsibleConfigurator:
        """An operator's, over the one state folder of this bench."""
        proxy = f"ip netns exec {self.namespace} socat - TCP4:%h:%p,connect-timeout=5"
        given: dict[str, Any] = {"key": self.places.ssh_key, "host_keys": self.places.folder, "proxy": proxy} | access
        known = Playbooks(playbooks) if playbooks else Playbooks()
        return AnsibleConfigurator(self.folder / "state", GuestAccess(**given), known)

    def firewall(self, guest: Guest) -> str:
        """The rules that the role `baseline` has put into the guest's kernel."""
        place = self.places.guest_namespace(guest.server)
        host = Host(
            guest.name,
            place,
            guest.address,
            guest.server,
            first_process=body.first_process(self.places, guest.server),
        )
        return run(argv_in(host, ["/usr/sbin/nft", "list", "table", "inet", "kunlun"]), env=ENVIRON)

    def fetch(self, address: str, port: int) -> str:
        """What a web server says to somebody in the operator's namespace; empty when it says nothing."""
        argv = ["ip", "netns", "exec", self.namespace, "curl", "--silent", "--max-time", "5"]
        return attempt([*argv, f"http://{address}:{port}/"], env=ENVIRON).stdout


@contextmanager
def a_bench() -> Iterator[Bench]:
    """Nothing of it is left afterwards. A short path, for Unix sockets, on a disk that can hold overlays."""
    home = Path(tempfile.mkdtemp(prefix="kb-"))
    layout = Layout(home)
    layout.run.mkdir(parents=True)
    bench = Bench(Places(layout, 700_000 + os.getpid() % 100_000), home)
    try:
        bench.places.ensure_folders()
        ensure_layer(cache_folder(os.environ), bench.places.packages, child_environment(os.environ))
        body.ensure_key(bench.places.ssh_key, "bench")
        run(["ip", "netns", "add", bench.namespace], env=ENVIRON)
        lines = ["link add switch type bridge", f"address add {OPERATOR}/24 dev switch", "link set switch up"]
        run(["ip", "-n", bench.namespace, "-batch", "-"], env=ENVIRON, text_in="\n".join(lines) + "\n")
        yield bench
    finally:
        for server in bench.places.processes.names():
            bench.places.processes.end(server, grace_seconds=0)
        for name in bench.places.namespaces():
            attempt(["ip", "netns", "delete", name], env=ENVIRON)
        shutil.rmtree(home, ignore_errors=True)


def told(guest: Guest, *roles: str, port: int = 8080) -> Configuration:
    """One guest with roles, open to its neighbours on a port."""
    flow = {"protocol": "tcp", "first": port, "last": port, "source": PREFIX}
    guest = Guest(guest.name, guest.server, guest.address, roles, (flow,))
    return Configuration("extranet", PREFIX, OPERATOR, 3, (guest,))


async def configured(configurator: AnsibleConfigurator, wanted: Configuration) -> Course:
    """To its end."""
    return await configurator.configure(UID, wanted, on_progress=lambda _: None)


class Watch:
    """A listener that lets a test wait until a run has come to its n-th task."""

    def __init__(self) -> None:
        self.courses: list[Course] = []

    def __call__(self, course: Course) -> None:
        self.courses.append(course)

    async def reaches(self, task: int) -> None:
        while not self.courses or self.courses[-1].done < task:  # noqa: ASYNC110 - the run tells, nobody wakes us
            await asyncio.sleep(0.02)

    async def comes_to(self, step: str) -> None:
        while not self.courses or self.courses[-1].step != step:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
