"""Routes of several requests on one router, on a real Neutron: what the API shows is in OVN too."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.cloud import Cloud
from infra.provider.router_turns import add_routes
from tests.conftest import Sandbox
from tests.e2e.by_hand import as_administrator
from tests.e2e.story import project_of

BESIDE = "100.127.254.9"


@asynccontextmanager
async def a_router(cloud: Cloud) -> AsyncIterator[str]:
    """With one network that routes lead into; gone afterwards."""
    router = (await cloud.post("network", "routers", {"router": {"name": "turns"}}))["router"]["id"]
    network = (await cloud.post("network", "networks", {"network": {"name": "turns"}}))["network"]["id"]
    try:
        wanted = {"network_id": network, "cidr": "100.127.254.0/24", "ip_version": 4, "enable_dhcp": False}
        subnet = (await cloud.post("network", "subnets", {"subnet": wanted}))["subnet"]["id"]
        await cloud.put("network", f"routers/{router}/add_router_interface", {"subnet_id": subnet})
        yield router
        await cloud.put("network", f"routers/{router}", {"router": {"routes": []}})
        await cloud.put("network", f"routers/{router}/remove_router_interface", {"subnet_id": subnet})
    finally:
        await cloud.delete("network", f"routers/{router}")
        await cloud.delete("network", f"networks/{network}")


def route(number: int) -> list[dict[str, str]]:
    return [{"destination": f"10.77.0.{number}/32", "nexthop": BESIDE}]


def in_ovn(sandbox: Sandbox, router: str) -> set[int]:
    """The routes that packets follow."""
    database = f"--db=unix:{sandbox.layout.run}/ovsdb.sock"
    argv = ["ovn-nbctl", database, "lr-route-list", f"neutron-{router}"]
    rows = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    return {int(row.split()[0].rpartition(".")[2]) for row in rows if BESIDE in row}


def test_routes_that_are_asked_for_at_once_are_all_there(sandbox: Sandbox) -> None:
    """Sent at once, only one of them would be left in OVN."""

    async def tried(cloud: Cloud) -> set[int]:
        async with a_router(cloud) as router:
            await asyncio.gather(*(add_routes(cloud, router, route(number)) for number in range(1, 7)))
            return in_ovn(sandbox, router)

    assert set(range(1, 7)) == as_administrator(sandbox, project_of(sandbox), tried)
