"""Somebody changed the cloud by hand: it is put right, or told, or becomes a plan to approve; others stay alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any

import pytest

from infra.cloud import Cloud, Clouds
from infra.provider.observed import ObservedObject
from tests.conftest import Sandbox
from tests.e2e.story import Story, a_server, a_story, eventually, objects, project_of
from tests.e2e.watchful import INTERVAL_SECONDS, a_watchful_operator

Objects = Mapping[str, ObservedObject]
Harm = Callable[[Cloud, Objects], Coroutine[Any, Any, object]]


@pytest.fixture(scope="module")
def watched(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox with an operator that looks every few seconds."""
    with a_watchful_operator(sandbox) as running:
        yield running


@pytest.fixture(scope="module")
def corrected(watched: Sandbox) -> Iterator[Story]:
    """Two servers whose drift is to be corrected."""
    with a_story(watched, "corrected") as story:
        story.apply(driftPolicy="Correct", servers=[a_server(count=2)])
        story.approve()
        story.ready()
        yield story


async def delete_port(cloud: Cloud, found: Objects) -> None:
    await cloud.delete("network", f"ports/{found['port-web-0'].id}")


async def delete_server(cloud: Cloud, found: Objects) -> None:
    await cloud.delete("compute", f"servers/{found['server-web-1'].id}")


async def rename_server(cloud: Cloud, found: Objects) -> object:
    return await cloud.put("compute", f"servers/{found['server-web-0'].id}", {"server": {"name": "mine-now"}})


async def rename_group(cloud: Cloud, found: Objects) -> object:
    body = {"security_group": {"name": "mine-now"}}
    return await cloud.put("network", f"security-groups/{found['group-web'].id}", body)


async def lose_rule(cloud: Cloud, found: Objects) -> None:
    rule = found["group-web"].raw["security_group_rules"][0]["id"]
    await cloud.delete("network", f"security-group-rules/{rule}")


async def add_rule(cloud: Cloud, found: Objects) -> object:
    rule = {"security_group_id": found["group-web"].id, "direction": "ingress", "ethertype": "IPv4"}
    return await cloud.post("network", "security-group-rules", {"security_group_rule": rule})


async def allow_spoofing(cloud: Cloud, found: Objects) -> object:
    body = {"port": {"allowed_address_pairs": [{"ip_address": "10.0.0.0/8"}]}}
    return await cloud.put("network", f"ports/{found['port-web-0'].id}", body)


async def lose_interface(cloud: Cloud, found: Objects) -> object:
    path = f"routers/{found['router'].id}/remove_router_interface"
    return await cloud.put("network", path, {"port_id": found["interface-app"].id})


async def foreign_port(cloud: Cloud, found: Objects) -> object:
    port = {"network_id": found["network-app"].id, "name": "printer"}
    return (await cloud.post("network", "ports", {"port": port}))["port"]["id"]


async def second_port(cloud: Cloud, found: Objects) -> object:
    foreign = await foreign_port(cloud, found)
    path = f"servers/{found['server-web-0'].id}/os-interface"
    await cloud.post("compute", path, {"interfaceAttachment": {"port_id": foreign}})
    return foreign


async def rebuild_server(cloud: Cloud, found: Objects) -> object:
    server = found["server-web-0"]
    images = await cloud.list("image", "images")
    another = next(image["id"] for image in images if image["id"] != server.inputs["image_id"])
    return await cloud.post("compute", f"servers/{server.id}/action", {"rebuild": {"imageRef": another}})


async def move_port(cloud: Cloud, found: Objects) -> object:
    port = found["port-web-0"]
    address = {"subnet_id": port.raw["fixed_ips"][0]["subnet_id"], "ip_address": _last_octet(port, 13)}
    return await cloud.put("network", f"ports/{port.id}", {"port": {"fixed_ips": [address]}})


async def foreign_server(cloud: Cloud, found: Objects) -> object:
    """With our name and on our network, but without our marker."""
    ours = found["server-web-0"]
    server = {
        "name": ours.inputs["name"],
        "imageRef": ours.inputs["image_id"],
        "flavorRef": ours.inputs["flavor_id"],
        "networks": [{"uuid": found["network-app"].id}],
    }
    return (await cloud.post("compute", "servers", {"server": server}))["server"]["id"]


@pytest.mark.parametrize(
    "harm",
    [delete_port, delete_server, rename_server, rename_group, lose_rule, add_rule, allow_spoofing, lose_interface],
    ids=lambda harm: harm.__name__,
)
def test_what_the_plan_permits_is_put_right(corrected: Story, harm: Harm) -> None:
    """Without anybody asking, and nothing else is touched: every other object keeps its id."""
    before = found_of(corrected)
    by_hand(corrected, harm)
    assert corrected.unplanned()
    assert eventually(lambda: not corrected.unplanned()), corrected.unplanned()
    corrected.ready()

    lost: dict[Harm, set[str]] = {
        delete_port: {"port-web-0"},
        delete_server: {"server-web-1"},
        lose_interface: {"interface-app"},
    }
    after = found_of(corrected)
    assert lost.get(harm, set()) == {name for name in before if before[name].id != after[name].id}


