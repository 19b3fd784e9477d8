"""What keeps a zone apart, held against a cloud in which somebody with all rights changed something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.containment import Breach, Enclosure, breaches, opens
from infra.planned import planned_objects
from infra.provider.observe import list_project, observe
from infra.provider.observed import differences
from infra.stackplan import Kind, StackPlan
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_server
from tests.component.test_provider_observe import built

INTERNET = Enclosure("uplink-1", ("10.10.0.0/16",), public=True)
INSIDE = Enclosure("uplink-1", ("10.10.0.0/16",), public=False)
PUBLIC = a_plan(servers=(a_server(public_address=True),))
LEG = {"device_owner": "network:router_interface", "name": ""}


async def a_cloud(plan: StackPlan = PUBLIC) -> FakeCloud:
    """A project with one request, as planned; router interfaces show an address of their subnet."""
    cloud = FakeCloud()
    await built(cloud, plan)
    for port in cloud.all("ports"):
        for entry in port["fixed_ips"]:
            entry["ip_address"] = "10.10.1.1" if entry["ip_address"] == "gateway" else entry["ip_address"]
    return cloud


async def found(cloud: FakeCloud, zone: Enclosure = INTERNET, plan: StackPlan = PUBLIC) -> list[Breach]:
    return breaches(await list_project(cloud), zone, {UID: (plan,)})


async def test_what_is_as_planned_is_contained() -> None:
    """With its public address, which the plan in force names."""
    assert [] == await found(await a_cloud())


def another_uplink(cloud: FakeCloud) -> None:
    cloud.all("routers")[0]["external_gateway_info"] = {"network_id": "uplink-2"}


def a_route(cloud: FakeCloud) -> None:
    cloud.all("routers")[0]["routes"] = [{"destination": "10.20.0.0/16", "nexthop": "10.10.1.9"}]


def a_bridge(cloud: FakeCloud) -> None:
    leg = {"subnet_id": "subnet-of-private", "ip_address": "10.20.1.1"}
    cloud.add("ports", device_id=cloud.all("routers")[0]["id"], network_id="n", fixed_ips=[leg], **LEG)


def a_foreign_leg(cloud: FakeCloud) -> None:
    leg = {"subnet_id": cloud.all("subnets")[0]["id"], "ip_address": "10.10.1.9"}
    cloud.add("ports", device_id="router-of-others", network_id="n", fixed_ips=[leg], **LEG)


def no_port_security(cloud: FakeCloud) -> None:
    cloud.all("ports")[-1]["port_security_enabled"] = False


def address_pairs(cloud: FakeCloud) -> None:
    cloud.all("ports")[-1]["allowed_address_pairs"] = [{"ip_address": "0.0.0.0/1"}]


def another_public_address(cloud: FakeCloud) -> None:
    free = {"subnet_id": cloud.all("subnets")[0]["id"], "ip_address": "10.10.1.50"}
    port = cloud.add("ports", network_id="n", name="", fixed_ips=[free])
    cloud.add("floatingips", port_id=port["id"], floating_network_id="uplink-1", name="")


def an_open_default_group(cloud: FakeCloud) -> None:
    cloud.add("security-groups", name="default")["security_group_rules"].append({"direction": "egress"})


@pytest.mark.parametrize(
    ("harm", "kind", "said"),
    [
        (another_uplink, "Router", "has its gateway in network uplink-2, which is not the zone's uplink"),
        (a_route, "Router", "has routes that no plan contains: 10.20.0.0/16 by 10.10.1.9"),
        (a_bridge, "RouterInterface", "to 10.20.1.1, which is not the zone's"),
        (a_foreign_leg, "RouterInterface", "is a leg on router router-of-others of another project"),
        (no_port_security, "Port", "has port security off"),
        (address_pairs, "Port", "may send from 0.0.0.0/1"),
        (another_public_address, "FloatingIP", "is in no plan"),
        (an_open_default_group, "SecurityGroup", "is the project's default group and has 1 rules"),
    ],
)
async def test_what_leads_out_is_found(harm: Callable[[FakeCloud], None], kind: str, said: str) -> None:
    """One sentence each, and nothing beside it."""
    cloud = await a_cloud()
    harm(cloud)
    told = await found(cloud)

    assert [kind] == [one.kind for one in told]
    assert said in told[0].what


async def test_outside_the_internet_zone_no_public_address_is_right() -> None:
    """Not even one that a plan names."""
    told = await found(await a_cloud(), INSIDE)

    assert [("FloatingIP", UID)] == [(one.kind, one.uid) for one in told]
    assert "outside the zones of class Internet" in told[0].what


async def test_a_mark_is_worth_what_the_plan_says() -> None:
    """The mark of a request whose plan does not name it, or of no living request, excuses nothing."""
    cloud = await a_cloud()

    assert ["FloatingIP"] == [one.kind for one in await found(cloud, plan=a_plan())]
    assert ["FloatingIP"] == [one.kind for one in breaches(await list_project(cloud), INTERNET, {})]


@pytest.mark.parametrize(
    ("collection", "change", "is_opening"),
    [
        ("security-groups", {"name": "mine"}, False),
        ("routers", {"name": "mine"}, False),
        ("routers", {"external_gateway_info": None}, False),
        ("routers", {"external_gateway_info": {"network_id": "uplink-2", "enable_snat": False}}, True),
        ("ports", {"allowed_address_pairs": [{"ip_address": "10.0.0.0/8"}]}, True),
        ("ports", {"security_groups": []}, False),
        ("ports", {"security_groups": ["group-of-others"]}, True),
        ("floatingips", {"port_id": None}, False),
        ("floatingips", {"port_id": "port-of-others"}, True),
        ("servers", {"flavor": {"id": "large"}}, False),
    ],
)
async def test_drift_that_lets_something_through_is_an_opening(
    collection: str, change: dict[str, Any], is_opening: bool
) -> None:
    """What lacks closes; a name opens nothing."""
    cloud = await a_cloud()
    cloud.all(collection)[-1].update(change)
    drift = differences(planned_objects(PUBLIC), await observe(cloud, UID))

    assert drift
    assert is_opening is any(map(opens, drift))


async def test_a_rule_by_hand_is_an_opening_and_a_lost_one_is_not() -> None:
    """Rules only permit."""
    cloud = await a_cloud()
    rules = cloud.all("security-groups")[0]["security_group_rules"]
    lost = rules.pop()
    lacking = differences(planned_objects(PUBLIC), await observe(cloud, UID))
    rules += [lost, {**lost, "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"}]
    added = differences(planned_objects(PUBLIC), await observe(cloud, UID))

    assert ([Kind.SECURITY_GROUP_RULES], False) == ([one.kind for one in lacking], opens(lacking[0]))
    assert ([Kind.SECURITY_GROUP_RULES], True) == ([one.kind for one in added], opens(added[0]))
