"""Real packets between guests and outside hosts: what was sent, where it arrived, and whether it was answered.

In every namespace that takes part an agent (`agent.py`) listens, watches and sends; all begin at once. A packet is
known by its source port (TCP) or by a mark in it (UDP), so one that arrives where it should not is seen too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.sandbox.commands import attempt
from infra.sandbox.errors import SandboxFailed
from infra.sandbox.layout import SYSTEM_PATH

AGENT = Path(__file__).parent / "agent.py"
WAIT_SECONDS = 3.2  # a lost first packet of TCP is repeated after one second
START_SECONDS = 60.0
FIRST_SOURCE_PORT, LAST_SOURCE_PORT = 32768, 65535


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to reach somebody. `network` is where it starts from: the name of a network namespace.

    `listener` is the address that is listened on when the target's is translated on the way.
    """

    network: str
    protocol: str
    source: str
    target: str
    port: int
    listener: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes put on a wire as they are; `mark` is the number they carry, if they can carry any."""

    network: str
    device: str
    content: bytes
    mark: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What became of a probe: how it was answered ("" for not at all), and in which namespaces it arrived for whom."""

    answer: str
    arrivals: frozenset[tuple[str, str]] = frozenset()

    @property
    def answered(self) -> bool:
        """The other side spoke, even if it only said no."""
        return self.answer in {"answered", "refused"}


@dataclass(frozen=True, slots=True)
class Watched:
    """What one namespace saw besides: marks, first packets of TCP (by source port), who claimed addresses (MAC,
    address), who spoke IPv6 (MAC), which addresses DHCP offered.
    """

    marks: frozenset[int] = frozenset()
    arp: frozenset[tuple[str, str]] = frozenset()
    ipv6: frozenset[str] = frozenset()
    offers: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of one run."""

    sights: Sequence[Sight]
    watched: Mapping[str, Watched] = field(default_factory=dict)


def allot(memory: Path, count: int) -> int:
    """The first of `count` source ports that no earlier run used lately; `memory` keeps where the next ones begin.

    Open vSwitch 3.1 dies of an assertion in its connection tracking when a connection it has just seen the end of is
    begun again from the same port.
    """
    text = memory.read_text() if memory.exists() else ""
    first = int(text) if text.isdigit() else FIRST_SOURCE_PORT
    if first + count > LAST_SOURCE_PORT:
        first = FIRST_SOURCE_PORT
    if first + count > LAST_SOURCE_PORT:
        raise SandboxFailed(f"{count} probes at once are too many")
    memory.write_text(str(first + count))
    return first


def send(networks: Iterable[str], probes: Sequence[Probe], frames: Sequence[Frame] = (), *, first_port: int) -> Sent:
    """Send everything at once and look everywhere. Takes about four seconds.

    Whoever is a target listens on the ports he is probed on; `networks` also names those that only watch. Each probe
    has a source port of its own, from `first_port` on (see `allot`). Raises SandboxFailed when an agent fails.
    """
    orders = orders_of(networks, probes, frames, first_port=first_port)
    with ExitStack() as stack:
        agents = {network: stack.enter_context(launched(network)) for network in orders}
        for network, agent in agents.items():
            tell(agent, json.dumps(orders[network]))
        for network, agent in agents.items():
            heard(network, agent)
        for agent in agents.values():
            tell(agent, "go")
        reports = {network: json.loads(heard(network, agent)) for network, agent in agents.items()}
    return understood(probes, reports, first_port=first_port)


def orders_of(
    networks: Iterable[str], probes: Sequence[Probe], frames: Sequence[Frame], *, first_port: int
) -> dict[str, dict[str, Any]]:
    """What each agent does. Everybody listens everywhere it may be asked: binding another's address simply fails."""
    names = dict.fromkeys([*networks, *(probe.network for probe in probes), *(frame.network for frame in frames)])
    listen = sorted({(probe.protocol, probe.listener or probe.target, probe.port) for probe in probes})
    sends: dict[str, list[Any]] = {name: [] for name in names}
    for index, probe in enumerate(probes):
        port = first_port + index
        sends[probe.network].append([index, probe.protocol, probe.source, port, probe.target, probe.port])
    return {
        name: {
            "listen": listen,
            "sends": sends[name],
            "frames": [[each.mark, each.device, each.content.hex()] for each in frames if each.network == name],
            "seconds": WAIT_SECONDS,
        }
        for name in names
    }


def understood(probes: Sequence[Probe], reports: Mapping[str, Any], *, first_port: int) -> Sent:
    """The agents' reports, put together by probe. Pure."""
    arrivals: dict[int, set[tuple[str, str]]] = {}
    for network, report in reports.items():
        for source_port, address in report["seen"]:
            arrivals.setdefault(source_port - first_port, set()).add((network, address))
        for mark in report["marks"]:
            if mark < len(probes) and probes[mark].protocol == "udp":
                arrivals.setdefault(mark, set()).add((network, probes[mark].target))
    sights = [
        Sight(reports[probe.network]["answers"].get(str(index), ""), frozenset(arrivals.get(index, ())))
        for index, probe in enumerate(probes)
    ]
    watched = {
        network: Watched(
            marks=frozenset(report["marks"]),
            arp=frozenset((mac, address) for mac, address in report["arp"]),
            ipv6=frozenset(report["ipv6"]),
            offers=frozenset(report["offers"]),
            ports=frozenset(port for port, _ in report["seen"]),
        )
        for network, report in reports.items()
    }
    return Sent(sights, watched)


def neighbours(network: str) -> dict[str, str]:
    """The MACs of those the namespace has spoken with on its own links, by address."""
    listed = attempt(["ip", "-json", "-n", network, "neighbour"], env={"PATH": SYSTEM_PATH}).stdout
    return {each["dst"]: each["lladdr"] for each in json.loads(listed or "[]") if "lladdr" in each}


def launched(network: str) -> subprocess.Popen[str]:
    """An agent in the namespace. It ends by itself, at the latest when its standard input does."""
    argv = ["ip", "netns", "exec", network, sys.executable, "-I", "-S", str(AGENT)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, text=True, env={"PATH": SYSTEM_PATH}, **pipes)


def tell(agent: subprocess.Popen[str], line: str) -> None:
    assert agent.stdin is not None  # noqa: S101
    try:
        agent.stdin.write(line + "\n")
        agent.stdin.flush()
    except BrokenPipeError:
        return  # `heard` says why


def heard(network: str, agent: subprocess.Popen[str]) -> str:
    """The next line; an agent that has none has failed, and said why."""
    assert agent.stdout is not None  # noqa: S101
    assert agent.stderr is not None  # noqa: S101
    line = agent.stdout.readline()
    if not line:
        raise SandboxFailed(f"packets could not be sent from {network}: {agent.stderr.read().strip()[-500:]}")
    return line