def test_what_is_not_ours_is_never_touched(corrected: Story) -> None:
    """A server with our name and a second port on ours: the one is left alone, the other only taken off."""
    theirs = str(by_hand(corrected, foreign_server))
    port = str(by_hand(corrected, second_port))
    try:
        assert eventually(lambda: not corrected.unplanned()), corrected.unplanned()
        time.sleep(2 * INTERVAL_SECONDS)
        assert {theirs} <= {raw["id"] for raw in listed(corrected, "compute", "servers")}
        assert {port} <= {raw["id"] for raw in listed(corrected, "network", "ports")}
    finally:
        by_hand(corrected, lambda cloud, _: cloud.delete("compute", f"servers/{theirs}"))
        by_hand(corrected, lambda cloud, _: cloud.delete("network", f"ports/{port}"))


def test_a_replacement_is_asked_for_first(watched: Sandbox) -> None:
    """A server rebuilt from another image: told, planned, and replaced when the officer has approved."""
    with a_story(watched, "repaired") as story:
        story.apply()
        in_force = story.approve()
        story.ready()
        before = found_of(story)
        by_hand(story, rebuild_server)
        message = story.reaches("Provisioned", "Drifted")
        repair = newest_repair(story, in_force)
        assert "Server server-web-0 is changed: image_id is" in message
        assert eventually(lambda: f"Plan {repair} repairs it" in story.condition("Provisioned")[2])
        assert before["server-web-0"].id == found_of(story)["server-web-0"].id
        story.approve()
        assert eventually(lambda: story.read()["status"]["approvedPlan"] == repair)
        story.ready()

        assert [] == story.unplanned()
        assert {"server-web-0"} == {name for name, one in found_of(story).items() if one.id != before[name].id}


def test_what_is_put_back_needs_no_approval(watched: Sandbox) -> None:
    """A port with another address: reported only, and the plan in force counts again when it has its own back."""
    with a_story(watched, "put-back") as story:
        story.apply()
        in_force = story.approve()
        story.ready()
        before = found_of(story)["port-web-0"]
        by_hand(story, move_port)
        repair = newest_repair(story, in_force)
        own = {"port": {"fixed_ips": before.raw["fixed_ips"]}}
        by_hand(story, lambda cloud, _: cloud.put("network", f"ports/{before.id}", own))
        story.ready()

        assert in_force == story.read()["status"]["plan"]
        gone = watched.kubectl("officer", "get", "plan", repair, "-n", "civil-affairs", check=False)
        assert "NotFound" in gone.stderr
        assert [] == story.unplanned()


def test_a_moved_port_gets_its_address_back_and_the_server_stays(watched: Sandbox) -> None:
    """The repair replaces the port and attaches it: the server keeps its disk."""
    with a_story(watched, "moved") as story:
        story.apply()
        in_force = story.approve()
        story.ready()
        before = found_of(story)
        by_hand(story, move_port)
        newest_repair(story, in_force)
        repair = story.approve()
        assert eventually(lambda: story.read()["status"]["approvedPlan"] == repair)
        story.ready()

        assert [] == story.unplanned()
        assert {"port-web-0"} == {name for name, one in found_of(story).items() if one.id != before[name].id}


def test_a_removal_that_is_blocked_says_by_what(watched: Sandbox) -> None:
    """A foreign port on our network: it is named, left alone, and when its owner has removed it the request goes."""
    with a_story(watched, "blocked") as story:
        story.apply()
        story.approve()
        story.ready()
        port = str(by_hand(story, foreign_port))
        story.delete(wait=False)
        try:
            assert eventually(lambda: f'in the way: port "printer" ({port})' in story.condition("Ready")[2])
        finally:
            by_hand(story, lambda cloud, _: cloud.delete("network", f"ports/{port}"))


def newest_repair(story: Story, in_force: str) -> str:
    """Wait until a repair is the plan to decide on; the one in force stays in force."""
    assert eventually(lambda: story.read()["status"]["plan"] != in_force), story.read()["status"]
    status = story.read()["status"]
    assert in_force == status["approvedPlan"]
    assert any(gone.id for gone in story.plan(status["plan"]).stack.removals)
    return str(status["plan"])


def found_of(story: Story) -> Objects:
    """What exists of the request, by logical name."""
    found = objects(story.sandbox, project_of(story.sandbox), story.uid()).objects
    return {one.name: one for one in found}


def by_hand(story: Story, change: Harm) -> object:
    """As somebody with the right to do it would change the cloud."""
    found = found_of(story)
    return asyncio.run(_with_cloud(story, lambda cloud: change(cloud, found)))


def listed(story: Story, service: Any, path: str) -> list[dict[str, Any]]:
    return list(asyncio.run(_with_cloud(story, lambda cloud: cloud.list(service, path))))


async def _with_cloud(story: Story, use: Callable[[Cloud], Awaitable[Any]]) -> Any:
    clouds = Clouds("kunlun", story.sandbox.home / "clouds.yaml")
    try:
        return await use(clouds.project(project_of(story.sandbox)))
    finally:
        clouds.close()


def _last_octet(port: ObservedObject, host: int) -> str:
    """Another address of a /28: the network's first address plus `host`."""
    first, _, last = str(port.address).rpartition(".")
    return f"{first}.{int(last) // 16 * 16 + host}"
