"""Adopt, else create; and nothing that was not signed."""

from __future__ import annotations

import asyncio

import pytest

from infra.cloud import Service
from infra.errors import CloudRefused, CloudUnavailable, FlavorMissing, ImageMissing, NotApproved, PlatformError
from infra.planned import planned_objects
from infra.provider.authority import authority_of, teardown_authority
from infra.provider.builder import Builder, Steps
from infra.provider.kinds import BY_KIND
from infra.provider.observe import observe
from infra.provider.observed import Observed, differences
from infra.provider.resource import Names, Scene
from infra.provider.waiting import Patience
from infra.stackplan import GroupPlan, Kind, Resolved, StackPlan
from tests.component.fake_cloud import FakeCloud, lost_answer
from tests.component.plans import UID, a_plan, a_rich_plan, a_rule, a_server, removals, unheard


def a_builder(cloud: FakeCloud, plan: StackPlan, observed: Observed | None = None) -> Builder:
    """One that looks for lost answers at once."""
    authority, seen = authority_of(plan), observed or Observed(UID)
    return Builder(cloud, authority, seen, Steps(0, unheard), look_again_seconds=(0.0, 0.0))


async def build(cloud: FakeCloud, plan: StackPlan) -> Builder:
    """One pass, without the engine: everything planned, in an order in which it can be made."""
    builder = a_builder(cloud, plan, await observe(cloud, UID))
    for planned in planned_objects(plan).values():
        await builder.ensure(planned)
    return builder


async def test_a_second_pass_changes_nothing() -> None:
    """Everything carries its marker from the first call on, so everything is found again."""
    cloud, plan = FakeCloud(), a_rich_plan()
    first = await build(cloud, plan)
    cloud.log.clear()
    second = await build(cloud, plan)

    assert [] == cloud.log
    assert {name: made.id for name, made in first.made.items()} == {name: made.id for name, made in second.made.items()}


async def test_rules_of_a_new_group_are_replaced_without_looking() -> None:
    """The cloud's default rules go, all planned rules come in one call, and no GET is needed."""
    cloud = FakeCloud(default_rules=True)
    await build(cloud, a_plan())

    assert 1 == cloud.log.count("POST security-group-rules")
    assert 2 == sum(line.startswith("DELETE security-group-rules") for line in cloud.log)
    assert "security-group-rules" not in cloud.reads
    assert 3 == len(cloud.all("security-groups")[0]["security_group_rules"])


async def test_nobody_waits_for_a_server_that_is_said_to_be_absent() -> None:
    """Nova without its database answers 404 and deletes nothing; one list shows it, and nobody builds on the answer."""

    class Forgetful(FakeCloud):
        async def delete(self, service: Service, path: str) -> bool:
            return False

    cloud = Forgetful()
    await build(cloud, a_plan())
    scene = Scene(cloud, Names(), Patience(deadline_seconds=0.0))
    cloud.reads.clear()
    with pytest.raises(CloudUnavailable, match="lists it all the same"):
        await BY_KIND[Kind.SERVER].delete(scene, cloud.all("servers")[0]["id"], {})

    assert ["servers"] == cloud.reads


