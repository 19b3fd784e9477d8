"""Links between two requests, with the real engine over an OpenStack in memory: both sides, in any order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.engine import Built
from infra.planned import planned_objects
from infra.provider.observe import list_project, list_routers, observed_from_listing
from infra.provider.observed import Deviation, Observed, differences
from infra.stackplan import AddressGroupPlan, Kind, StackPlan
from tests.component.engine_parts import an_engine, next_pass
from tests.component.fake_cloud import FakeCloud, lost_answer
from tests.component.plans import PEER, a_link, a_linked_plan, a_plan, removals, the_other_plan, unheard

CALLED = a_linked_plan()
FAR = {"port-link.front.far", "interface-link.front.far", "routes-link.front.far", "routes-link.front.near"}


async def seen(cloud: FakeCloud, plan: StackPlan = CALLED, *, barred: frozenset[str] = frozenset()) -> Observed:
    """As the operator looks: its own project, and the routers of those its links lead to."""
    listing = await list_project(cloud)
    beyond = [raw for link in plan.links for raw in await list_routers(cloud, link.project_id)]
    observed = observed_from_listing(replace(listing, beyond=(*listing.beyond, *beyond)), plan.origin.uid)
    return replace(observed, barred=barred)


async def linked(cloud: FakeCloud, folder: Path, plan: StackPlan = CALLED, **look: frozenset[str]) -> Built:
    async with an_engine(cloud, folder) as engine:
        return await engine.converge(plan, observed=await seen(cloud, plan, **look), on_progress=unheard)


async def end(cloud: FakeCloud, folder: Path, plan: StackPlan) -> None:
    async with an_engine(cloud, folder) as engine:
        await engine.remove(plan.origin, plan.project.id, on_progress=unheard)


async def built_both(cloud: FakeCloud, folder: Path) -> FakeCloud:
    """Both requests; returns the cloud in the scope of the other's project."""
    other = cloud.beside("project-2")
    await next_pass(other, folder, the_other_plan())
    await linked(cloud, folder)
    return other


def routes(cloud: FakeCloud) -> dict[str, set[tuple[str, str]]]:
    """By the router's name: destination and next hop."""
    return {
        router["name"]: {(route["destination"], route["nexthop"]) for route in router["routes"]}
        for router in cloud.all("routers")
    }


async def test_a_link_joins_both_routers_and_nothing_else(tmp_path: Path) -> None:
    """A network of two ports, each on its router; routes to exactly the servers that are named."""
    cloud = FakeCloud()
    other = await built_both(cloud, tmp_path)

    transit = next(network for network in cloud.all("networks") if network["name"] == "portal-front")
    ports = [port for port in cloud.all("ports") if port["network_id"] == transit["id"]]
    devices = {router["id"]: router["name"] for router in cloud.all("routers")}
    assert {"portal", "front"} == {devices[port["device_id"]] for port in ports}
    assert {("10.30.1.20/32", "100.64.0.11")} == routes(cloud)["portal"]
    assert {("10.10.1.20/32", "100.64.0.10"), ("10.10.1.21/32", "100.64.0.10")} == routes(cloud)["front"]
    assert [] == differences(planned_objects(CALLED), await seen(cloud))
    assert [] == differences(planned_objects(the_other_plan()), await seen(other, the_other_plan()))


async def test_a_second_pass_changes_nothing(tmp_path: Path) -> None:
    """Neither with the engine's state nor without it."""
    cloud = FakeCloud()
    await built_both(cloud, tmp_path)
    cloud.log.clear()
    await linked(cloud, tmp_path)
    await linked(cloud, tmp_path / "another")

    assert [] == cloud.log


async def test_what_needs_the_other_router_waits_and_holds_up_nothing(tmp_path: Path) -> None:
    """Everything else is built; what waits is no difference; when the router is there the next pass joins it."""
    cloud = FakeCloud()
    built = await linked(cloud, tmp_path)
    observed = await seen(cloud)
    assert FAR == planned_objects(CALLED).keys() - built.ids.keys()
    assert [] == differences(planned_objects(CALLED), observed)
    assert set() == routes(cloud)["portal"]

    await next_pass(cloud.beside("project-2"), tmp_path, the_other_plan())
    missing = differences(planned_objects(CALLED), await seen(cloud))
    assert [(Deviation.MISSING, name) for name in sorted(FAR)] == sorted((one.deviation, one.name) for one in missing)
    await linked(cloud, tmp_path)
    assert [] == differences(planned_objects(CALLED), await seen(cloud))


async def test_a_barred_router_is_not_touched(tmp_path: Path) -> None:
    """The other request has not signed, or is being deleted: its router is left alone."""
    cloud = FakeCloud()
    await next_pass(cloud.beside("project-2"), tmp_path, the_other_plan())
    await linked(cloud, tmp_path, barred=frozenset({PEER}))

    assert set() == routes(cloud)["front"]
    assert [] == differences(planned_objects(CALLED), await seen(cloud, barred=frozenset({PEER})))
    await linked(cloud, tmp_path)
    assert [] == differences(planned_objects(CALLED), await seen(cloud))
    cloud.log.clear()
    await linked(cloud, tmp_path, barred=frozenset({PEER}))
    assert [] == cloud.log, "what was joined before is not taken off by the engine"


