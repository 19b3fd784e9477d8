"""Flows between requests: what each side's plan gets, when it is drafted anew, and when it comes to rest."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from controllers.api.stored import PLANS, REQUESTS
from controllers.request.links import Wishes, linked_with, neighbourhood, transits_for, wishes_of
from infra.errors import QuotaExceeded
from tests.build import NAMESPACE, a_server, a_spec
from tests.unit.tiers import Tiers, a_link_flow, a_pair


@pytest.fixture
async def pair() -> Tiers:
    return await a_pair()


async def test_each_side_signs_its_half(pair: Tiers) -> None:
    """Ingress, way and the caller's addresses on the called side; egress and the called addresses on the other."""
    app, db = pair.stack("app"), pair.stack("db")
    address = {name: pair.stack(name).servers[0].address for name in ("app", "db")}

    assert {("ingress", "app.app", 8080)} == pair.rules("db")
    assert {("egress", "db.db", 8080)} == pair.rules("app")
    assert {"app.app": (f"{address['app']}/32",)} == {one.name: one.addresses for one in db.address_groups}
    assert {"db.db": (f"{address['db']}/32",)} == {one.name: one.addresses for one in app.address_groups}
    assert [("app", "uid-of-app", "extranet", "project-extranet")] == [
        (one.request, one.uid, one.zone, one.project_id) for one in db.links
    ]
    assert IPv4Network(db.links[0].transit).subnet_of(IPv4Network("100.64.0.0/10"))
    assert [("db", "uid-of-db", "private")] == [(one.request, one.uid, one.zone) for one in app.calls]
    assert () == app.links
    assert () == db.calls


async def test_two_requests_that_look_at_each_other_come_to_rest() -> None:
    """One plan more for the side that is asked of; then nothing is written, whoever is woken."""
    tiers = Tiers()
    tiers.ask("app", "extranet")
    await tiers.rest("app")
    addresses = tiers.stack("app").servers[0].address
    tiers.ask("db", "private", a_link_flow("app", "app"))
    await tiers.rest("app", "db")
    plans = sorted(plan.spec.stack.origin.name for plan in tiers.world.cache.all(PLANS))

    assert ["app", "app", "db"] == plans
    assert addresses == tiers.stack("app").servers[0].address, "addresses stay when a plan is drafted anew"
    assert 0 == await tiers.rest("db", "app", "db")


async def test_mutual_flows_come_to_rest_too() -> None:
    """Both are called and call; each has its own way to the other."""
    tiers = Tiers()
    tiers.ask("app", "extranet", a_link_flow("web", "web"))
    tiers.ask("web", "extranet", a_link_flow("app", "app", ports=["tcp/9000"]))
    await tiers.rest("app", "web")

    assert {("ingress", "web.web", 8080), ("egress", "web.web", 9000)} == tiers.rules("app")
    assert {("ingress", "app.app", 9000), ("egress", "app.app", 8080)} == tiers.rules("web")
    assert tiers.stack("app").links[0].transit != tiers.stack("web").links[0].transit


async def test_what_is_not_there_yet_is_refused_and_taken_up_when_it_comes() -> None:
    """A name that means nothing is told at once; the order in which people apply does not matter."""
    tiers = Tiers()
    tiers.ask("db", "private", a_link_flow("app", "app"))
    await tiers.rest("db")
    assert ("False", "PolicyViolated") == tiers.world.standing(name="db")
    tiers.ask("app", "extranet")
    await tiers.rest("db", "app")

    assert {("egress", "db.db", 8080)} == tiers.rules("app")


async def test_a_flow_is_left_out_and_told_while_the_other_has_no_plan() -> None:
    """Nobody waits for a request that is refused; its flow comes with its plan."""
    tiers = Tiers()
    tiers.world.ask(a_spec(system="unfiled", servers=[a_server(name="app")], flows=[]), "app")
    tiers.ask("db", "private", a_link_flow("app", "app"))
    await tiers.rest("app", "db")
    told = next(item for item in tiers.world.status("db")["conditions"] if item["type"] == "Planned")

    assert () == tiers.stack("db").links
    assert "left out until they are planned: flows from app of request 'app'" in told["message"]


@pytest.mark.parametrize(("zone", "allowed"), [("extranet", True), ("internet", False)])
async def test_only_pairs_of_zones_of_the_catalogue(zone: str, allowed: bool) -> None:
    """Into the private network from the extranet, never from the internet."""
    tiers = Tiers()
    tiers.ask("app", zone)
    tiers.ask("db", "private", a_link_flow("app", "app"))
    await tiers.rest("app", "db")

    assert ("False", "AwaitingApproval" if allowed else "PolicyViolated") == tiers.world.standing(name="db")


