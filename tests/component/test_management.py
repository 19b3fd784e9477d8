"""The way to the guests, through the real engine: made with the request, put right, taken away, and never another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.planned import MANAGEMENT_INTERFACE, MANAGEMENT_PORT, planned_objects
from infra.provider.observe import observe
from infra.provider.observed import differences
from infra.stackplan import Kind, Origin
from tests.component.engine_parts import an_engine, first_build, next_pass
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_managed_plan, a_plan, removals, unheard


async def test_the_router_gets_its_place_in_the_management_network(tmp_path: Path) -> None:
    """A marked port in the provider's network, and the router on it; a second pass changes nothing."""
    cloud, plan = FakeCloud(), a_managed_plan()
    await first_build(cloud, tmp_path, plan)
    port = next(one for one in cloud.all("ports") if one["network_id"] == "management-1")
    router = cloud.all("routers")[0]["id"]
    cloud.log.clear()
    await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.log
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    assert (router, "198.18.0.16") == (port["device_id"], port["fixed_ips"][0]["ip_address"])


async def test_an_unfinished_way_is_finished(tmp_path: Path) -> None:
    """The port was made, the operator died before the router got it: the next pass adopts it and goes on."""
    cloud, plan = FakeCloud(), a_managed_plan()
    await first_build(cloud, tmp_path, plan)
    port = next(one for one in cloud.all("ports") if one["network_id"] == "management-1")
    port.update({"device_id": "", "device_owner": ""})
    seen = differences(planned_objects(plan), await observe(cloud, UID))
    await next_pass(cloud, tmp_path, plan)

    assert [MANAGEMENT_INTERFACE] == [item.name for item in seen]
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    assert 1 == len([one for one in cloud.all("ports") if one["network_id"] == "management-1"])


async def test_a_request_that_gives_its_roles_up_gives_up_the_way(tmp_path: Path) -> None:
    """Nothing of it stays in the provider's network."""
    cloud, before = FakeCloud(), a_managed_plan()
    await first_build(cloud, tmp_path, before)
    plan = a_plan(removals=removals(before, MANAGEMENT_INTERFACE, MANAGEMENT_PORT))
    await next_pass(cloud, tmp_path, plan)

    assert [] == [one for one in cloud.all("ports") if one["network_id"] == "management-1"]
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


@pytest.mark.parametrize("known", [True, False], ids=["by the engine", "without its state"])
async def test_the_end_of_a_request_leaves_nothing_there(tmp_path: Path, known: bool) -> None:
    """With the engine's own record of it, and without."""
    cloud, plan = FakeCloud(), a_managed_plan()
    await first_build(cloud, tmp_path, plan)
    origin = Origin(namespace="civil-affairs", name="portal", uid=UID, generation=1)
    async with an_engine(cloud, tmp_path if known else tmp_path / "another") as engine:
        await engine.remove(origin, "project-1", on_progress=unheard)

    assert [] == cloud.all("ports") + cloud.all("routers")
    assert {Kind.PORT, Kind.ROUTER_INTERFACE} == {
        planned_objects(plan)[name].kind for name in (MANAGEMENT_PORT, MANAGEMENT_INTERFACE)
    }
