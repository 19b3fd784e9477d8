"""Where a benchmark runs: one project in one zone of a real OpenStack, and prefixes nobody uses there."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from infra.cloud import Answer, Cloud, Clouds, Service
from infra.stackplan import (
    GroupPlan,
    NetworkPlan,
    Origin,
    Project,
    Resolved,
    RouterPlan,
    RulePlan,
    ServerPlan,
    StackPlan,
)
from tests.counted import counted

PREFIX_LENGTH = 26
FIRST_HOST = 10
PORTS_OPENED = (22, 80, 443)
SERVERS = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """Ids of what the cloud provider has prepared."""

    clouds: Clouds
    clouds_yaml: Path
    cloud_name: str
    project: Project
    uplink_id: str
    pool_id: str
    flavor: Resolved
    image: Resolved
    source_nat: bool
    free: Iterator[ipaddress.IPv4Network]

    @property
    def cloud(self) -> Cloud:
        return self.clouds.project(self.project.id)

    def sent(self) -> int:
        """Calls sent so far, logins included."""
        return int(sum(counted(self.clouds.measures.calls).values()))


def arguments(description: str) -> argparse.ArgumentParser:
    """What tells the stage; the defaults are those of the sandbox."""
    sandbox = Path(os.environ.get("KUNLUN_SANDBOX", ".sandbox"))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--clouds-yaml", type=Path, default=sandbox / "clouds.yaml")
    parser.add_argument("--cloud", default="kunlun")
    parser.add_argument("--project", default="civil-affairs-extranet", help="name of a project the user may act in")
    parser.add_argument("--uplink", default="uplink-extranet")
    parser.add_argument("--pool", default="zone-extranet", help="subnet pool of the zone")
    parser.add_argument("--flavor", default="c1.small")
    parser.add_argument("--image", default="debian-12")
    parser.add_argument("--source-nat", action="store_true", help="for an uplink of the Internet zone")
    return parser


async def a_stage(options: argparse.Namespace) -> Stage:
    """Looks everything up by name; a token for the project is fetched, so that both sides start warm."""
    clouds = Clouds(options.cloud, options.clouds_yaml)
    admin = clouds.admin()
    project, uplink, pool, flavor, image = await asyncio.gather(
        _named(admin, "identity", "projects", options.project),
        _named(admin, "network", "networks", options.uplink),
        _named(admin, "network", "subnetpools", options.pool),
        _named(admin, "compute", "flavors", options.flavor),
        _named(admin, "image", "images", options.image),
    )
    used = [ipaddress.IPv4Network(raw["cidr"]) for raw in await admin.list("network", "subnets")]
    stage = Stage(
        clouds=clouds,
        clouds_yaml=options.clouds_yaml,
        cloud_name=options.cloud,
        project=Project(id=project["id"], name=project["name"]),
        uplink_id=uplink["id"],
        pool_id=pool["id"],
        flavor=Resolved(id=flavor["id"], name=flavor["name"]),
        image=Resolved(id=image["id"], name=image["name"]),
        source_nat=options.source_nat,
        free=_free_prefixes(pool["prefixes"], used),
    )
    await stage.cloud.warm()
    return stage


def standard_plan(stage: Stage, prefix: ipaddress.IPv4Network, *, servers: int = SERVERS) -> StackPlan:
    """The standard request: network, subnet, router with gateway and interface, group with 3 rules, ports, servers."""
    uid = str(uuid4())
    rules = tuple(
        RulePlan(direction="ingress", protocol="tcp", port_first=port, port_last=port, remote_cidr="10.0.0.0/8")
        for port in PORTS_OPENED
    )
    return StackPlan(
        origin=Origin(namespace="bench", name=f"bench-{uid[:8]}", uid=uid, generation=1),
        zone="bench",
        project=stage.project,
        router=RouterPlan(uplink_id=stage.uplink_id, source_nat=stage.source_nat),
        networks=(_network(stage, prefix),),
        groups=(GroupPlan(name="web", rules=rules),),
        servers=tuple(
            ServerPlan(
                name=f"web-{number}",
                group="web",
                flavor=stage.flavor,
                image=stage.image,
                network="app",
                address=str(prefix[FIRST_HOST + number]),
            )
            for number in range(servers)
        ),
    )


def _network(stage: Stage, prefix: ipaddress.IPv4Network) -> NetworkPlan:
    return NetworkPlan(
        name="app",
        subnet_pool_id=stage.pool_id,
        cidr=str(prefix),
        gateway=str(prefix[1]),
        service_first=str(prefix[2]),
        service_last=str(prefix[5]),
    )


async def _named(cloud: Cloud, service: Service, collection: str, name: str) -> Answer:
    for raw in await cloud.list(service, collection):
        if raw["name"] == name:
            return raw
    raise SystemExit(f"the cloud has no {collection} named {name}")


def _free_prefixes(pools: list[str], used: list[ipaddress.IPv4Network]) -> Iterator[ipaddress.IPv4Network]:
    """From the end of the pool: requests are served from its beginning."""
    for pool in pools:
        for prefix in reversed(list(ipaddress.IPv4Network(pool).subnets(new_prefix=PREFIX_LENGTH))):
            if not any(prefix.overlaps(other) for other in used):
                yield prefix
