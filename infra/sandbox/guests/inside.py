"""Running a command in a guest or in a zone's outside host, as somebody who sits at it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

from infra.errors import InvalidRequest
from infra.sandbox.guests import body
from infra.sandbox.guests.facts import Outside
from infra.sandbox.guests.outside import add_address
from infra.sandbox.guests.places import GuestFolder, Places, exists
from infra.sandbox.layout import SYSTEM_PATH

OUTSIDE = "outside-"
GUEST_ENVIRON = {"PATH": SYSTEM_PATH, "HOME": "/root", "USER": "root", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Host:
    """Where commands can run: a guest (with its first process) or an outside host (without)."""

    name: str
    namespace: str
    address: str
    server: str = ""
    zone: str = ""
    first_process: int | None = None


def hosts(places: Places) -> list[Host]:
    """Every plugged guest by name, then the outside hosts."""
    folders = [places.guest(server) for server in places.servers()]
    guests = [guest_host(places, folder) for folder in folders if folder.record.exists()]
    zones = [path.stem.removeprefix(OUTSIDE) for path in sorted(places.folder.glob(f"{OUTSIDE}*.json"))]
    outside = [outside_host(places, zone) for zone in zones]
    return [*sorted(guests, key=lambda host: host.name), *(host for host in outside if exists(host.namespace))]


def outside_host(places: Places, zone: str) -> Host:
    """Its address is the zone's gateway; it may have others."""
    addresses = Outside.model_validate_json(places.outside(zone).read_text()).addresses
    address = str(IPv4Interface(addresses[0]).ip) if addresses else ""
    return Host(f"{OUTSIDE}{zone}", places.outside_namespace(zone), address, zone=zone)


def guest_host(places: Places, folder: GuestFolder) -> Host:
    return Host(
        name=text_of(folder.name_file),
        namespace=text_of(folder.namespace),
        address=text_of(folder.address),
        server=folder.server,
        first_process=body.first_process(places, folder.server),
    )


def text_of(path: Path) -> str:
    """One line; empty while the keeper is at it."""
    return path.read_text().strip() if path.exists() else ""


def host_named(places: Places, name: str) -> Host:
    """The host of this name, or the guest of this server id. Raises InvalidRequest unless there is exactly one."""
    known = hosts(places)
    found = [host for host in known if name in {host.name, host.server}]
    if len(found) > 1:
        raise InvalidRequest(f"several guests are called '{name}'; name one by its id: {listed(found)}")
    if not found:
        raise InvalidRequest(f"no guest and no outside host '{name}'; there are: {listed(known) or 'none'}")
    return found[0]


def listed(found: Sequence[Host]) -> str:
    return ", ".join(f"{host.name} ({host.server})" if host.server else host.name for host in found)


def argv_in(host: Host, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` there, with the guest's own root, hostname and processes."""
    if host.first_process is None:
        return ["ip", "netns", "exec", host.namespace, *argv]
    own = [f"--target={host.first_process}", "--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/"]
    return ["nsenter", *own, "--", *argv]


def ensure_address(host: Host, address: str) -> None:
    """Give an outside host an address. A guest has the addresses of its ports, and no other."""
    if host.server:
        raise InvalidRequest(f"'{host.name}' is a guest: only outside hosts are given addresses")
    add_address(host.namespace, address)


def environ_in(host: Host) -> dict[str, str]:
    """A guest is another machine: nothing of our environment reaches it but the terminal's kind."""
    inherited = {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {}
    return {**GUEST_ENVIRON, **inherited} if host.server else {**os.environ}


def run_in(
    places: Places, name: str, argv: Sequence[str], *, address: str | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command in a guest or outside host to its end; its failure is an answer.

    With `address`, an outside host is given that address first: the command may then call from it.
    Raises InvalidRequest for an unknown host, subprocess.TimeoutExpired after `seconds`.
    """
    host = host_named(places, name)
    if address is not None:
        ensure_address(host, address)
    words, environ = argv_in(host, argv), environ_in(host)
    return subprocess.run(words, check=False, text=True, capture_output=True, env=environ, timeout=seconds)
