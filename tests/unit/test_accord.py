"""Two sides of one accord: what a side in force may do and waits for, and what its neighbour's wish does to it."""

from __future__ import annotations

import pytest

from controllers.api.stored import PLANS, ZONES
from controllers.request.accord import awaited, barred, joinable
from tests.build import NAMESPACE, resolved, shipped_zones
from tests.unit.tiers import Tiers, a_link_flow, a_pair, approve, observed_status


@pytest.fixture
async def pair() -> Tiers:
    return await a_pair()


async def test_what_was_in_force_once_is_signed_again(pair: Tiers) -> None:
    """A flow dropped and asked for again needs another signature of the side that calls; dropping takes what it had."""
    first = pair.world.status("app")["plan"]
    approve(pair, "app")
    await pair.world.turn("app")
    pair.ask("db", "private", generation=2)
    await pair.rest("db", "app")
    second = pair.world.status("app")["plan"]
    assert {"addresses-db.db"} == {gone.name for gone in pair.stack("app").removals}
    approve(pair, "app")
    await pair.world.turn("app")
    pair.ask("db", "private", a_link_flow("app", "app"), generation=3)
    await pair.rest("db", "app")

    assert 3 == len({first, second, pair.world.status("app")["plan"]})
    assert ("False", "AwaitingApproval") == pair.world.standing("Approved", "app")


async def test_a_neighbours_wish_is_no_reason_to_judge_anew(pair: Tiers) -> None:
    """A plan in force, whose image was retired since, is drafted anew for a neighbour all the same."""
    approve(pair, "app")
    await pair.world.turn("app")
    extranet = shipped_zones()["extranet"]
    retired = extranet.model_copy(update={"images": (extranet.images[1],)})
    pair.world.keep(ZONES, "extranet", retired, status=resolved(extranet), namespace="")
    pair.ask("db", "private", a_link_flow("app", "app", ports=["tcp/8081"]), generation=2)
    await pair.rest("db", "app")

    assert {("egress", "db.db", 8081)} == pair.rules("app")


async def test_what_a_side_in_force_waits_for_is_said(pair: Tiers) -> None:
    """Step by step: the other's signature, its router; and nothing when it is there."""
    cache = pair.world.cache
    plan = cache.get(PLANS, NAMESPACE, pair.world.status("db")["plan"])
    assert plan is not None
    assert frozenset({"uid-of-app"}) == barred(plan, cache)
    assert "from request 'app' (its plan with them is not in force)" in awaited(plan, cache)

    observed_status(pair, "app", approvedPlan=pair.world.status("app")["plan"])
    assert frozenset() == barred(plan, cache)
    assert frozenset() == joinable(plan, cache)
    assert "(its router is not built yet)" in awaited(plan, cache)

    observed_status(pair, "app", resources=[{"kind": "Router", "name": "router", "id": "router-1"}])
    assert frozenset({"uid-of-app"}) == joinable(plan, cache)
    assert "" == awaited(plan, cache)

    pair.gone("app")
    assert frozenset({"uid-of-app"}) == barred(plan, cache)
    assert "(that request is gone)" in awaited(plan, cache)