@pytest.mark.parametrize("state", ["kept", "lost"])
async def test_removing_the_called_side_closes_the_link_and_nothing_of_the_other(tmp_path: Path, state: str) -> None:
    """Ports, routes and network of the link go, on the other's router too; the other request is as planned."""
    cloud = FakeCloud()
    other = await built_both(cloud, tmp_path)
    await end(cloud, tmp_path if state == "kept" else tmp_path / "another", CALLED)

    assert {"front": set()} == routes(cloud)
    assert [] == differences(planned_objects(the_other_plan()), await seen(other, the_other_plan()))
    assert not (await seen(cloud)).objects
    await end(other, tmp_path, the_other_plan())
    assert {} == cloud.count()


@pytest.mark.parametrize("state", ["kept", "lost"])
async def test_removing_the_calling_side_hangs_neither(tmp_path: Path, state: str) -> None:
    """Its router takes its end of the link with it; what is left leads nowhere, and is no difference."""
    cloud = FakeCloud()
    other = await built_both(cloud, tmp_path)
    await end(other, tmp_path if state == "kept" else tmp_path / "another", the_other_plan())

    assert not (await seen(other, the_other_plan())).objects
    assert [] == differences(planned_objects(CALLED), await seen(cloud))
    cloud.log.clear()
    await linked(cloud, tmp_path)
    assert [] == cloud.log
    await end(cloud, tmp_path, CALLED)
    assert {} == cloud.count()


async def test_a_flow_that_a_new_plan_drops_is_closed(tmp_path: Path) -> None:
    """The link goes with its routes; the addresses go after the rules that named them."""
    cloud = FakeCloud()
    other = await built_both(cloud, tmp_path)
    gone = [name for name in planned_objects(CALLED) if ".front" in name or name.startswith("addresses-")]
    after = a_plan(removals=removals(CALLED, *gone))
    await linked(cloud, tmp_path, after)

    assert {"front": set(), "portal": set()} == routes(cloud)
    assert [] == differences(planned_objects(after), await seen(cloud))
    assert [] == differences(planned_objects(the_other_plan()), await seen(other, the_other_plan()))
    assert [] == cloud.all("address-groups")


async def test_members_and_routes_change_in_place(tmp_path: Path) -> None:
    """Another server on the calling side: no object is replaced, and nothing else is touched."""
    cloud = FakeCloud()
    await built_both(cloud, tmp_path)
    callers = ("10.30.1.20/32", "10.30.1.21/32")
    groups = (AddressGroupPlan(name="front.web", addresses=callers), CALLED.address_groups[1])
    grown = a_linked_plan(links=(a_link(callers=callers),), address_groups=groups)
    cloud.log.clear()
    await linked(cloud, tmp_path, grown)

    changes = sorted(line.rpartition("/")[2] for line in cloud.log)
    assert ["add_addresses", "add_extraroutes"] == changes
    assert [] == differences(planned_objects(grown), await seen(cloud, grown))
    await linked(cloud, tmp_path)
    assert [] == differences(planned_objects(CALLED), await seen(cloud))


@pytest.mark.parametrize(
    "line",
    [
        r"POST address-groups",
        r"PUT routers/router-\d+/add_extraroutes",
        r"PUT routers/router-\d+/add_router_interface",
        r"POST ports",
    ],
)
async def test_a_lost_answer_costs_nothing(tmp_path: Path, line: str) -> None:
    """What came of the call is looked for; everything is there once."""
    cloud = FakeCloud()
    await next_pass(cloud.beside("project-2"), tmp_path, the_other_plan())
    cloud.after = lost_answer(line)
    await linked(cloud, tmp_path)

    assert [] == differences(planned_objects(CALLED), await seen(cloud))


async def test_by_hand_in_a_link_is_drift_and_on_the_router_beside_it_is_none(tmp_path: Path) -> None:
    """A route into our link that nobody approved is ours to see; another's routes on our router are not."""
    cloud = FakeCloud()
    await built_both(cloud, tmp_path)
    portal = next(router for router in cloud.all("routers") if router["name"] == "portal")
    portal["routes"].append({"destination": "10.20.0.0/16", "nexthop": "10.10.1.9"})
    assert [] == differences(planned_objects(CALLED), await seen(cloud))
    portal["routes"].append({"destination": "10.30.1.0/24", "nexthop": "100.64.0.11"})
    group = cloud.all("address-groups")[0]
    group["addresses"] = [*group["addresses"], "10.30.1.99/32"]
    found = {(one.kind, one.name, one.fields) for one in differences(planned_objects(CALLED), await seen(cloud))}

    changed = {
        (Kind.ROUTER_ROUTES, "routes-link.front.near", ("routes",)),
        (Kind.ADDRESS_GROUP, "addresses-front.web", ("addresses",)),
    }
    assert changed == found
    await linked(cloud, tmp_path)
    assert [] == differences(planned_objects(CALLED), await seen(cloud))
    assert {"destination": "10.20.0.0/16", "nexthop": "10.10.1.9"} in portal["routes"]


@pytest.mark.parametrize("who", ["called", "calling"])
async def test_releasing_either_side_closes_the_link(tmp_path: Path, who: str) -> None:
    """Everything else stays; no managed router is left with a leg that nobody would take off."""
    cloud = FakeCloud()
    other = await built_both(cloud, tmp_path)
    scope, plan = (cloud, CALLED) if who == "called" else (other, the_other_plan())
    async with an_engine(scope, tmp_path) as engine:
        await engine.release(plan.origin, plan.project.id, on_progress=unheard)

    assert set() == routes(cloud)["front"]
    assert not (await seen(scope, plan)).objects
    rest = the_other_plan() if who == "called" else CALLED
    assert [] == differences(planned_objects(rest), await seen(other if who == "called" else cloud, rest))
