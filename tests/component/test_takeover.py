"""Import and release: what exists is taken over as it is and given back as it is; nothing is made, nothing deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.errors import CloudRefused, CloudUnavailable, EngineInterrupted
from infra.planned import planned_objects
from infra.provider.observe import observe
from infra.provider.observed import differences
from infra.provider.takeover import obstacles
from infra.stackplan import StackPlan
from tests.component.by_hand import built_by_hand, importing, listing_of, marked
from tests.component.engine_parts import an_engine, first_build, ids, next_pass, state_file
from tests.component.fake_cloud import FakeCloud, lost_answer
from tests.component.plans import UID, a_plan, a_rich_plan, a_rule, a_server, unheard
from tests.component.test_engine_crashes import kill_the_engine_at


async def told(cloud: FakeCloud, plan: StackPlan) -> dict[str, str]:
    """The obstacles by logical name; several in one text."""
    found = obstacles(plan, await listing_of(cloud))
    return {name: "; ".join(one.text for one in found if one.name == name) for name in {one.name for one in found}}


async def test_a_whole_system_is_taken_over_as_it_is(tmp_path: Path) -> None:
    """Same ids, nothing made, nothing deleted; afterwards the cloud is exactly as planned."""
    cloud, plan = FakeCloud(), a_rich_plan()
    by_hand = await built_by_hand(cloud, plan)
    before = cloud.count()
    built = await first_build(cloud, tmp_path, importing(plan, by_hand))

    assert by_hand == dict(built.ids)
    assert before == cloud.count()
    assert [] == [line for line in cloud.log if line.startswith("DELETE")]
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    assert {"archive"} == {raw["metadata"]["owner"] for raw in cloud.all("servers")}


async def test_the_second_pass_finds_everything_by_its_marker(tmp_path: Path) -> None:
    """Once marked, an import is like anything else: no call, no look."""
    cloud, plan = FakeCloud(), a_plan()
    plan = importing(plan, await built_by_hand(cloud, plan))
    first = await first_build(cloud, tmp_path, plan)
    cloud.log.clear()
    second = await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.log
    assert first.ids == second.ids


async def test_what_is_not_imported_is_made(tmp_path: Path) -> None:
    """A network taken over, its servers new: they hang on the existing network."""
    cloud, plan = FakeCloud(), a_plan()
    by_hand = await built_by_hand(cloud, a_plan(servers=()))
    names = ("router", "network-app", "subnet-app", "group-web")
    built = await first_build(cloud, tmp_path, importing(plan, by_hand, *names))

    assert by_hand.items() <= dict(built.ids).items()
    assert {by_hand["network-app"]} == {
        raw["network_id"] for raw in cloud.all("ports") if raw["device_id"].startswith("server")
    }


async def test_rules_outside_the_plan_go_with_the_import(tmp_path: Path) -> None:
    """A group that is taken over says what its plan says, and nothing else."""
    cloud, plan = FakeCloud(default_rules=True), a_plan()
    by_hand = await built_by_hand(cloud, plan)
    await cloud.post(
        "network",
        "security-group-rules",
        {
            "security_group_rules": [
                {"security_group_id": by_hand["group-web"], "direction": "ingress", "ethertype": "IPv6"}
            ]
        },
    )
    await first_build(cloud, tmp_path, importing(plan, by_hand))

    rules = cloud.all("security-groups")[0]["security_group_rules"]
    assert {22, 80, 443} == {rule["port_range_min"] for rule in rules}


@pytest.mark.parametrize("line", ["PUT networks/.*", "PUT ports/.*", "POST servers/.*/metadata"])
async def test_a_mark_whose_answer_is_lost_costs_a_pass(line: str, tmp_path: Path) -> None:
    """It may be there or not: the next pass looks, and marks only what is not."""
    cloud, plan = FakeCloud(), a_plan()
    by_hand = await built_by_hand(cloud, plan)
    plan, cloud.after = importing(plan, by_hand), lost_answer(line)
    with pytest.raises(CloudUnavailable):
        await first_build(cloud, tmp_path, plan)
    assert by_hand == dict((await next_pass(cloud, tmp_path, plan)).ids)


@pytest.mark.parametrize("number", [1, 3, 7])
async def test_a_process_that_ends_between_two_marks_costs_a_pass(number: int, tmp_path: Path) -> None:
    """Some are marked, some are not, no state is written: the next process completes it."""
    cloud, plan = FakeCloud(), a_rich_plan()
    by_hand = await built_by_hand(cloud, plan)
    plan, cloud.before = importing(plan, by_hand), power_cut(number)
    with pytest.raises(PowerCut):
        await first_build(cloud, tmp_path, plan)
    assert number - 1 == len(marked(cloud))
    cloud.before = lambda _: None

    assert by_hand == dict((await next_pass(cloud, tmp_path, plan)).ids)


async def test_the_engine_killed_between_marking_and_finishing_costs_a_pass(tmp_path: Path) -> None:
    """SIGKILL while the adopted objects are brought to their plan: the next pass continues from the markers."""
    cloud, plan = FakeCloud(), a_plan(servers=(a_server(0), a_server(1), a_server(2)))
    by_hand = await built_by_hand(cloud, a_plan())
    plan = importing(plan, by_hand)
    killed, hook = kill_the_engine_at("POST ports")
    cloud.before = hook  # type: ignore[assignment]
    with pytest.raises(EngineInterrupted):
        await first_build(cloud, tmp_path, plan)
    cloud.before = lambda _: None
    built = await next_pass(cloud, tmp_path, plan)

    assert killed
    assert by_hand.items() <= dict(built.ids).items()
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_what_was_changed_since_the_plan_is_refused_before_anything_is_marked(tmp_path: Path) -> None:
    """The officers signed for the object as it was: all that is different is told, and nothing is touched."""
    cloud, plan = FakeCloud(), a_plan()
    by_hand = await built_by_hand(cloud, plan)
    cloud.all("servers")[0]["image"] = {"id": "another"}
    cloud.all("subnets")[0]["subnetpool_id"] = "another"
    with pytest.raises(CloudRefused, match=r"subnet-app.*another.*server-web-0.*another"):
        await first_build(cloud, tmp_path, importing(plan, by_hand))

    assert [] == cloud.log


async def test_an_object_that_is_gone_is_not_built_anew_in_its_place(tmp_path: Path) -> None:
    """Approved was taking over that server, not making another."""
    cloud, plan = FakeCloud(), a_plan()
    plan = importing(plan, await built_by_hand(cloud, plan))
    await first_build(cloud, tmp_path, plan)
    cloud.forget("servers", cloud.all("servers")[0]["id"])
    with pytest.raises(CloudRefused, match="has no Server with the id"):
        await next_pass(cloud, tmp_path, plan)

    assert 1 == cloud.count()["servers"]


async def test_an_imported_server_in_error_is_not_discarded(tmp_path: Path) -> None:
    """What was taken over is repaired by people, never thrown away."""
    cloud, plan = FakeCloud(), a_plan()
    plan = importing(plan, await built_by_hand(cloud, plan))
    await first_build(cloud, tmp_path, plan)
    cloud.all("servers")[0]["status"] = "ERROR"
    async with an_engine(cloud, tmp_path) as engine:
        await engine.discard_faulty(plan, await observe(cloud, UID), on_progress=unheard)

    assert 2 == cloud.count()["servers"]


def _mark(raw: dict[str, Any], owner: str, name: str) -> None:
    raw["metadata"] = {"kunlun.cloud": f"kunlun.cloud/{owner}/{name}/0123456789ab"}


async def test_everything_that_stands_in_the_way_is_said_at_once() -> None:
    """Each object by its name, with what to do."""
    cloud, plan = FakeCloud(), a_rich_plan()
    by_hand = await built_by_hand(cloud, plan)
    cloud.all("routers")[0]["routes"] = [{"destination": "10.0.0.0/8", "nexthop": "10.10.1.9"}]
    cloud.all("networks")[0]["shared"] = True
    cloud.all("subnets")[0]["gateway_ip"] = None
    cloud.all("ports")[1]["fixed_ips"].append({"subnet_id": by_hand["subnet-app"], "ip_address": "10.10.1.50"})
    _mark(cloud.all("servers")[0], "another", "server-x-0")
    cloud.all("servers")[1]["status"] = "RESCUE"
    cloud.all("volumes")[0]["size"] = 40
    found = await told(cloud, importing(plan, {**by_hand, "group-db": "no-such-group"}))

    expected = {
        "router": "static routes",
        "network-app": "shared with other projects",
        "subnet-app": "has no gateway",
        "port-web-0": "has 2 addresses",
        "group-db": "has no SecurityGroup with the id no-such-group",
        "boot-web-0": "has 40 GiB, not 20",
        "server-web-0": "managed by another request",
        "server-web-1": "in status RESCUE",
    }
    assert {} == {name: found.get(name) for name, words in expected.items() if words not in found.get(name, "")}


async def test_a_missing_companion_is_named_with_its_id() -> None:
    """A server without its port, a port without its network, a network without its router: import these, too."""
    cloud, plan = FakeCloud(), a_plan(servers=(a_server(),))
    by_hand = await built_by_hand(cloud, plan)

    def entry(name: str) -> str:
        return f"import also {{name: {name}, id: {by_hand[name]}}}"

    assert entry("port-web-0") in (await told(cloud, importing(plan, by_hand, "server-web-0")))["server-web-0"]
    found = await told(cloud, importing(plan, by_hand, "port-web-0"))
    assert entry("network-app") in found["port-web-0"]
    found = await told(cloud, importing(plan, by_hand, "network-app", "subnet-app"))
    assert entry("router") in found["subnet-app"]


async def test_a_released_request_leaves_everything_as_it_is(tmp_path: Path) -> None:
    """Not one object less, not one marker left, nothing of the engine's; a second time does nothing."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    before = cloud.count()
    async with an_engine(cloud, tmp_path) as engine:
        await engine.release(plan.origin, "project-1", on_progress=unheard)
        cloud.log.clear()
        await engine.release(plan.origin, "project-1", on_progress=unheard)

    assert before == cloud.count()
    assert {} == await ids(cloud)
    assert {"kunlun.cloud", "kunlun.cloud.image"}.isdisjoint(
        key for raw in cloud.all("volumes") for key in raw["metadata"]
    )
    assert not state_file(tmp_path).exists()
    assert [] == cloud.log


