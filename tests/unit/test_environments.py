"""Tests stay away from production, and leave nothing: the rules, each kept and broken."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.environment import Environment
from controllers.api.stored import REQUESTS
from controllers.request.circumstances import circumstances, zone_circumstances
from controllers.request.links import neighbourhood
from policies.environments import (
    flows_stay_within_their_environment,
    lifetimes_stay_within_the_zones_bound,
    nothing_outlives_a_test_environment,
    the_zone_takes_the_environment,
)
from policies.evaluate import LASTING_RULES, evaluate
from tests.build import NAMESPACE, a_case, a_flow, a_server, a_spec, a_zone, shipped_zones
from tests.unit.world import World

OF_PRODUCTION = {"extranet": a_zone(environments=["Production"]), "trial": a_zone(environments=["Test"])}
VOLUME = {"name": "data", "sizeGiB": 10}


def a_test(**fields: Any) -> Any:
    return a_spec(environment="Test", **fields)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (a_spec(), []),
        (a_test(), ["zone 'extranet' takes no requests of environment Test; zones that do: trial"]),
        (a_test(zone="trial"), []),
        (a_spec(zone="trial"), ["zone 'trial' takes no requests of environment Production; zones that do: extranet"]),
    ],
)
def test_a_zone_says_what_it_takes(spec: Any, expected: list[str]) -> None:
    """A zone of production is never touched by a test; nor the other way round."""
    case = a_case(spec, zones=OF_PRODUCTION)

    assert expected == [finding.what for finding in the_zone_takes_the_environment(case)]


def test_the_shipped_zones_take_both() -> None:
    """Which zone is for production only is the provider's decision, a line in the zone."""
    for name, zone in shipped_zones().items():
        assert ((Environment.PRODUCTION, Environment.TEST), "14d") == (zone.environments, zone.longest_time_to_live), (
            name
        )


@pytest.mark.parametrize("own", list(Environment))
@pytest.mark.parametrize("other", list(Environment))
def test_no_flow_joins_a_test_and_production(own: Environment, other: Environment) -> None:
    """Whoever asks, and although the zone's catalogue permits it."""
    flow = a_flow(**{"from": {"request": "db", "servers": "db"}})
    case = a_case(
        a_spec(environment=own, flows=[flow]),
        neighbours={"db": "extranet"},
        entries={"db": frozenset({"db"})},
        environments={"db": other},
    )
    found = [finding.where for finding in flows_stay_within_their_environment(case)]

    assert ([] if own is other else ["spec.flows[0].from.request"]) == found
    assert found == [finding.where for finding in evaluate(case)]


def test_a_neighbour_of_the_other_environment_is_not_planned_with() -> None:
    """Also when it took the name of one that was linked: no plan has it, so nobody is asked to sign it."""
    world = World()
    world.ask(a_spec(servers=[a_server(name="db")], flows=[]), "db")
    world.ask(a_test(flows=[a_flow(**{"from": {"request": "db", "servers": "db"}})]))
    request = world.cache.get(REQUESTS, NAMESPACE, "permit-portal")
    assert request is not None

    assert {} == neighbourhood(request, world.cache).requests
    for gathered in (circumstances(request, world.cache), zone_circumstances(request, world.cache)):
        assert {"db": Environment.PRODUCTION} == gathered.environments


@pytest.mark.parametrize(("ttl", "expected"), [("14d", []), ("336h", []), ("15d", ["15d"]), ("337h", ["337h"])])
def test_a_test_lives_as_long_as_its_zone_permits(ttl: str, expected: list[str]) -> None:
    """Extensions included, since the whole life counts."""
    found = [finding.what for finding in lifetimes_stay_within_the_zones_bound(a_case(a_test(timeToLive=ttl)))]

    assert [f"may be at most 14d in zone 'extranet', not {asked}" for asked in expected] == found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"deletionPolicy": "Release"}, ["spec.deletionPolicy"]),
        ({"imports": [{"name": "router", "id": "r1"}]}, ["spec.imports"]),
        ({"servers": [a_server(volumes=[VOLUME])]}, ["spec.servers[0].volumes[0].onDelete"]),
        ({"servers": [a_server(volumes=[VOLUME | {"onDelete": "Delete"}])]}, []),
    ],
)
def test_nothing_outlives_a_test(fields: dict[str, Any], expected: list[str]) -> None:
    """What is deleted without anybody looking leaves nothing; without a time to live people decide."""
    limited, endless = (a_case(a_test(**fields, **life)) for life in ({"timeToLive": "8h"}, {}))

    assert expected == [finding.where for finding in nothing_outlives_a_test_environment(limited)]
    assert [] == list(nothing_outlives_a_test_environment(endless))


def test_what_the_zone_and_the_flows_say_is_asked_of_what_is_in_force_too() -> None:
    """A zone that was made one of production, a neighbour that is another now: both are told, and stop nothing."""
    assert {the_zone_takes_the_environment, flows_stay_within_their_environment} <= set(LASTING_RULES)
