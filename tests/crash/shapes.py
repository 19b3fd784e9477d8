"""What a run asks for: chosen by its seed, small enough to be built in seconds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.e2e.story import a_server

COUNTERS = {"extranet": "10.10.200.0/24", "internet": "10.30.200.0/24"}
Creation = tuple[str, str, str, int]
"""Service, method, collection, and how many such calls there will be at least."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`servers` in all; with two networks and more than one server, the last server is a database on its own.

    A `public` one is in the Internet zone, and its web servers have addresses there. `caller` names another request,
    whose web servers may call ours.
    """

    servers: int
    networks: int
    ports: int
    public: bool = False
    caller: str | None = None

    @property
    def zone(self) -> str:
        return "internet" if self.public else "extranet"

    @property
    def has_database(self) -> bool:
        return self.networks > 1 and self.servers > 1

    def spec(self) -> dict[str, Any]:
        """The varying part of a ResourceRequest's spec."""
        names = ("app", "db")[: self.networks]
        servers = [a_server(count=self.servers - self.has_database, publicAddress=self.public)]
        opened = [f"tcp/{8000 + number}" for number in range(self.ports)]
        flows: list[dict[str, Any]] = [
            {"from": {"cidr": COUNTERS[self.zone]}, "to": "web", "ports": opened, "purpose": "counter"}
        ]
        if self.has_database:
            servers.append(a_server(name="db", network="db"))
            flows.append({"from": {"servers": "web"}, "to": "db", "ports": ["tcp/5432"], "purpose": "records"})
        if self.caller:
            source = {"request": self.caller, "servers": "web"}
            flows.append({"from": source, "to": "web", "ports": ["tcp/9000"], "purpose": "the request before"})
        networks = [{"name": name, "prefixLength": 28} for name in names]
        return {"zone": self.zone, "networks": networks, "servers": servers, "flows": flows}

    def grown(self) -> Shape:
        """One server and one open port more."""
        return replace(self, servers=self.servers + 1, ports=self.ports + 1)

    def creations(self) -> Iterator[Creation]:
        """The calls that make it from nothing. Ports and rules are sent in bulk."""
        yield "network", "POST", "networks", self.networks
        yield "network", "POST", "subnets", self.networks
        yield "network", "POST", "routers", 1
        yield "network", "PUT", "routers/add_router_interface", self.networks
        yield "network", "POST", "security-groups", 1
        yield "network", "POST", "security-group-rules", 1
        yield from self.additions()

    def additions(self) -> Iterator[Creation]:
        """The calls that make one web server more."""
        yield "network", "POST", "ports", 1
        yield "compute", "POST", "servers", 1
        if self.public:
            yield "network", "POST", "floatingips", 1


def shape_from(chance: random.Random) -> Shape:
    """1–2 servers (one more where it grows) and networks, more often one; 1–2 open ports."""
    return Shape(servers=chance.choice((1, 1, 2)), networks=chance.choice((1, 1, 2)), ports=chance.randint(1, 2))
