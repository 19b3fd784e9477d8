"""Desktops come in batches, within the signed plan, and stop coming when too many fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.api.desktops import DesktopState
from controllers.api.stored import Plan
from controllers.request.rollout import desktop_statuses, next_portion, stopped_rollout, tolerated
from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.observed import Observed, ObservedObject
from infra.stackplan import Kind, StackPlan
from tests.build import a_content, a_desktop, a_network, a_plan, a_spec


def a_rollout(*, in_force: StackPlan | None = None, **fields: Any) -> Plan:
    """Six desktops, two at a time."""
    wanted = {"count": 6, "batchSize": 2, "users": []} | fields
    return a_plan(a_content(a_spec(desktops=[a_desktop(**wanted)]), in_force=in_force, generation=2 if in_force else 1))


def seen(plan: Plan, statuses: Mapping[str, str]) -> Observed:
    """These servers exist as planned, each in its status."""
    planned = planned_objects(plan.spec.stack)
    return Observed(
        plan.spec.stack.origin.uid,
        tuple(
            ObservedObject(
                Kind.SERVER,
                f"id-{name}",
                f"server-{name}",
                planned[f"server-{name}"].fingerprint,
                dict(planned[f"server-{name}"].inputs),
                status=status,
            )
            for name, status in statuses.items()
        ),
    )


def desktops(plan: Plan) -> list[str]:
    return [one.name for one in plan.spec.stack.servers if one.seat]


def up_to(count: int) -> dict[str, str]:
    return {f"counter-{number}": "ACTIVE" for number in range(count)}


@pytest.mark.parametrize(("there", "expected"), [(0, 2), (1, 3), (2, 4), (4, 6), (6, 6)])
def test_each_portion_is_what_is_there_and_one_batch_more(there: int, expected: int) -> None:
    """Where the roll-out stands is what the cloud shows, so a restart loses nothing."""
    plan = a_rollout()

    assert [f"counter-{number}" for number in range(expected)] == desktops(next_portion(plan, seen(plan, up_to(there))))


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        pytest.param({"counter-1": "BUILD"}, 3, id="what still builds is part of the batch"),
        pytest.param({"counter-0": "BUILD", "counter-1": "BUILD"}, 2, id="a whole batch still builds"),
        pytest.param({"counter-1": "ERROR"}, 2, id="too many have failed"),
    ],
)
def test_no_more_than_a_batch_is_under_way(statuses: dict[str, str], expected: int) -> None:
    """Also when a pass was cut off in the middle of one."""
    plan = a_rollout()

    assert expected == len(desktops(next_portion(plan, seen(plan, up_to(2) | statuses))))


def test_a_first_portion_has_everything_but_the_later_desktops() -> None:
    """Servers, networks and groups do not wait for desktops."""
    plan = a_rollout()
    portion = planned_objects(next_portion(plan, None).spec.stack)

    assert {f"{word}-counter-{number}" for word in ("port", "server") for number in range(2, 6)} == (
        planned_objects(plan.spec.stack).keys() - portion.keys()
    )


@pytest.mark.parametrize("there", range(7))
def test_a_portion_permits_nothing_that_the_plan_does_not(there: int) -> None:
    """The signature binds every batch: the same objects to the last input, and no removal besides."""
    before = a_rollout()
    plan = a_rollout(in_force=before.spec.stack, resets=[{"number": n, "times": 1} for n in range(6)])
    portion = authority_of(next_portion(plan, seen(plan, up_to(there))).spec.stack)
    whole = authority_of(plan.spec.stack)

    assert portion.planned.items() <= whole.planned.items()
    assert portion.removals <= whole.removals


def test_what_is_built_anew_goes_batch_by_batch() -> None:
    """The old desktops of later batches stay until their turn comes."""
    before = a_rollout()
    plan = a_rollout(in_force=before.spec.stack, resets=[{"number": n, "times": 1} for n in range(6)])
    portion = next_portion(plan, seen(before, up_to(6)))

    assert ["server-counter-0", "server-counter-1"] == [gone.name for gone in portion.spec.stack.removals]


def test_what_all_hang_on_is_removed_when_the_last_batch_comes() -> None:
    """A desktop that waits is still on the old network."""
    before = a_rollout()
    networks = [a_network(), a_network(name="hall")]
    wanted = a_desktop(count=6, batchSize=2, users=[], network="hall")
    moved = a_plan(a_content(a_spec(desktops=[wanted], networks=networks), in_force=before.spec.stack, generation=2))
    gone = a_spec(desktops=[wanted | {"network": "app"}])
    back = a_plan(a_content(gone, in_force=moved.spec.stack, generation=3))

    assert "network-hall" not in [one.name for one in next_portion(back, seen(back, {})).spec.stack.removals]
    assert "network-hall" in [one.name for one in next_portion(back, seen(back, up_to(4))).spec.stack.removals]


@pytest.mark.parametrize(
    ("failed", "budget", "spared", "stopped"),
    [
        (0, 0, set(), None),
        (1, 0, set(), "the roll-out of counter stopped at 2 of 6: 1 failed, none may"),
        (1, 1, {"server-counter-0"}, None),
        (2, 1, set(), "the roll-out of counter stopped at 2 of 6: 2 failed, at most 1 may"),
        (2, 2, {"server-counter-0", "server-counter-1"}, None),
    ],
)
def test_a_rollout_stops_when_more_fail_than_its_budget(
    failed: int, budget: int, spared: set[str], stopped: str | None
) -> None:
    """Within the budget failures stop nothing; beyond it no further batch is begun."""
    plan = a_rollout(failureBudget=budget)
    servers = seen(plan, up_to(2) | {f"counter-{number}": "ERROR" for number in range(failed)}).objects

    assert (spared, stopped) == (set(tolerated(plan.spec.stack, servers)), stopped_rollout(plan.spec.stack, servers))


def test_the_status_tells_of_every_desktop() -> None:
    """Whose it is and where it stands, the ones that wait included; an old server is not the new desktop."""
    before = a_rollout(count=4, users=["li.na"])
    plan = a_rollout(in_force=before.spec.stack, count=4, users=["li.na"], resets=[{"number": 0, "times": 1}])
    old = {found.name: found for found in seen(before, {"counter-0": "ACTIVE"}).objects}
    new = seen(plan, {"counter-1": "ACTIVE", "counter-2": "SHUTOFF", "counter-3": "ERROR"}).objects
    found = desktop_statuses(plan.spec.stack, old | {one.name: one for one in new}, ())

    assert [
        ("counter-0", "li.na", DesktopState.WAITING, None),
        ("counter-1", None, DesktopState.RUNNING, "id-counter-1"),
        ("counter-2", None, DesktopState.STOPPED, "id-counter-2"),
        ("counter-3", None, DesktopState.FAILED, "id-counter-3"),
    ] == [(one.name, one.user, one.state, one.id) for one in found]


def test_a_status_that_was_told_stays_told() -> None:
    """After a restart nothing is known anew, and nothing is written."""
    plan = a_rollout()
    servers = {found.name: found for found in seen(plan, up_to(3)).objects}
    told = desktop_statuses(plan.spec.stack, servers, ())

    assert told == desktop_statuses(plan.spec.stack, None, told)
