"""Flows between requests, on a real cloud: joined when both sides have signed, closed when either goes."""

from __future__ import annotations

import time

import pytest

from infra.planned import planned_objects
from infra.stackplan import Kind
from tests.conftest import Sandbox
from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import eventually, leftovers, project_of
from tests.e2e.tiers import PATIENCE_SECONDS, ZONES, Tiers, gone, tiers


def joined(all_tiers: Tiers, tier: str) -> bool:
    """Whether everything of a tier is there, its links on the others' routers included."""
    there = {one.name for one in all_tiers.observed(tier).objects}
    return planned_objects(all_tiers.stack(tier)).keys() == there


def routes_on(all_tiers: Tiers, tier: str) -> list[dict[str, str]]:
    """Everybody's routes on the router of a tier."""
    router = next(one for one in all_tiers.observed(tier).objects if one.kind is Kind.ROUTER)
    return list(router.raw["routes"])


def built(all_tiers: Tiers) -> None:
    all_tiers.ask("web")
    all_tiers.ask("app", "web")
    all_tiers.ask("db", "app")
    all_tiers.ready("web", "app", "db")
    assert eventually(lambda: joined(all_tiers, "db") and joined(all_tiers, "app"), PATIENCE_SECONDS), all_tiers.told()
    assert [] == all_tiers.unplanned("web", "app", "db")


@pytest.mark.parametrize("order", [("app", "db", "web"), ("db", "web", "app"), ("web", "app", "db")])
def test_three_tiers_are_joined_and_leave_nothing_in_any_order(sandbox: Sandbox, order: tuple[str, ...]) -> None:
    """Exactly what was signed is there; whoever goes first, no other waits for it or differs from its plan."""
    name = "tiers-" + "".join(tier[0] for tier in order)
    with tiers(sandbox, name) as these:
        built(these)
        remaining = list(ZONES)
        for tier in order:
            gone(these.stories[tier])
            remaining.remove(tier)
            assert [] == these.unplanned(*remaining)
        mine = [
            f"{zone}: {kind} {item}"
            for zone in ZONES.values()
            for kind, items in leftovers(sandbox, project_of(sandbox, zone)).items()
            for item in items
            if item.startswith(name)
        ]
    assert [] == mine


def test_each_side_alone_opens_nothing_and_says_what_it_waits_for(sandbox: Sandbox) -> None:
    """The called side is built and ready; the way is joined only when the other's plan with it is in force."""
    with tiers(sandbox, "alone") as these:
        these.ask("app")
        these.ready("app")
        these.ask("db", "app")
        these.ready("db")
        assert "its plan with them is not in force" in these.stories["db"].condition("Ready")[2]
        assert [] == routes_on(these, "app")
        assert [] == these.unplanned("db")
        these.ready("app")
        assert eventually(lambda: joined(these, "db"), PATIENCE_SECONDS), these.told()
        assert 1 == len(routes_on(these, "app"))
        assert eventually(lambda: "closed" not in these.stories["db"].condition("Ready")[2], PATIENCE_SECONDS), (
            these.told()
        )


def test_a_flow_that_is_dropped_is_closed_on_both_sides(sandbox: Sandbox) -> None:
    """By a plan for each; servers and addresses stay as they are."""
    with tiers(sandbox, "dropped") as these:
        these.ask("app")
        these.ask("db", "app")
        these.ready("app", "db")
        assert eventually(lambda: joined(these, "db"), PATIENCE_SECONDS), these.told()
        addresses = [server.address for server in these.stack("app").servers]
        these.ask("db")
        these.ready("db", "app")

        assert [] == routes_on(these, "app")
        assert [] == routes_on(these, "db")
        assert [] == these.unplanned("app", "db")
        assert addresses == [server.address for server in these.stack("app").servers]
        assert () == these.stack("app").calls


def test_killed_while_joining_and_while_parting(sandbox: Sandbox, operator: OperatorControl) -> None:
    """Whatever was half done is finished once, by the next operator."""
    with tiers(sandbox, "killed") as these:
        these.ask("app")
        these.ask("db", "app")
        for pause in (1.0, 2.5):
            these.sign("app", "db")
            time.sleep(pause)
            operator.kill()
            operator.start()
        these.ready("app", "db")
        assert eventually(lambda: joined(these, "db"), PATIENCE_SECONDS), these.told()
        assert [] == these.unplanned("app", "db")
        these.stories["app"].delete(wait=False)
        time.sleep(2)
        operator.kill()
        operator.start()
        gone(these.stories["app"])
        assert [] == these.unplanned("db")
