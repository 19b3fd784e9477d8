"""A small system in the department's project that the cloud's administrator built by hand, and takes away again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from infra.cloud import Answer, Cloud, Clouds, Service
from infra.provider.waiting import Departures, Patience
from tests.e2e.story import Sandbox, eventually, project_of

T = TypeVar("T")
SERVER, PORT, GROUP, ROUTER, NETWORK = "server-web-0", "port-web-0", "group-web", "router", "network-app"
PATHS: dict[str, tuple[Service, str, str]] = {
    "server": ("compute", "servers", "server"),
    "port": ("network", "ports", "port"),
    "group": ("network", "security-groups", "security_group"),
    "router": ("network", "routers", "router"),
    "network": ("network", "networks", "network"),
}


@dataclass(frozen=True, slots=True)
class Legacy:
    """The system: ids by the names a request gives them. What is added to `ids` goes with it in the end."""

    sandbox: Sandbox
    project: str
    ids: dict[str, str]

    def imports(self, **changed: str) -> list[dict[str, str]]:
        """Entries for a request; `server_web_0="x"` changes one."""
        ids = self.ids | {name.replace("_", "-"): object_id for name, object_id in changed.items()}
        return [{"name": name, "id": object_id} for name, object_id in ids.items()]

    def shown(self) -> dict[str, Answer]:
        """Every object as OpenStack shows it now."""

        async def read(cloud: Cloud) -> dict[str, Answer]:
            return {name: await _read(cloud, name, object_id) for name, object_id in self.ids.items()}

        return as_administrator(self.sandbox, self.project, read)


def as_administrator(sandbox: Sandbox, project: str, work: Callable[[Cloud], Awaitable[T]]) -> T:
    """Do something in a project with the rights of the cloud's administrator."""

    async def done() -> T:
        clouds = Clouds("kunlun", sandbox.home / "clouds.yaml")
        try:
            return await work(clouds.project(project))
        finally:
            clouds.close()

    return asyncio.run(done())


@contextmanager
def a_legacy_system(sandbox: Sandbox) -> Iterator[Legacy]:
    """One server on a network with a router, in the extranet; gone afterwards, whatever the test did."""
    project = project_of(sandbox)
    legacy = Legacy(sandbox, project, {})
    try:
        as_administrator(sandbox, project, lambda cloud: _build(cloud, legacy.ids))
        assert eventually(lambda: legacy.shown()[SERVER]["status"] == "ACTIVE")
        yield legacy
    finally:
        as_administrator(sandbox, project, lambda cloud: _raze(cloud, legacy.ids))


async def _build(cloud: Cloud, ids: dict[str, str]) -> None:
    pool = (await cloud.list("network", "subnetpools", {"name": "zone-extranet"}))[0]
    uplink = (await cloud.list("network", "networks", {"name": "uplink-extranet"}))[0]
    gateway = {"network_id": uplink["id"], "enable_snat": False}
    ids[ROUTER] = await _made(cloud, ROUTER, name="old-router", external_gateway_info=gateway)
    ids[NETWORK] = await _made(cloud, NETWORK, name="old-network", description="rack 4")
    subnet = {"network_id": ids[NETWORK], "subnetpool_id": pool["id"], "prefixlen": 28, "ip_version": 4}
    made = (await cloud.post("network", "subnets", {"subnet": {**subnet, "name": "old-subnet"}}))["subnet"]
    await cloud.put("network", f"routers/{ids[ROUTER]}/add_router_interface", {"subnet_id": made["id"]})
    ids[GROUP] = await _made(cloud, GROUP, name="old-group")
    rule = {"security_group_id": ids[GROUP], "direction": "ingress", "protocol": "tcp", "ethertype": "IPv4"}
    ssh = {**rule, "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"}
    await cloud.post("network", "security-group-rules", {"security_group_rule": ssh})
    ids[PORT] = await _made(cloud, PORT, network_id=ids[NETWORK], security_groups=[ids[GROUP]])
    flavor = next(one for one in await cloud.list("compute", "flavors/detail") if one["name"] == "c1.small")
    image = (await cloud.list("image", "images", {"name": "debian-12"}))[0]
    what = {"flavorRef": flavor["id"], "imageRef": image["id"], "networks": [{"port": ids[PORT]}]}
    ids[SERVER] = await _made(cloud, SERVER, name="old-server", metadata={"owner": "archive"}, **what)


async def _raze(cloud: Cloud, ids: dict[str, str]) -> None:
    servers = {object_id for name, object_id in ids.items() if _kind(name) == "server"}
    for server in servers:
        await cloud.delete("compute", f"servers/{server}")
    left = Departures(Patience(), partial(_servers, cloud))
    await asyncio.gather(*(left.until_gone(server, f"server {server}") for server in servers))
    for port in await cloud.list("network", "ports", {"network_id": ids[NETWORK]}) if NETWORK in ids else []:
        if port["device_owner"] == "network:router_interface":
            path = f"routers/{port['device_id']}/remove_router_interface"
            await cloud.put("network", path, {"port_id": port["id"]})
    for kind in ("port", "network", "group", "router"):
        for object_id in [object_id for name, object_id in ids.items() if _kind(name) == kind]:
            service, collection, _ = PATHS[kind]
            await cloud.delete(service, f"{collection}/{object_id}")


async def _servers(cloud: Cloud) -> frozenset[str]:
    return frozenset(one["id"] for one in await cloud.list("compute", "servers"))


async def _made(cloud: Cloud, what: str, **body: Any) -> str:
    service, collection, member = PATHS[_kind(what)]
    return str((await cloud.post(service, collection, {member: body}))[member]["id"])


async def _read(cloud: Cloud, name: str, object_id: str) -> Answer:
    service, collection, member = PATHS[_kind(name)]
    return dict((await cloud.get(service, f"{collection}/{object_id}"))[member])


def _kind(name: str) -> str:
    return name.partition("-")[0]
