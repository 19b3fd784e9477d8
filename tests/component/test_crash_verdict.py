"""What the crash suite sees: a cloud that is not exactly as planned, in each of the ways in which it may not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.provider.observe import ProjectListing, list_project
from infra.stackplan import Kind, StackPlan
from tests.component.engine_parts import first_build
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan
from tests.crash.verdict import Verdict, remains, verdict_on


async def built(folder: Path) -> tuple[ProjectListing, StackPlan]:
    """A plan, and the listing of a project in which it is real."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, folder, plan)
    return await list_project(cloud), plan


async def test_what_is_as_planned_is_exact(tmp_path: Path) -> None:
    """Nothing to tell; and without the plan all of it is left over."""
    listing, plan = await built(tmp_path)

    assert Verdict() == verdict_on(listing, [plan])
    assert {"Server", "Port", "Network"} < {name.split()[0] for name in verdict_on(listing, []).left_over}


@pytest.mark.parametrize("kind", [Kind.SERVER, Kind.PORT])
async def test_what_is_missing_is_lost(kind: Kind, tmp_path: Path) -> None:
    """Planned, and not there."""
    listing, plan = await built(tmp_path)
    listing.collections[kind].pop()
    found = verdict_on(listing, [plan])

    assert ["Missing", str(kind)] == found.lost[0].split()[:2]
    assert ((), ()) == (found.doubled, found.left_over)


@pytest.mark.parametrize("kind", [Kind.SERVER, Kind.PORT, Kind.NETWORK])
async def test_what_is_there_twice_is_doubled(kind: Kind, tmp_path: Path) -> None:
    """Two with one logical name, even if one of them is the planned one."""
    listing, plan = await built(tmp_path)
    listing.collections[kind].append({**listing.collections[kind][0], "id": "another", "subnets": []})
    found = verdict_on(listing, [plan])

    assert 1 == len(found.doubled)
    assert found.doubled[0].endswith("x2")


async def test_what_bears_no_marker_is_left_over_too(tmp_path: Path) -> None:
    """Nobody else works in the project of a test: what is not ours is what we have lost track of."""
    listing, plan = await built(tmp_path)
    listing.collections[Kind.PORT].append({"id": "stray", "name": "stray", "device_owner": ""})

    assert Verdict(left_over=("Port stray",)) == verdict_on(listing, [plan])


def test_the_engine_has_nothing_left_of_a_request_that_is_gone(tmp_path: Path) -> None:
    """No state, no lock, no folder of a killed run."""
    (tmp_path / "locks" / UID).mkdir(parents=True)
    (tmp_path / "run-x").mkdir()
    (tmp_path / "another.json").touch()

    assert [UID, "run-x"] == [Path(path).name for path in remains([tmp_path], UID).left_over]
