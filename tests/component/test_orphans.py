"""The scan: what is ours without a request, what a request lacks, and nothing else; and deleting on command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from infra.cloud import Answer, Cloud
from infra.errors import KunlunError
from infra.orphans.findings import Claim, Direction, Finding, Register, Survey, TenancyKind
from infra.orphans.removal import remove
from infra.orphans.scan import both, in_both, scan
from infra.planned import planned_objects
from infra.provider.observe import list_project
from infra.provider.waiting import Patience
from infra.stackplan import MARKER_PREFIX, Kind, StackPlan, marker
from tests.component.every_kind import a_plan_of_every_kind, built_beside
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan
from tests.component.test_provider_observe import built

HOME: Answer = {"id": "project-1", "name": "civil-affairs-extranet", "tags": ["kunlun", "kunlun-tenant:civil-affairs"]}
TENANTS = {"civil-affairs": frozenset({"project-1"})}
NO_ONE = Register({}, TENANTS)


async def a_survey(cloud: FakeCloud, *projects: Answer, shares: tuple[Answer, ...] = ()) -> Survey:
    """A look at the fake cloud, all of whose objects are in one project unless they say otherwise."""
    return Survey(await list_project(cloud.beside(None)), (HOME, *projects), shares)


def claimed(plan: StackPlan, *, settled: bool = True) -> Register:
    """A living request with this plan in force."""
    return Register({UID: Claim("civil-affairs/portal", settled=settled, plans=(plan,))}, TENANTS)


def told(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(one.direction.value, one.kind.value, one.name) for one in findings}


async def test_everything_of_a_request_that_is_gone_is_an_orphan_but_its_data() -> None:
    """Every kind of object is found; data volumes stay by policy, and are called so."""
    cloud, plan = FakeCloud(), a_plan_of_every_kind()
    await built_beside(cloud, plan)
    expected = {("Orphan", one.kind.value, one.name) for one in planned_objects(plan).values()}
    expected -= {("Orphan", "Volume", "volume-web-0.records")}

    found = [one for one in scan(await a_survey(cloud), NO_ONE) if one.uid == UID]

    assert set(Kind) == {one.kind for one in found}
    assert expected | {("Kept", "Volume", "volume-web-0.records")} == told(found)


async def test_what_is_built_as_approved_is_no_finding() -> None:
    """A living request whose plan is built has a counterpart for everything."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await built(cloud, plan)

    assert [] == scan(await a_survey(cloud), claimed(plan))


async def test_what_carries_no_marker_is_never_ours() -> None:
    """Neither by its name, nor by a text that only resembles a marker, nor by standing in our project."""
    cloud = FakeCloud()
    for text in ("", "kunlun.cloud", f"kunlun.cloud/{UID}/router", f"x {marker(UID, 'router', '0' * 12)}"):
        await cloud.post("network", "routers", {"router": {"name": "portal", "description": text}})

    assert [] == scan(await a_survey(cloud), NO_ONE)


async def test_an_object_in_nobodys_plan_is_surplus_and_so_is_a_twin() -> None:
    """Of a settled request; a data volume that outlived its server is kept."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await built(cloud, plan)
    cloud.duplicate("networks")
    smaller = plan.model_copy(update={"servers": plan.servers[1:]})

    assert {
        ("Surplus", "Network", "network-app"),
        ("Surplus", "Port", "port-web-0"),
        ("Surplus", "FloatingIP", "public-web-0"),
        ("Surplus", "Server", "server-web-0"),
        ("Surplus", "Volume", "boot-web-0"),
        ("Surplus", "VolumeAttachment", "attachment-web-0.records"),
        ("Kept", "Volume", "volume-web-0.records"),
    } == told(scan(await a_survey(cloud), claimed(smaller)))


async def test_what_the_cloud_lost_is_missing() -> None:
    """By name, with the request that lacks it."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    cloud.forget("servers", cloud.all("servers")[0]["id"])
    found = scan(await a_survey(cloud), claimed(plan))

    assert {("Missing", "Server", "server-web-0")} == told(found)
    assert ("civil-affairs/portal", "") == (found[0].holder, found[0].id)