@pytest.mark.parametrize("number", [1, 4, 8])
async def test_a_release_that_is_cut_off_is_continued(number: int, tmp_path: Path) -> None:
    """Whatever carries a marker still is found by it; what does not is not touched again."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    before, cloud.before = cloud.count(), power_cut(number)
    async with an_engine(cloud, tmp_path) as engine:
        with pytest.raises(PowerCut):
            await engine.release(plan.origin, "project-1", on_progress=unheard)
        cloud.before = lambda _: None
        await engine.release(plan.origin, "project-1", on_progress=unheard)

    assert before == cloud.count()
    assert {} == marked(cloud)


async def test_what_was_released_can_be_taken_over_again(tmp_path: Path) -> None:
    """Import is the way back."""
    cloud, plan = FakeCloud(), a_rich_plan()
    first = await first_build(cloud, tmp_path, plan)
    async with an_engine(cloud, tmp_path) as engine:
        await engine.release(plan.origin, "project-1", on_progress=unheard)
    again = a_rich_plan(groups=plan.groups, origin=plan.origin.model_copy(update={"uid": "another"}))
    second = await first_build(cloud, tmp_path, importing(again, first.ids))

    assert first.ids == second.ids


def test_a_plan_without_imports_keeps_its_digest() -> None:
    """The new fields at their defaults are no part of what was signed before they existed."""
    plan = a_plan(groups=(a_plan().groups[0].model_copy(update={"rules": (a_rule(),)}),))

    assert {"imports", "deletionPolicy"}.isdisjoint(plan.model_dump(mode="json", by_alias=True, exclude_defaults=True))


class PowerCut(BaseException):
    """The process is gone: nothing of it runs any more."""


def power_cut(number: int) -> Any:
    """A hook that raises at the n-th change."""
    seen: list[str] = []

    def at(line: str) -> None:
        seen.append(line)
        if len(seen) == number:
            raise PowerCut

    return at
