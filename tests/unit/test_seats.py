"""Whose desktop is which: stable, one each, and never with what the user before left on it."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.plan import Operation
from controllers.request.seats import assign_seats
from controllers.request.validate import validate
from infra.stackplan import Seat, StackPlan
from tests.build import a_content, a_desktop, a_network, a_spec


def asked(**fields: Any) -> Any:
    return a_spec(desktops=[a_desktop(**fields)])


def users(stack: StackPlan) -> list[str | None]:
    return [one.seat.user for one in stack.servers if one.seat]


def test_users_get_desktops_in_their_order_and_the_rest_are_spares() -> None:
    """The list of users may be shorter than the number of desktops."""
    assert ["li.na", "wang.fang", None] == users(a_content(asked()).stack)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"users": ["wang.fang", "li.na"]}, ["li.na", "wang.fang", None], id="another order moves nobody"),
        pytest.param({"users": ["wang.fang"]}, [None, "wang.fang", None], id="who goes leaves the others alone"),
        pytest.param(
            {"users": ["zhou.qi", "wang.fang"]}, [None, "wang.fang", "zhou.qi"], id="who comes gets a clean spare"
        ),
        pytest.param(
            {"users": ["a", "b", "wang.fang"]}, ["b", "wang.fang", "a"], id="a used one is given away when none is left"
        ),
        pytest.param({"count": 1, "users": ["wang.fang"]}, ["wang.fang"], id="fewer desktops: the user moves"),
    ],
)
def test_a_user_keeps_the_desktop(fields: dict[str, Any], expected: list[str | None]) -> None:
    """A change of the list is a change for those it is about."""
    before = a_content(asked())

    assert expected == users(a_content(asked(**fields), in_force=before.stack, generation=2).stack)


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        pytest.param({}, [0, 0, 0], id="nothing changes"),
        pytest.param({"users": ["wang.fang"]}, [1, 0, 0], id="left by its user"),
        pytest.param({"users": ["li.na", "wang.fang", "zhou.qi"]}, [0, 0, 0], id="a spare that nobody has had"),
        pytest.param({"resets": [{"number": 1, "times": 1}]}, [0, 1, 0], id="asked to be clean"),
    ],
)
def test_a_desktop_that_changes_hands_is_another_server(fields: dict[str, Any], terms: list[int]) -> None:
    """Nobody meets what the user before left on it."""
    seats = assign_seats(asked(**fields), a_content(asked()).stack)

    assert terms == [seat.term for seat in seats.values()]


def test_a_reset_is_done_once() -> None:
    """The same number of resets, seen again, is the same desktop."""
    reset = asked(resets=[{"number": 0, "times": 1}])
    once = a_content(reset, in_force=a_content(asked()).stack, generation=2)

    assert Seat(user="li.na", term=1, resets=1) == assign_seats(reset, once.stack)["counter-0"]


def test_officers_read_what_a_reset_does_and_to_whom() -> None:
    """A new term replaces the server and says whose work is lost; its port and address stay."""
    before = a_content(asked())
    change = asked(users=["zhou.qi", "wang.fang"], count=2)
    after = a_content(change, in_force=before.stack, generation=2)
    found = {action.name: (action.operation, action.detail) for action in after.actions}

    assert (
        Operation.REPLACE,
        "the server is built anew and its own disk is lost; for zhou.qi, before for li.na",
    ) == found["server-counter-0"]
    assert {"server-counter-0", "server-counter-2", "port-counter-2"} == found.keys()


def test_officers_sign_for_a_spare_that_is_given_away() -> None:
    """Nothing changes in the cloud, and yet somebody gets in from now on."""
    before = a_content(asked())
    after = a_content(asked(users=["li.na", "wang.fang", "zhou.qi"]), in_force=before.stack, generation=2)

    assert [(Operation.UPDATE, "server-counter-2", "for zhou.qi, before a spare")] == [
        (action.operation, action.name, action.detail) for action in after.actions
    ]


def test_a_desktop_has_no_flows_and_counts_as_a_server() -> None:
    """Its group has what the zone gives, and the way of the management network; it costs what a server costs."""
    content = a_content(asked())
    group = next(group for group in content.stack.groups if group.name == "counter")

    assert [("ingress", 22, "198.18.0.0/18")] == [
        (rule.direction, rule.port_first, rule.remote_cidr) for rule in group.rules
    ]
    assert 3 * 90 == next(line.count * line.monthly_yuan_each for line in content.costs if "counter" in line.item)


@pytest.mark.parametrize(
    ("desktops", "expected"),
    [
        pytest.param([a_desktop(count=1)], "2 users for 1 desktops; raise `count`, or name fewer", id="too many users"),
        pytest.param(
            [a_desktop(), a_desktop(name="hall", users=["li.na"])],
            "the user 'li.na' is named 2 times; a user has one desktop",
            id="a user twice",
        ),
        pytest.param([a_desktop(name="web")], "the name 'web' is a server entry's; each may be used once", id="name"),
        pytest.param([a_desktop(network="hall")], "no network 'hall' in this request; allowed: app", id="network"),
        pytest.param([a_desktop(resets=[{"number": 3, "times": 1}])], "there is no desktop 'counter-3'", id="reset"),
        pytest.param(
            [a_desktop(users=["system:admin"])],
            "a desktop is for a named person, not for a 'system:' name",
            id="system",
        ),
        pytest.param([a_desktop(count=12)], "a /28 has room for 11 servers, not 14; take a smaller number", id="room"),
        pytest.param(
            [a_desktop(count=200, users=[]), a_desktop(name="hall", users=[])],
            "203 desktops in one request; at most 200 are allowed",
            id="too many desktops",
        ),
    ],
)
def test_desktops_that_cannot_be_are_refused(desktops: list[dict[str, Any]], expected: str) -> None:
    """One user has one desktop, and every desktop has its place."""
    wide = [a_network(prefixLength=24)] if "203" in expected else [a_network()]

    assert expected in [finding.what for finding in validate(a_spec(desktops=desktops, networks=wide))]
