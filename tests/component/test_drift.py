"""Drift and its repair by the real engine: in place where possible, by id where signed, never otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.cloud_answers import Conflict
from infra.errors import CloudRefused
from infra.planned import planned_objects
from infra.provider.observe import observe
from infra.provider.observed import Deviation, differences
from infra.provider.repairs import repairs_of
from infra.stackplan import StackPlan
from tests.component.engine_parts import Progress, an_engine, first_build, ids, next_pass
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan, unheard


async def deviations(cloud: FakeCloud, plan: StackPlan) -> list[tuple[Deviation, str, tuple[str, ...]]]:
    """How the cloud differs from the plan."""
    found = differences(planned_objects(plan), await observe(cloud, UID))
    return [(one.deviation, one.name, one.fields) for one in found]


async def a_repair(cloud: FakeCloud, plan: StackPlan) -> StackPlan:
    """The plan with the removals that would repair what is there now."""
    removals = tuple(repair.removal for repair in repairs_of(plan, await observe(cloud, UID)))
    return plan.model_copy(update={"removals": removals})


def by_name(cloud: FakeCloud, collection: str, end: str) -> dict[str, Any]:
    return next(raw for raw in cloud.all(collection) if raw["name"].endswith(end))


async def test_a_port_deleted_by_hand_comes_back_on_its_living_server(tmp_path: Path) -> None:
    """The server is not built anew: its port is, with the address, and it is attached."""
    cloud, plan = FakeCloud(), a_rich_plan()
    before = await first_build(cloud, tmp_path, plan)
    cloud.forget("ports", before.ids["port-web-0"])
    cloud.log.clear()
    after = await next_pass(cloud, tmp_path, plan)

    attached, led_back = f"servers/{before.ids['server-web-0']}/os-interface", before.ids["public-web-0"]
    assert "POST ports" == cloud.log[0]
    assert {f"POST {attached}", f"PUT floatingips/{led_back}"} == set(cloud.log[1:])
    assert before.ids["server-web-0"] == after.ids["server-web-0"]
    assert [] == await deviations(cloud, plan)


async def test_a_second_port_is_taken_off_a_server_and_stays(tmp_path: Path) -> None:
    """A server with a foot in another network is drift; the port itself is not ours to delete."""
    cloud, plan = FakeCloud(), a_plan()
    before = await first_build(cloud, tmp_path, plan)
    server = before.ids["server-web-0"]
    foreign = a_foreign_port(cloud, before.ids["network-app"], device_id=server)
    assert [(Deviation.CHANGED, "server-web-0", ("port",))] == await deviations(cloud, plan)
    cloud.log.clear()
    await next_pass(cloud, tmp_path, plan)

    assert [f"DELETE servers/{server}/os-interface/{foreign['id']}"] == cloud.log
    assert foreign["id"] in {port["id"] for port in cloud.all("ports")}


def a_foreign_port(cloud: FakeCloud, network: str, **fields: Any) -> dict[str, Any]:
    """A port without our marker on one of our networks."""
    address = {"subnet_id": "x", "ip_address": f"10.10.1.{60 + len(cloud.all('ports'))}"}
    return cloud.add("ports", **({"name": "printer", "network_id": network, "fixed_ips": [address]} | fields))


@pytest.mark.parametrize(
    ("collection", "end", "change", "lost"),
    [
        ("servers", "web-0", {"image": {"id": "another"}}, {"server-web-0", "attachment-web-0.records"}),
        ("servers", "web-1", {"image": {"id": "another"}}, {"server-web-1"}),
        ("ports", "web-1", {"fixed_ips": [{"subnet_id": "subnet-3", "ip_address": "10.10.1.50"}]}, {"port-web-1"}),
        ("routers", "portal", {"external_gateway_info": {"network_id": "x", "enable_snat": False}},
         {"router", "interface-app"}),
        ("volumes", "boot", {"volume_image_metadata": {"image_id": "x"}},
         {"boot-web-0", "server-web-0", "attachment-web-0.records"}),
    ],
    ids=["server with data", "server", "port", "router", "boot volume"],
)  # fmt: skip
async def test_what_is_beyond_repair_waits_for_a_plan_and_is_replaced_by_it(
    tmp_path: Path, collection: str, end: str, change: dict[str, Any], lost: set[str]
) -> None:
    """The plan in force does not touch it; the repair replaces exactly what it names, and all data stays."""
    cloud, plan = FakeCloud(), a_rich_plan()
    before = await first_build(cloud, tmp_path, plan)
    by_name(cloud, collection, end).update(change)
    drift = await deviations(cloud, plan)
    cloud.log.clear()
    await next_pass(cloud, tmp_path, plan)
    assert [] == cloud.log, "not by the plan in force"
    assert drift == await deviations(cloud, plan)
    repair = await a_repair(cloud, plan)
    after = await next_pass(cloud, tmp_path, repair)

    assert [] == await deviations(cloud, plan)
    assert {name for name in after.ids if before.ids[name] != after.ids[name]} >= lost - {"attachment-web-0.records"}
    assert {gone.name for gone in repair.removals} == lost
    assert before.ids["volume-web-0.records"] == after.ids["volume-web-0.records"]
    cloud.log.clear()
    await next_pass(cloud, tmp_path, repair)
    assert [] == cloud.log, "done once"


async def test_what_was_put_back_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    """The removal was signed for an object that was wrong; it is right again."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    router = cloud.all("routers")[0]
    router["external_gateway_info"]["network_id"] = "another"
    repair = await a_repair(cloud, plan)
    router["external_gateway_info"]["network_id"] = "uplink-1"
    cloud.all("servers")[0]["name"] = "x"
    cloud.log.clear()
    await next_pass(cloud, tmp_path, repair)

    assert [f"PUT servers/{cloud.all('servers')[0]['id']}"] == cloud.log


