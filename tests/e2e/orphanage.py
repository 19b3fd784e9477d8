"""Leftovers planted in the sandbox's cloud: one of every kind with the marker of a request that never was, and
look-alikes beside them that are nobody's of ours."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from infra.cloud import Cloud, Clouds, Service
from infra.planned import MANAGEMENT_PORT
from infra.stackplan import MARKER_PREFIX, marker
from tests.conftest import Sandbox, kubectl_program
from tests.e2e.story import PATIENCE_SECONDS

Result = TypeVar("Result")
Row = tuple[str, str, str]  # direction, kind, id


def orphans(sandbox: Sandbox, *arguments: str, persona: str = "provider") -> subprocess.CompletedProcess[str]:
    """`kunlun orphans` as the provider's operations run it."""
    clouds = f"--clouds={sandbox.clouds}"
    return kunlun(sandbox, "orphans", f"--kubeconfig={sandbox.kubeconfig(persona)}", clouds, *arguments)


def kunlun(sandbox: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program, with the sandbox's kubectl on PATH."""
    path = f"{kubectl_program().parent}:{os.environ['PATH']}"
    argv = [sys.executable, "-m", "controllers", *arguments]
    return subprocess.run(
        argv, check=False, text=True, capture_output=True, timeout=300, env={**os.environ, "PATH": path}
    )


def found(sandbox: Sandbox) -> set[Row]:
    """What a scan finds."""
    done = orphans(sandbox, "--output=json")
    assert done.returncode in {0, 3}, done.stderr
    return {(one["found"], one["kind"], one.get("id", one["name"])) for one in json.loads(done.stdout)}


def in_cloud(sandbox: Sandbox, work: Callable[[Clouds], Awaitable[Result]], entry: str = "kunlun") -> Result:
    """Do something in the sandbox's OpenStack, as the operator's user or as the administrator."""

    async def done() -> Result:
        clouds = Clouds(entry, sandbox.clouds)
        try:
            return await work(clouds)
        finally:
            clouds.close()

    return asyncio.run(done())


@dataclass(slots=True)
class Orphanage:
    """What was planted: `rows` a scan must show, `paths` of everything, the newest last."""

    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    rows: set[Row] = field(default_factory=set)
    paths: list[tuple[Service, str]] = field(default_factory=list)

    async def plant(self, clouds: Clouds, project: str, *, flavor: str, image: str, uplink: str) -> None:
        """One orphan of every kind."""
        cloud = clouds.project(project)
        router = await self._neutron(cloud, "router", "Router")
        network = await self._neutron(cloud, "network", "Network")
        subnet = await self._neutron(
            cloud, "subnet", "Subnet", network_id=network, cidr="192.168.77.0/24", ip_version=4
        )
        interface = await cloud.put("network", f"routers/{router}/add_router_interface", {"subnet_id": subnet})
        self.rows.add(("Orphan", "RouterInterface", interface["port_id"]))
        group = await self._neutron(cloud, "security_group", "SecurityGroup")
        self.rows.add(("Orphan", "SecurityGroupRules", f"{group}/rules"))
        port = await self._neutron(cloud, "port", "Port", network_id=network, security_groups=[group])
        await self._neutron(cloud, "address_group", "AddressGroup", addresses=["10.77.0.4/32"])
        server = await self._server(cloud, port, flavor=flavor, image=image)
        if await cloud.has("volume"):
            await self._volumes(cloud, server)
        await self._tenancy(clouds.admin(), uplink)

    async def plant_link(self, clouds: Clouds, project: str, far_project: str) -> None:
        """A link whose requests are both gone: a network between two routers, and on each a place and a route."""
        cloud = clouds.project(project)
        routers = {
            "near": await self._neutron(cloud, "router", "Router", name="router"),
            "far": await self._neutron(clouds.project(far_project), "router", "Router", name="router-far"),
        }
        network = await self._neutron(cloud, "network", "Network", name="network-link.planted")
        subnet = await self._neutron(
            cloud,
            "subnet",
            "Subnet",
            name="subnet-link.planted",
            network_id=network,
            cidr="100.127.255.0/29",
            ip_version=4,
            gateway_ip=None,
            enable_dhcp=False,
        )
        for number, (side, router) in enumerate(routers.items()):
            ends = [{"subnet_id": subnet, "ip_address": f"100.127.255.{2 + number}"}]
            port = await self._place(cloud, router, f"port-link.planted.{side}", network_id=network, fixed_ips=ends)
            route = {"destination": "10.77.0.4/32", "nexthop": f"100.127.255.{3 - number}"}
            await cloud.put("network", f"routers/{router}/add_extraroutes", {"router": {"routes": [route]}})
            self.rows.add(("Orphan", "RouterRoutes", f"{port}/routes"))

    async def plant_management(self, clouds: Clouds, project: str, network: str) -> None:
        """A router's place in the provider's management network."""
        cloud = clouds.project(project)
        router = await self._neutron(cloud, "router", "Router", name="router-managed")
        await self._place(cloud, router, MANAGEMENT_PORT, network_id=network)

    async def plant_public_address(self, clouds: Clouds, project: str, uplink: str) -> None:
        """An address that no server has."""
        await self._neutron(clouds.project(project), "floatingip", "FloatingIP", floating_network_id=uplink)

    async def _place(self, cloud: Cloud, router: str, name: str, **fields: Any) -> str:
        """A port of ours on a router; it is both, as in a plan."""
        port = await self._neutron(cloud, "port", "Port", name=name, security_groups=[], **fields)
        await cloud.put("network", f"routers/{router}/add_router_interface", {"port_id": port})
        self.rows.add(("Orphan", "RouterInterface", f"{port}/interface"))
        return port

    async def plant_look_alikes(self, clouds: Clouds, project: str) -> None:
        """Near in every way but the marker."""
        cloud = clouds.project(project)
        for kind in ("router", "network", "security_group"):
            for text in ("", f"kunlun.cloud/{self.uid}", f"see kunlun.cloud/{self.uid}/{kind}/000000000000"):
                await self._neutron(cloud, kind, None, description=text)
        await self._project(clouds.admin(), "look-alike", tags=["other"])

    async def _neutron(self, cloud: Cloud, member: str, kind: str | None, *, name: str = "", **fields: Any) -> str:
        """Made as the operator makes it; without a kind it is no finding. `name` is what its marker calls it."""
        text = marker(self.uid, name or f"{member.replace('_', '-')}-planted", "0" * 12)
        collection = f"{member.replace('_', '-')}s"
        called = {} if member == "floatingip" else {"name": "planted"}  # an address has none
        body = {member: {**called, "description": text, **fields}}
        identifier = str((await cloud.post("network", collection, body))[member]["id"])
        self.paths.append(("network", f"{collection}/{identifier}"))
        if kind is not None:
            self.rows.add(("Orphan", kind, identifier))
        return identifier

    async def _server(self, cloud: Cloud, port: str, *, flavor: str, image: str) -> str:
        body = {
            "name": "planted",
            "flavorRef": flavor,
            "imageRef": image,
            "networks": [{"port": port}],
            "metadata": {MARKER_PREFIX: marker(self.uid, "server-planted", "0" * 12)},
        }
        identifier = str((await cloud.post("compute", "servers", {"server": body}))["server"]["id"])
        self.rows.add(("Orphan", "Server", identifier))
        return identifier

    async def _volumes(self, cloud: Cloud, server: str) -> None:
        """A boot volume, and a data volume that is attached: data is kept."""
        boot, kept = [await self._volume(cloud, f"{name}-planted") for name in ("boot", "volume")]
        for path in (f"servers/{server}", f"volumes/{boot}", f"volumes/{kept}"):
            await _until_usable(cloud, path)
        body = {"volumeAttachment": {"volumeId": kept}}
        await cloud.post("compute", f"servers/{server}/os-volume_attachments", body)
        self.rows |= {("Orphan", "Volume", boot), ("Kept", "Volume", kept)}
        self.rows.add(("Orphan", "VolumeAttachment", f"{server}/{kept}"))

    async def _volume(self, cloud: Cloud, name: str) -> str:
        metadata = {MARKER_PREFIX: marker(self.uid, name, "0" * 12)}
        body = {"volume": {"name": "planted", "size": 1, "metadata": metadata}}
        identifier = str((await cloud.post("volume", "volumes", body))["volume"]["id"])
        self.paths.append(("volume", f"volumes/{identifier}"))
        return identifier

    async def _tenancy(self, cloud: Cloud, uplink: str) -> None:
        """A project of a tenant that is gone with its share, and the share of a project that is gone."""
        tags = ["kunlun", f"kunlun-tenant:gone-{self.uid[:8]}"]
        project = await self._project(cloud, "gone", tags=tags)
        self.rows |= {("Orphan", "Project", project), ("Orphan", "Share", await self._share(cloud, uplink, project))}
        vanished = await self._project(cloud, "vanished", tags=tags)
        self.rows.add(("Orphan", "Share", await self._share(cloud, uplink, vanished)))
        await cloud.delete("identity", f"projects/{vanished}")

    async def _project(self, cloud: Cloud, name: str, *, tags: list[str]) -> str:
        body = {"name": f"{name}-{self.uid[:8]}", "domain_id": "default", "tags": tags}
        project = str((await cloud.post("identity", "projects", {"project": body}))["project"]["id"])
        self.paths.append(("identity", f"projects/{project}"))
        return project

    async def _share(self, cloud: Cloud, network: str, project: str) -> str:
        body = {
            "object_type": "network",
            "object_id": network,
            "action": "access_as_external",
            "target_tenant": project,
        }
        return str((await cloud.post("network", "rbac-policies", {"rbac_policy": body}))["rbac_policy"]["id"])

    async def clear(self, clouds: Clouds) -> None:
        """What is left of it, the newest first."""
        for service, path in reversed(self.paths):
            await clouds.admin().delete(service, path)


async def _until_usable(cloud: Cloud, path: str) -> None:
    service: Service = "compute" if path.startswith("servers") else "volume"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (seen := next(iter((await cloud.get(service, path)).values()))["status"]) not in {"ACTIVE", "available"}:
        assert time.monotonic() < deadline, f"{path} is {seen}"
        await asyncio.sleep(0.5)
