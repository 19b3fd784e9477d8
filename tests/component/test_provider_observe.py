"""Observing: what is ours, in the plan's own words; and the difference from the plan."""

from __future__ import annotations

from typing import Any

from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.builder import Builder, Steps
from infra.provider.observe import (
    list_building,
    list_project,
    list_servers,
    observe,
    observed_from_listing,
    servers_from_listing,
)
from infra.provider.observed import Deviation, Observed, differences
from infra.stackplan import StackPlan
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan, unheard


async def built(cloud: FakeCloud, plan: StackPlan) -> Observed:
    """Everything of the plan, made without the engine; then observed."""
    uid = plan.origin.uid
    builder = Builder(cloud, authority_of(plan), Observed(uid), Steps(0, unheard))
    for planned in planned_objects(plan).values():
        await builder.ensure(planned)
    return await observe(cloud, uid)


async def test_what_was_built_equals_what_was_planned() -> None:
    """Every kind: the live inputs, in logical form, are the planned inputs, and the fingerprints agree."""
    plan = a_rich_plan()
    observed = await built(FakeCloud(), plan)

    expected = {name: (one.kind, one.fingerprint, dict(one.inputs)) for name, one in planned_objects(plan).items()}
    actual = {found.name: (found.kind, found.fingerprint, found.inputs) for found in observed.objects}

    assert expected == actual
    assert [] == differences(planned_objects(plan), observed)


async def test_two_requests_in_one_project_share_a_listing_and_nothing_else() -> None:
    """Only the uid in the marker tells whose an object is: names and addresses may be equal."""
    cloud, other = FakeCloud(), a_plan(uid="another")
    await built(cloud, a_plan())
    await built(cloud, a_plan(uid="another", servers=()))
    cloud.reads.clear()
    listing = await list_project(cloud)

    assert len(planned_objects(other)) - 4 == len(observed_from_listing(listing, "another").objects)
    assert len(planned_objects(a_plan())) == len(observed_from_listing(listing, UID).objects)
    assert 9 == len(cloud.reads), "one list call per kind"


async def test_every_deviation_is_named() -> None:
    """Missing, changed (with the inputs), not in the plan any more, and twins."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    _lose(cloud, "servers", "web-1")
    cloud.all("routers")[0]["external_gateway_info"]["enable_snat"] = True
    cloud.duplicate("networks")
    smaller = a_plan(servers=plan.servers[1:])

    found = differences(planned_objects(smaller), await observe(cloud, UID))

    assert {
        (Deviation.MISSING, "server-web-1", ()),
        (Deviation.CHANGED, "router", ("source_nat",)),
        (Deviation.UNEXPECTED, "server-web-0", ()),
        (Deviation.UNEXPECTED, "port-web-0", ()),
        (Deviation.TWIN, "network-app", ()),
    } == {(one.deviation, one.name, one.fields) for one in found}


async def test_a_rule_somebody_added_is_drift() -> None:
    """Rules are one unit: a surplus rule of any kind makes it differ."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    rule = {"id": "rule-x", "direction": "ingress", "ethertype": "IPv6", "remote_address_group_id": "group-x"}
    cloud.all("security-groups")[0]["security_group_rules"].append(rule)

    found = differences(planned_objects(plan), await observe(cloud, UID))

    assert [("rules-web", ("rules",))] == [(one.name, one.fields) for one in found]


async def test_what_is_being_deleted_is_not_there() -> None:
    """Nova deletes in the background; such a server must be neither adopted nor counted."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    cloud.all("servers")[0]["OS-EXT-STS:task_state"] = "deleting"

    assert "server-web-0" not in {found.name for found in (await observe(cloud, UID)).objects}


async def test_the_poll_while_servers_build_asks_for_no_details() -> None:
    """For those Nova would ask Neutron."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    cloud.all("servers")[1]["status"] = "BUILD"
    cloud.reads.clear()

    assert frozenset({cloud.all("servers")[1]["id"]}) == await list_building(cloud)
    assert ["servers"] == cloud.reads


async def test_a_look_at_servers_is_one_call() -> None:
    """Status and Nova's own words about a fault, without looking at anything else."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    cloud.all("servers")[1] |= {"status": "ERROR", "fault": {"message": "No valid host was found."}}
    cloud.reads.clear()

    servers = servers_from_listing(await list_servers(cloud), UID)

    assert ["servers/detail"] == cloud.reads
    assert {"server-web-0": ("ACTIVE", None), "server-web-1": ("ERROR", "No valid host was found.")} == {
        name: (found.status, found.fault) for name, found in servers.items()
    }


def _lose(cloud: FakeCloud, collection: str, name: str) -> dict[str, Any]:
    """Takes an object away as if somebody had deleted it."""
    raw = next(one for one in cloud.all(collection) if one["name"].endswith(name))
    return cloud.forget(collection, str(raw["id"]))