async def test_both_sides_of_a_crossing_need_the_security_officer(pair: Tiers) -> None:
    """Whoever opens a boundary signs for it, where the flow starts and where it ends."""
    assert {"resource-office", "security"} == {one.stage for one in pair.plan("app").stages}
    assert {"resource-office", "security"} == {one.stage for one in pair.plan("db").stages}


async def test_more_servers_on_one_side_change_members_on_the_other(pair: Tiers) -> None:
    """And nothing else: the way stays, and the side that grew is not asked again."""
    way = pair.stack("db").links[0].transit
    pair.ask("app", "extranet", count=2, generation=2)
    await pair.rest("app", "db")
    after = pair.stack("db")

    assert way == after.links[0].transit
    assert {f"{server.address}/32" for server in pair.stack("app").servers} == set(after.address_groups[0].addresses)
    assert set(after.links[0].callers) == set(after.address_groups[0].addresses)
    assert 4 == sum(1 for _ in pair.world.cache.all(PLANS)) - 1, "app twice in each version, db twice, none more"


async def test_a_dropped_flow_leaves_the_other_side_too(pair: Tiers) -> None:
    """The calling side gets a plan without it; so it does when the called request goes."""
    pair.ask("db", "private", generation=2)
    await pair.rest("db", "app")
    assert set() == pair.rules("app")
    assert () == pair.stack("app").calls

    pair.ask("db", "private", a_link_flow("app", "app"), generation=3)
    await pair.rest("db", "app")
    assert {("egress", "db.db", 8080)} == pair.rules("app")
    pair.gone("db")
    await pair.rest("app")
    assert () == pair.stack("app").calls


async def test_a_plan_that_comes_back_is_the_same_plan(pair: Tiers) -> None:
    """Wishes that change to and fro make no new plans, so decisions on the old one still count."""
    first = pair.world.status("app")["plan"]
    pair.gone("db")
    await pair.rest("app")
    assert first != pair.world.status("app")["plan"]
    pair.ask("db", "private", a_link_flow("app", "app"))
    await pair.rest("db", "app")

    assert first == pair.world.status("app")["plan"]


async def test_a_caller_that_goes_leaves_the_other_plan_as_it_is(pair: Tiers) -> None:
    """Its way leads nowhere; nobody has to sign for that, and nobody else gets the addresses."""
    before, prefix = pair.world.status("db")["plan"], pair.stack("app").networks[0].cidr
    pair.gone("app")
    await pair.rest("db")
    assert before == pair.world.status("db")["plan"]

    pair.ask("other", "extranet")
    await pair.rest("other")
    assert prefix != pair.stack("other").networks[0].cidr


async def test_a_caller_made_anew_is_another_one(pair: Tiers) -> None:
    """Of the same name, but with its own router and addresses: the plan names it anew, over the same way."""
    way = pair.stack("db").links[0].transit
    pair.gone("app")
    pair.world.ask(a_spec(servers=[a_server(name="app")], flows=[]), "app", uid="uid-of-another")
    await pair.rest("app", "db", "app")

    assert ["uid-of-another"] == [link.uid for link in pair.stack("db").links]
    assert way == pair.stack("db").links[0].transit


async def test_who_is_woken(pair: Tiers) -> None:
    """Both sides, by the spec and by the plans: also when the spec does not say it any more."""
    cache = pair.world.cache
    assert {"db"} == linked_with("app", NAMESPACE, cache)
    assert {"app"} == linked_with("db", NAMESPACE, cache)
    pair.ask("db", "private", generation=2)
    assert {"app"} == linked_with("db", NAMESPACE, cache)
    pair.gone("db")
    assert {"app"} == linked_with("db", NAMESPACE, cache)


async def test_no_two_pairs_share_a_way() -> None:
    """Whatever is planned or exists is taken, also by other departments."""
    tiers = Tiers()
    tiers.ask("app", "extranet")
    for name in ("one", "two", "three"):
        tiers.ask(name, "private", a_link_flow("app", "app"))
    await tiers.rest("app", "one", "two", "three")
    ways = [tiers.stack(name).links[0].transit for name in ("one", "two", "three")]

    assert 3 == len(set(ways))


async def test_the_last_way_is_told(pair: Tiers) -> None:
    """No way is shared because there is no other."""
    caller = Wishes(callers=(await a_caller(pair),))
    with pytest.raises(QuotaExceeded, match="no network left for a link to request 'app'"):
        transits_for(caller, kept={}, taken=[IPv4Network("100.64.0.0/10")])


async def a_caller(pair: Tiers) -> Any:
    request = pair.world.cache.get(REQUESTS, NAMESPACE, "db")
    assert request is not None
    return wishes_of(request, neighbourhood(request, pair.world.cache), None).callers[0]