@pytest.mark.parametrize("plans", [(a_plan(),), None], ids=["plans known", "plans unreadable"])
async def test_what_is_at_work_lacks_nothing_and_has_no_twins(plans: tuple[StackPlan, ...] | None) -> None:
    """While a request is being built, repaired or removed its objects come and go."""
    cloud = FakeCloud()
    await built(cloud, a_plan())
    cloud.duplicate("networks")
    cloud.forget("servers", cloud.all("servers")[0]["id"])

    register = Register({UID: Claim("civil-affairs/portal", settled=False, plans=plans)}, TENANTS)

    assert [] == scan(await a_survey(cloud), register)


async def test_a_marker_outside_our_projects_is_told_apart() -> None:
    """A copied description, or a volume that was handed over: seen in one listing over all projects."""
    cloud, plan = FakeCloud(), a_plan()
    await built(cloud, plan)
    cloud.duplicate("networks")["project_id"] = "theirs"
    theirs = {"id": "theirs", "name": "theirs", "tags": []}

    assert {("Elsewhere", "Network", "network-app")} == told(scan(await a_survey(cloud, theirs), claimed(plan)))


async def test_a_project_that_is_gone_hides_nothing() -> None:
    """Objects outlive their Keystone project; they are orphans like all others."""
    cloud = FakeCloud()
    await cloud.post("network", "networks", {"network": {"name": "n", "description": marker("dead", "network-a", "0")}})
    cloud.all("networks")[0]["project_id"] = "gone"

    assert {("Orphan", "Network", "network-a")} == told(scan(await a_survey(cloud), NO_ONE))


@pytest.mark.parametrize("lost", ["routers", "subnets"])
async def test_half_an_interface_is_found_by_the_end_that_is_left(lost: str) -> None:
    """Its router was deleted behind Neutron's back, or its subnet was."""
    cloud = FakeCloud()
    await built(cloud, a_plan(servers=()))
    cloud.forget(lost, cloud.all(lost)[0]["id"])
    if lost == "subnets":
        cloud.all("ports")[0]["fixed_ips"] = []
    half = [one for one in scan(await a_survey(cloud), NO_ONE) if one.kind is Kind.ROUTER_INTERFACE]

    assert [cloud.all("ports")[0]["id"]] == [one.id for one in half]
    assert [] == await failures(cloud, half)
    assert [] == cloud.all("ports")


async def test_projects_and_shares_of_no_tenant_are_orphans() -> None:
    """Ours by tag, or made by us for a project that is gone; a living tenant's stay, even if it was just asked for."""
    tags = ["kunlun", "kunlun-tenant:water"]
    water = {"id": "p2", "name": "water-extranet", "tags": tags}
    coming = {"id": "p3", "name": "civil-affairs-private", "tags": HOME["tags"]}
    theirs = {"id": "p4", "name": "water", "tags": []}
    shares = tuple(
        {"id": f"to-{target}", "object_type": "network", "object_id": "u", "target_tenant": target}
        for target in ("p2", "p3", "p4", "gone", "*", "project-1")
    )
    register = Register({}, {"civil-affairs": frozenset({"project-1", "civil-affairs-private"})})
    found = scan(await a_survey(FakeCloud(), water, coming, theirs, shares=shares), register)

    assert {(TenancyKind.PROJECT, "p2"), (TenancyKind.SHARE, "to-p2"), (TenancyKind.SHARE, "to-gone")} == {
        (one.kind, one.id) for one in found
    }
    assert {"water"} == {one.holder for one in found if one.kind is TenancyKind.PROJECT}


async def test_a_tenant_that_cannot_be_read_keeps_all_its_projects_and_shares() -> None:
    """It lives: what it has is not known, and "all orphans" must not be its projects."""
    share = {"id": "to-p1", "object_type": "network", "object_id": "u", "target_tenant": "project-1"}
    unread = both(Register({}, {"civil-affairs": frozenset()}), Register({}, {"civil-affairs": None}))

    assert [] == scan(await a_survey(FakeCloud(), shares=(share,)), unread)


@dataclass
class Keystone:
    """A cloud with one empty project, whatever name it is asked for."""

    identifier: str
    deleted: set[str] = field(default_factory=set)

    async def has(self, service: str) -> bool:
        return False

    async def list(self, service: str, path: str, query: Any = None) -> Sequence[Answer]:
        return [{**HOME, "id": self.identifier}] if path == "/projects" else []

    async def delete(self, service: str, path: str) -> None:
        self.deleted.add(path)


