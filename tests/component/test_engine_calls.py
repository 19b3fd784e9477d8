"""What the engine's calls and runs can be recognised and counted by, with the real command."""

from __future__ import annotations

from pathlib import Path

from infra.correlation import call_id, correlated, present
from tests.component.engine_parts import first_build
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import a_rich_plan


async def test_every_change_of_a_pass_is_made_under_the_id_of_its_plan(tmp_path: Path) -> None:
    """Through the engine's process and back: who asks OpenStack's logs for the id finds all of it."""
    cloud, seen = FakeCloud(), set[str | None]()
    cloud.before = lambda _: seen.add(present())
    with correlated(call_id("digest")):
        await first_build(cloud, tmp_path, a_rich_plan())

    assert {call_id("digest")} == seen