async def test_a_repair_that_was_cut_off_is_continued(tmp_path: Path) -> None:
    """Between the deletions, and after them: the next pass ends with exactly what is planned."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    by_name(cloud, "volumes", "boot")["volume_image_metadata"] = {"image_id": "x"}
    repair = await a_repair(cloud, plan)
    for step in ("DELETE servers", "DELETE volumes", "POST volumes"):

        def cut(line: str, at: str = step) -> None:
            if line.startswith(at):
                raise Conflict("cut off")

        cloud.before = cut
        with pytest.raises(CloudRefused):
            await next_pass(cloud, tmp_path, repair)
    cloud.before = lambda line: None
    await next_pass(cloud, tmp_path, repair)

    assert [] == await deviations(cloud, plan)


async def test_a_spare_object_goes_by_a_repair_and_the_used_one_stays(tmp_path: Path) -> None:
    """And what carries our mark without being in any plan goes with it."""
    cloud, plan = FakeCloud(), a_plan()
    before = await first_build(cloud, tmp_path, plan)
    cloud.duplicate("networks")
    unplanned = cloud.duplicate("security-groups")
    unplanned["description"] = unplanned["description"].replace("group-web", "group-old")
    repair = await a_repair(cloud, plan)
    await next_pass(cloud, tmp_path, repair)

    assert before.ids == await ids(cloud)
    assert [] == await deviations(cloud, plan)


async def test_foreign_objects_are_never_touched(tmp_path: Path) -> None:
    """With our names, in our network, on our router: without our marker they are not ours."""
    cloud, plan = FakeCloud(), a_plan()
    built = await first_build(cloud, tmp_path, plan)
    a_foreign_port(cloud, built.ids["network-app"])
    a_foreign_port(cloud, "theirs", device_id=built.ids["router"], device_owner="network:router_interface")
    for collection in ("routers", "networks", "security-groups"):
        cloud.duplicate(collection)["description"] = "somebody else's"
    cloud.add("servers", **server_with_our_name(cloud))
    foreign = cloud.count()
    repair = await a_repair(cloud, plan)
    cloud.all("routers")[0]["name"] = "x"
    cloud.log.clear()
    await next_pass(cloud, tmp_path, repair)

    assert () == repair.removals
    assert [f"PUT routers/{built.ids['router']}"] == cloud.log
    assert foreign == cloud.count()


def server_with_our_name(cloud: FakeCloud) -> dict[str, Any]:
    """As somebody else would order it: our name, no marker."""
    theirs = a_foreign_port(cloud, "theirs")
    name = cloud.all("servers")[0]["name"]
    return {"name": name, "flavorRef": "f", "imageRef": "i", "networks": [{"port": theirs["id"]}], "metadata": {}}


async def test_a_removal_that_is_blocked_says_by_what(tmp_path: Path) -> None:
    """A foreign port on our network: whose it is, so that somebody can be asked."""
    cloud, plan = FakeCloud(), a_plan()
    built = await first_build(cloud, tmp_path, plan)
    foreign = a_foreign_port(cloud, built.ids["network-app"], device_id="their-server")
    async with an_engine(cloud, tmp_path) as engine:
        with pytest.raises(CloudRefused, match=rf'in the way: port "printer" \({foreign["id"]}, of their-server\)'):
            await engine.remove(plan.origin, "project-1", on_progress=unheard)


async def test_the_steps_of_a_repair_are_counted(tmp_path: Path) -> None:
    """What goes and what is made anew: the count ends at the total."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.all("routers")[0]["external_gateway_info"]["network_id"] = "another"
    repair, progress = await a_repair(cloud, plan), Progress()
    async with an_engine(cloud, tmp_path) as engine:
        await engine.converge(repair, observed=await observe(cloud, UID), on_progress=progress)

    assert {4} == {event.total for event in progress.heard}
    assert 4 == progress.heard[-1].done
