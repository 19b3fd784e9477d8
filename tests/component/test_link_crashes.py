"""Links and the end of a process at any moment: after each call of making and of taking away, whatever came of it."""

from __future__ import annotations

import pytest

from infra.planned import planned_objects
from infra.provider.authority import authority_of, teardown_authority
from infra.provider.builder import Builder, Steps
from infra.provider.kinds import REMOVAL_ORDER
from infra.provider.observed import differences
from infra.stackplan import StackPlan
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import a_linked_plan, the_other_plan, unheard
from tests.component.test_links import seen

MAKING = 24
"""Calls that make the called side beside the other request, and more than there are."""


class Killed(Exception):
    """The process is gone."""


def kill_at(cloud: FakeCloud, number: int, moment: str) -> None:
    """Ends the process before or after its n-th change from now on."""
    left = [number]

    def strike(line: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed(line)

    setattr(cloud, moment, strike)


def revive(cloud: FakeCloud) -> None:
    cloud.before = cloud.after = lambda line: None


async def build(cloud: FakeCloud, plan: StackPlan) -> None:
    """One pass, one call after the other."""
    builder = Builder(cloud, authority_of(plan), await seen(cloud, plan), Steps(0, unheard))
    for planned in planned_objects(plan).values():
        await builder.ensure(planned)


async def remove(cloud: FakeCloud, plan: StackPlan) -> None:
    """One round of a removal, in the engine's order."""
    observed = await seen(cloud, plan)
    builder = Builder(cloud, teardown_authority(plan.origin.uid, frozenset()), observed, Steps(0, unheard))
    for kind in REMOVAL_ORDER:
        for found in [one for one in observed.objects if one.kind is kind]:
            await builder.delete(kind, found.id, found.name)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, MAKING + 1))
async def test_killed_while_making(number: int, moment: str) -> None:
    """The next pass finds what was made, makes what lacks, and nothing is there twice."""
    cloud, plan, other = FakeCloud(), a_linked_plan(), the_other_plan()
    await build(cloud.beside("project-2"), other)
    kill_at(cloud, number, moment)
    try:
        await build(cloud, plan)
    except Killed:
        revive(cloud)
        await build(cloud, plan)
    revive(cloud)
    observed = await seen(cloud, plan)

    assert [] == differences(planned_objects(plan), observed)
    assert len(planned_objects(plan)) == len(observed.objects)
    assert [] == differences(planned_objects(other), await seen(cloud.beside("project-2"), other))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, MAKING + 1))
@pytest.mark.parametrize("who", ["called", "calling"])
async def test_killed_while_removing(number: int, moment: str, who: str) -> None:
    """Nothing is left of the request, and the other one is as planned, whichever of the two it was."""
    cloud, plan, other = FakeCloud(), a_linked_plan(), the_other_plan()
    beside = cloud.beside("project-2")
    await build(beside, other)
    await build(cloud, plan)
    going, scope = (plan, cloud) if who == "called" else (other, beside)
    kill_at(scope, number, moment)
    for _ in range(3):
        try:
            await remove(scope, going)
        except Killed:
            revive(scope)
    staying, place = (other, beside) if who == "called" else (plan, cloud)

    assert () == (await seen(scope, going)).objects
    assert [] == differences(planned_objects(staying), await seen(place, staying))
    await remove(place, staying)
    assert {} == cloud.count()