@pytest.mark.parametrize(
    ("now", "deleted", "failed"),
    [("project-1", {"/projects/project-1"}, []), ("project-2", set(), ["civil-affairs-extranet"])],
    ids=["the one that was found", "another of the same name"],
)
async def test_a_project_is_deleted_by_its_id(now: str, deleted: set[str], failed: list[str]) -> None:
    """A name may have been given anew since the scan; who commanded saw one project, and no other goes."""
    cloud = Keystone(now)
    found = scan(Survey(await list_project(FakeCloud()), (HOME,)), Register({}, {}))

    assert (failed, deleted) == (await failures(cloud, found), cloud.deleted)


def test_two_looks_at_the_cluster_let_live_what_either_shows() -> None:
    """A request that came or went in between is alive, and not settled; nor is one that changed."""
    same, before, after = a_plan(), a_plan(), a_plan(servers=())
    first = {"same": _claim(same), "changed": _claim(before), "gone": _claim(same)}
    second = {"same": _claim(same), "changed": _claim(after), "came": _claim(same)}
    register = both(Register(first, {"a": frozenset({"1"})}), Register(second, {"a": frozenset({"2"})}))

    assert {"same": True, "changed": False, "gone": False, "came": False} == {
        uid: claim.settled for uid, claim in register.claims.items()
    }
    assert (before, after) == register.claims["changed"].plans
    assert {"a": frozenset({"1", "2"})} == register.tenants


def _claim(plan: StackPlan) -> Claim:
    return Claim("civil-affairs/portal", settled=True, plans=(plan,))


async def test_what_only_one_look_at_the_cloud_shows_is_no_finding() -> None:
    """Made or removed in between: the operator is at work, not a fault."""
    cloud = FakeCloud()
    await built(cloud, a_plan())
    first = scan(await a_survey(cloud), NO_ONE)
    cloud.forget("servers", cloud.all("servers")[0]["id"])
    cloud.duplicate("networks")
    second = scan(await a_survey(cloud), NO_ONE)

    assert told(first) - {("Orphan", "Server", "server-web-0")} == told(in_both(first, second))
    assert {one.id for one in in_both(first, second)} <= {one.id for one in first}


async def test_orphans_are_deleted_in_their_order_and_nothing_beside_them() -> None:
    """In use here means refused, as in OpenStack; what is kept and what is living stays."""
    cloud, living = FakeCloud(), a_plan(uid="living", servers=())
    await built(cloud, a_rich_plan())
    await built(cloud, living)
    register = Register({"living": Claim("civil-affairs/other", settled=True, plans=(living,))}, TENANTS)
    found = [one for one in scan(await a_survey(cloud), register) if one.direction is Direction.ORPHAN]

    assert [] == await failures(cloud, found)
    assert {("Kept", "Volume", "volume-web-0.records")} == told(scan(await a_survey(cloud), register))


async def test_a_data_volume_goes_when_it_is_commanded() -> None:
    """The command of a person is enough; without it no code deletes data."""
    cloud = FakeCloud()
    metadata = {MARKER_PREFIX: marker(UID, "volume-a", "0")}
    await cloud.post("volume", "volumes", {"volume": {"name": "records", "size": 1, "metadata": metadata}})
    found = scan(await a_survey(cloud), NO_ONE)

    assert {("Kept", "Volume", "volume-a")} == told(found)
    assert [] == await failures(cloud, found)
    assert {} == cloud.count()


async def test_a_deletion_that_fails_is_told_and_keeps_no_other() -> None:
    """What is in use stays; its neighbours go."""
    cloud = FakeCloud()
    await built(cloud, a_plan())
    found = [one for one in scan(await a_survey(cloud), NO_ONE) if one.kind in {Kind.NETWORK, Kind.SERVER}]

    assert ["network-app"] == await failures(cloud, found)
    assert [] == cloud.all("servers")


async def failures(cloud: FakeCloud | Keystone, findings: list[Finding]) -> list[str]:
    """Delete, and return the names of what could not be."""
    failed: list[str] = []

    def tell(finding: Finding, error: KunlunError | None) -> None:
        if error is not None:
            failed.append(finding.name)

    await remove(cast(Cloud, cast(Any, cloud)), findings, Patience(), tell)
    return failed
