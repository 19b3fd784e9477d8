"""A server's public address: made after the way to it exists, kept, led back, taken over and given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.errors import CloudRefused
from infra.planned import planned_objects
from infra.provider.observe import observe
from infra.provider.observed import differences
from infra.provider.takeover import obstacles
from infra.stackplan import StackPlan
from tests.component.by_hand import built_by_hand, importing, listing_of
from tests.component.engine_parts import first_build, ids, next_pass
from tests.component.fake_cloud import FakeCloud, lost_answer
from tests.component.plans import UID, a_plan, a_server, removals


def public(**fields: Any) -> StackPlan:
    """One server that the internet may reach."""
    return a_plan(**({"servers": (a_server(public_address=True),)} | fields))


async def is_as(cloud: FakeCloud, plan: StackPlan) -> bool:
    return differences(planned_objects(plan), await observe(cloud, UID)) == []


async def test_it_is_made_on_the_port_once_the_router_reaches_it(tmp_path: Path) -> None:
    """The cloud refuses it before; the address that it chose is told, and looking again finds the same."""
    cloud = FakeCloud()
    built = await first_build(cloud, tmp_path, public())
    again = await next_pass(cloud, tmp_path, public())
    given = cloud.all("floatingips")[0]

    assert {"public-web-0": given["floating_ip_address"]} == built.addresses == again.addresses
    assert (built.ids["port-web-0"], "uplink-1") == (given["port_id"], given["floating_network_id"])
    assert 1 == cloud.log.count("POST floatingips")
    assert await is_as(cloud, public())


async def test_a_lost_answer_makes_no_second_one(tmp_path: Path) -> None:
    """The marker in the POST finds it."""
    cloud = FakeCloud()
    cloud.after = lost_answer("POST floatingips")
    built = await first_build(cloud, tmp_path, public())

    assert [built.ids["public-web-0"]] == [raw["id"] for raw in cloud.all("floatingips")]


async def test_it_is_given_back_when_the_plan_says_so(tmp_path: Path) -> None:
    """Only it: server and port stay."""
    cloud = FakeCloud()
    before = await first_build(cloud, tmp_path, public())
    plan = public(servers=(a_server(),), removals=removals(public(), "public-web-0"))
    after = await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.all("floatingips")
    assert before.ids["server-web-0"] == after.ids["server-web-0"]
    assert set(planned_objects(plan)) == set(await ids(cloud))


async def test_a_port_that_moves_has_another_address(tmp_path: Path) -> None:
    """The address goes before the router's leg does, which Neutron would not let go under it."""
    cloud = FakeCloud()
    await first_build(cloud, tmp_path, public())
    moved = public(networks=(public().networks[0].model_copy(update={"cidr": "10.10.1.0/25"}),))
    gone = ("subnet-app", "interface-app", "port-web-0", "server-web-0", "public-web-0")
    await next_pass(cloud, tmp_path, moved.model_copy(update={"removals": removals(public(), *gone)}))
    lines = [line.partition("/")[0] for line in cloud.log]

    assert lines.index("DELETE floatingips") < lines.index("DELETE ports")
    assert await is_as(cloud, moved)


@pytest.mark.parametrize("taken", ["the address off its port", "the port away"])
async def test_it_is_led_back_to_its_port(taken: str, tmp_path: Path) -> None:
    """The same address, whatever was done by hand; also to a port that had to be made anew."""
    cloud = FakeCloud()
    before = await first_build(cloud, tmp_path, public())
    cloud.all("floatingips")[0]["port_id"] = None
    if taken == "the port away":
        cloud.forget("ports", before.ids["port-web-0"])
    after = await next_pass(cloud, tmp_path, public())

    assert before.ids["public-web-0"] == after.ids["public-web-0"]
    assert before.addresses == after.addresses
    assert after.ids["port-web-0"] == cloud.all("floatingips")[0]["port_id"]
    assert await is_as(cloud, public())


async def test_one_that_people_made_is_taken_over(tmp_path: Path) -> None:
    """By its id, with its address."""
    cloud = FakeCloud()
    by_hand = await built_by_hand(cloud, public())
    built = await next_pass(cloud, tmp_path, importing(public(), by_hand))

    assert by_hand["public-web-0"] == built.ids["public-web-0"]
    assert 1 == len(cloud.all("floatingips"))


async def test_one_on_a_foreign_port_is_not(tmp_path: Path) -> None:
    """Another port's address would be drawn off it."""
    cloud = FakeCloud()
    by_hand = await built_by_hand(cloud, public())
    cloud.all("floatingips")[0]["port_id"] = "port-of-others"
    plan = importing(public(), by_hand)
    told = [one.text for one in obstacles(plan, await listing_of(cloud))]

    assert ["is on port port-of-others; import also {name: port-web-0, id: port-of-others}"] == told
    with pytest.raises(CloudRefused, match="public-web-0: is on port port-of-others"):
        await next_pass(cloud, tmp_path, plan)