async def test_drift_that_can_be_undone_is_undone_in_place() -> None:
    """A rule lost, a wrong gateway mode, a foreign name, port security off: updated, never replaced."""
    cloud, plan = FakeCloud(), a_plan()
    await build(cloud, plan)
    cloud.all("routers")[0]["external_gateway_info"]["enable_snat"] = True
    cloud.all("servers")[0]["name"] = "mine now"
    cloud.all("ports")[1]["port_security_enabled"] = False
    cloud.all("security-groups")[0]["security_group_rules"].pop()
    before = cloud.count()
    await build(cloud, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    assert before == cloud.count()


async def test_drift_in_what_is_fixed_for_life_is_left_alone() -> None:
    """Undoing it would mean another object, and that needs a new plan; everything else goes on."""
    cloud, plan = FakeCloud(), a_plan()
    await build(cloud, plan)
    cloud.all("subnets")[0] |= {"subnetpool_id": "another pool", "name": "x"}
    cloud.all("servers")[0]["name"] = "x"
    cloud.log.clear()
    await build(cloud, plan)

    assert [f"PUT servers/{cloud.all('servers')[0]['id']}"] == cloud.log


async def test_a_new_flavor_is_a_confirmed_resize() -> None:
    """Resize, then confirm; the server stays the same one."""
    cloud = FakeCloud()
    await build(cloud, a_plan(servers=(a_server(),)))
    larger = a_plan(servers=(a_server(flavor=Resolved(id="flavor-large", name="c1.large")),))
    await build(cloud, larger)

    server = cloud.all("servers")[0]
    assert ("server-10", "flavor-large", "ACTIVE") == (server["id"], server["flavor"]["id"], server["status"])


async def test_a_resize_nobody_confirmed_is_continued() -> None:
    """A pass that died between resize and confirmation is seen as drift, and the next one confirms."""
    cloud, plan = FakeCloud(), a_plan(servers=(a_server(),))
    await build(cloud, plan)
    cloud.all("servers")[0]["status"] = "VERIFY_RESIZE"
    assert ["server-web-0"] == [one.name for one in differences(planned_objects(plan), await observe(cloud, UID))]
    cloud.log.clear()
    await build(cloud, plan)

    assert ["POST servers/server-10/action"] == cloud.log
    assert "ACTIVE" == cloud.all("servers")[0]["status"]


@pytest.mark.parametrize(
    "line",
    ["POST routers", "POST networks", "POST subnets", "POST security-groups", "POST security-group-rules", "POST ports",
     "POST volumes", "POST servers", "PUT .*/add_router_interface",
     "POST .*/os-volume_attachments"],
)  # fmt: skip
async def test_a_lost_answer_makes_nothing_twice(line: str) -> None:
    """After a broken connection the marker is looked up: the object exists once, and the pass goes on."""
    cloud, plan = FakeCloud(), a_rich_plan()
    cloud.after = lost_answer(line)
    await build(cloud, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    clean = FakeCloud()
    await build(clean, plan)
    assert clean.count() == cloud.count()


async def test_a_call_that_never_arrived_is_a_matter_of_time() -> None:
    """Nothing with the marker appears: the pass ends, the next one starts by observing."""
    cloud = FakeCloud()
    cloud.before = lost_answer("POST routers")

    with pytest.raises(CloudUnavailable):
        await build(cloud, a_plan())


async def test_ports_asked_for_together_are_one_call() -> None:
    """Neutron's bulk POST; each gets its own port."""
    cloud, plan = FakeCloud(), a_plan()
    builder = a_builder(cloud, plan)
    planned = planned_objects(plan)
    for name in ("network-app", "subnet-app", "group-web"):
        await builder.ensure(planned[name])
    made = await asyncio.gather(*(builder.ensure(planned[f"port-web-{number}"]) for number in (0, 1)))

    assert 1 == cloud.log.count("POST ports")
    assert ["10.10.1.20", "10.10.1.21"] == [one.raw["fixed_ips"][0]["ip_address"] for one in made]


async def test_a_head_start_makes_all_that_servers_need() -> None:
    """Each as soon as what it refers to is there; of ports, however long the machine takes, one call."""
    cloud, plan = FakeCloud(), a_plan()
    builder = a_builder(cloud, plan)
    builder.head_start()
    await builder.settle()

    assert {name for name in planned_objects(plan) if not name.startswith("server-")} == builder.made.keys()
    assert 1 == cloud.log.count("POST ports")


async def test_after_a_failure_nothing_new_is_begun_and_everybody_hears_the_reason() -> None:
    """The engine stops at the first error it hears of: that has to be the one that matters."""
    cloud, plan = FakeCloud(), a_plan()

    def refuse(line: str) -> None:
        if line == "POST networks":
            raise CloudRefused("OpenStack refused POST networks: there are enough")

    cloud.before = refuse
    builder = a_builder(cloud, plan)
    builder.head_start()
    await builder.settle()
    cloud.log.clear()
    for name in ("port-web-0", "server-web-0"):
        with pytest.raises(CloudRefused, match="there are enough"):
            await builder.ensure(planned_objects(plan)[name])

    assert [] == cloud.log


async def test_one_bad_port_does_not_fail_its_neighbours() -> None:
    """A refused bulk call is repeated one by one."""
    cloud, plan = FakeCloud(), a_plan()
    builder = a_builder(cloud, plan)
    planned = planned_objects(plan)
    for name in ("network-app", "subnet-app", "group-web", "port-web-1"):
        await builder.ensure(planned[name])
    cloud.all("ports")[0]["description"] = "somebody else's"
    again = a_builder(cloud, plan, await observe(cloud, UID))
    good, bad = await asyncio.gather(
        *(again.ensure(planned[f"port-web-{number}"]) for number in (0, 1)), return_exceptions=True
    )

    assert isinstance(bad, CloudRefused)
    assert not isinstance(good, BaseException)


async def test_of_twins_the_oldest_is_kept_and_the_others_are_reported() -> None:
    """A twin can only come from an answer that got lost; nothing refers to it, nobody deletes it unasked."""
    cloud, plan = FakeCloud(), a_plan()
    await build(cloud, plan)
    twin = cloud.duplicate("networks")
    cloud.log.clear()
    builder = await build(cloud, plan)

    assert [] == cloud.log
    assert "network-2" == builder.made["network-app"].id
    assert [twin["id"]] == [found.id for found in builder.observed.twins]


async def test_only_planned_removals_may_be_deleted() -> None:
    """The marker and the signed list decide; what the plan does not name stays."""
    cloud, before = FakeCloud(), a_plan()
    await build(cloud, before)
    after = a_plan(servers=before.servers[:1], removals=removals(before, "server-web-1"))
    builder = a_builder(cloud, after, await observe(cloud, UID))
    ids = {found.name: found.id for found in builder.observed.objects}

    await builder.delete(Kind.SERVER, ids["server-web-1"], "server-web-1")
    with pytest.raises(NotApproved, match="does not remove Port port-web-1"):
        await builder.delete(Kind.PORT, ids["port-web-1"], "port-web-1")
    with pytest.raises(NotApproved, match="no object of this request"):
        await builder.delete(Kind.SERVER, "somebody-elses", "server-web-1")


async def test_what_a_pass_made_it_does_not_delete() -> None:
    """The guard against an engine that would replace an object by itself."""
    cloud = FakeCloud()
    before = a_plan()
    await build(cloud, before)
    after = a_plan(removals=removals(before, "server-web-1"))  # kept and removed at once: no planner makes this
    builder = a_builder(cloud, after, await observe(cloud, UID))
    made = await builder.ensure(planned_objects(after)["server-web-1"])

    with pytest.raises(NotApproved, match="this very pass"):
        await builder.delete(Kind.SERVER, made.id, "server-web-1")


async def test_a_teardown_keeps_data_that_nobody_discarded() -> None:
    """Deleting a data volume nobody discarded succeeds without a call: the engine forgets it, the cloud keeps it."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await build(cloud, plan)
    observed = await observe(cloud, UID)
    builder = Builder(cloud, teardown_authority(UID, frozenset()), observed, Steps(0, unheard))
    volume = next(found for found in observed.objects if found.name == "volume-web-0.records")
    cloud.log.clear()
    await builder.delete(Kind.VOLUME, volume.id, volume.name)

    assert [] == cloud.log


@pytest.mark.parametrize(
    ("missing", "expected"), [("images/image-12", ImageMissing), ("flavors/flavor-small", FlavorMissing)]
)
async def test_what_the_catalogue_lost_is_named(missing: str, expected: type[PlatformError]) -> None:
    """Nova only says 400; the pass looks which of the two is gone."""
    cloud = FakeCloud()
    cloud.catalogue.discard(missing)

    def refuse(line: str) -> None:
        if line == "POST servers":
            raise CloudRefused("OpenStack refused POST servers: Bad Request")

    cloud.before = refuse
    with pytest.raises(expected, match="server-web-0"):
        await build(cloud, a_plan())


async def test_groups_may_refer_to_each_other() -> None:
    """Rules come after all groups, so a reference in either direction resolves."""
    groups = (
        GroupPlan(name="web", rules=(a_rule(remote_cidr=None, remote_group="db"),)),
        GroupPlan(name="db", rules=(a_rule(remote_cidr=None, remote_group="web"),)),
    )
    cloud, plan = FakeCloud(), a_plan(groups=groups, servers=())
    await build(cloud, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
