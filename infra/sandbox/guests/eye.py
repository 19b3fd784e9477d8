"""Looking at the cloud, with as few calls as show that nothing has changed: two, five when something has."""

from __future__ import annotations

import asyncio
from typing import Any

from infra.cloud import Answer, Cloud
from infra.sandbox.guests.facts import Listing

LONGEST_MEMORY = 10  # looks; a router may change without any port of it


class Eye:
    """What was seen last, so that only servers and ports are asked for while they stay the same."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.known: Any = None
        self.rest: list[list[Answer]] = []
        self.age = 0

    async def look(self) -> Listing:
        """Everything that guests and outside hosts are made of. Raises errors of `infra.errors`."""
        servers, ports = await asyncio.gather(
            self.cloud.list("compute", "/servers/detail", {"all_tenants": 1}), self.cloud.list("network", "/ports")
        )
        wiring = sorted((port["id"], port["device_id"], str(port["fixed_ips"])) for port in ports)
        if wiring != self.known or self.age >= LONGEST_MEMORY:
            paths = ("/networks", "/subnets", "/routers")
            self.rest = list(await asyncio.gather(*(self.cloud.list("network", path) for path in paths)))
            self.known, self.age = wiring, 0
        self.age += 1
        networks, subnets, routers = self.rest
        return Listing(servers, ports, networks, subnets, routers)
