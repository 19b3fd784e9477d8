"""Drift from pass to pass, over an OpenStack in memory: what is put right at once, and what is said meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.stored import PLANS
from controllers.request.plans import is_repair
from infra.engine import Built
from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.builder import Builder, Steps
from infra.provider.observe import ProjectListing, list_building, list_project, list_servers
from infra.provider.observed import Observed
from infra.stackplan import StackPlan
from tests.build import NAMESPACE, a_flow, a_spec
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import unheard
from tests.unit.world import World

LATER = 1000.0


@dataclass
class BuilderAlone:
    """The engine without its process: adopts or makes everything planned, in order."""

    cloud: FakeCloud

    async def converge(self, plan: StackPlan, *, observed: Observed | None, on_progress: Any) -> Built:
        builder = Builder(self.cloud, authority_of(plan), observed or Observed(plan.origin.uid), Steps(0, unheard))
        made = [(name, await builder.ensure(one)) for name, one in planned_objects(plan).items()]
        return Built({name: one.id for name, one in made})


@dataclass
class Looks:
    """Surveys that list every time."""

    cloud: FakeCloud

    async def everything(self, project_id: str, *, not_before: float) -> ProjectListing:
        return await list_project(self.cloud)

    async def servers(self, project_id: str, *, not_before: float) -> ProjectListing:
        return await list_servers(self.cloud)

    async def building(self, project_id: str, *, not_before: float) -> frozenset[str]:
        return await list_building(self.cloud)

    async def prefixes(self, subnet_pool_id: str, *, not_before: float) -> list[str]:
        return []


async def a_built_world(spec: ResourceRequestSpec | None = None) -> tuple[World, FakeCloud]:
    """A request that is built and settled, and the cloud it is built in."""
    world, cloud = World(), FakeCloud()
    parts = replace(world.parts, engine=cast(Any, BuilderAlone(cloud)), surveys=cast(Any, Looks(cloud)))
    world.parts = parts
    world.ask(spec)
    await world.turn()
    world.approve()
    await world.turn()
    assert ("True", "Ready") == world.standing()
    return world, cloud


def foreign_rule(cloud: FakeCloud) -> None:
    rule = {"id": "rule-x", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    cloud.all("security-groups")[0]["security_group_rules"].append(rule)


def newest_is_a_repair(world: World) -> bool:
    plan = world.cache.get(PLANS, NAMESPACE, world.status()["plan"])
    return plan is not None and is_repair(plan)


async def test_what_can_be_put_right_does_not_wait_for_what_cannot() -> None:
    """A hole in a group is closed at once, beside a server that needs a plan; and nobody is told Ready meanwhile."""
    world, cloud = await a_built_world(a_spec(driftPolicy="Correct"))
    foreign_rule(cloud)
    cloud.all("servers")[0]["image"] = {"id": "another"}
    world.clock += LATER
    await world.turn()
    assert not any(rule["id"] == "rule-x" for rule in cloud.all("security-groups")[0]["security_group_rules"])
    assert ("False", "Drifted") == world.standing()
    await world.turn()

    assert newest_is_a_repair(world)
    assert ("False", "Drifted") == world.standing("Provisioned")


async def test_a_report_changes_nothing() -> None:
    """And the same drift is the same words, pass after pass."""
    world, cloud = await a_built_world()
    foreign_rule(cloud)
    cloud.log.clear()
    for _ in range(3):
        world.clock += LATER
        await world.turn()

    assert [] == cloud.log
    told = next(item for item in world.status()["conditions"] if item["type"] == "Provisioned")
    assert "SecurityGroupRules rules-web is changed: tcp from anywhere was added" in told["message"]
    assert "`driftPolicy: Correct` puts right in place" in told["message"]


async def test_a_newer_plan_is_built_as_far_as_possible_beside_what_needs_repair() -> None:
    """It is in force, its change is made, and what was changed by hand before then gets its repair plan."""
    world, cloud = await a_built_world()
    cloud.all("servers")[0]["image"] = {"id": "another"}
    world.ask(a_spec(flows=[a_flow(ports=["tcp/8443"])]), generation=2)
    await world.turn()
    plan = world.approve()
    await world.turn()
    assert (plan, ("False", "Drifted")) == (world.status()["approvedPlan"], world.standing("Provisioned"))
    ports = {rule["port_range_min"] for rule in cloud.all("security-groups")[0]["security_group_rules"]}
    assert 8443 in ports
    await world.turn()

    assert newest_is_a_repair(world)


async def test_a_server_stopped_by_hand_is_no_drift() -> None:
    """People may stop what is theirs."""
    world, cloud = await a_built_world(a_spec(driftPolicy="Correct"))
    cloud.all("servers")[0]["status"] = "SHUTOFF"
    cloud.log.clear()
    world.clock += LATER
    await world.turn()

    assert ("True", "Ready") == world.standing()
    assert [] == cloud.log


async def test_a_network_taken_apart_by_hand_is_made_again() -> None:
    """With everything on it, in an order that OpenStack accepts."""
    world, cloud = await a_built_world(a_spec(driftPolicy="Correct"))
    before = cloud.count()
    for collection in ("servers", "ports", "subnets", "networks"):
        for raw in cloud.all(collection):
            cloud.forget(collection, raw["id"])
    world.clock += LATER
    await world.turn()

    assert before == cloud.count()
    assert ("True", "Ready") == world.standing()


async def test_a_volume_taken_off_by_hand_is_attached_again() -> None:
    """The same volume, with all that is on it."""
    servers = [{"name": "web", "flavor": "c1.small", "image": "debian-12", "network": "app",
                "volumes": [{"name": "records", "sizeGiB": 10}]}]  # fmt: skip
    world, cloud = await a_built_world(a_spec(driftPolicy="Correct", servers=servers))
    server, volume = cloud.all("servers")[0], cloud.all("volumes")[0]["id"]
    server["os-extended-volumes:volumes_attached"].clear()
    cloud.all("volumes")[0]["status"] = "available"
    cloud.log.clear()
    world.clock += LATER
    await world.turn()

    assert [f"POST servers/{server['id']}/os-volume_attachments"] == cloud.log
    assert [{"id": volume}] == server["os-extended-volumes:volumes_attached"]
