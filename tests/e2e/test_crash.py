"""Killed anywhere, any number of times: exactly the approved objects, none twice, none left."""

from __future__ import annotations

import random
import time

import psutil
import pytest

from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Sandbox, Story, a_server, a_story, eventually, leftovers, project_of

KILLS = 5
LONGEST_PAUSE_SECONDS = 2.5


@pytest.mark.parametrize(("victim", "seed"), [("operator", 11), ("pulumi", 12)])
def test_a_build_survives_being_killed_again_and_again(
    sandbox: Sandbox, operator: OperatorControl, victim: str, seed: int
) -> None:
    """Five kills at random moments of builds and changes: Ready, with exactly what was planned."""
    chance = random.Random(seed)
    before = leftovers(sandbox, project_of(sandbox))
    with a_story(sandbox, f"killed-{victim}") as story:
        for round_ in range(KILLS):
            story.apply(servers=[a_server(count=2 + round_)])
            assert eventually(story.plan_is_of_present_generation)
            story.approve()
            time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
            _kill(operator, victim)
        story.ready()
        _is_exactly_as_planned(story)
    assert before == leftovers(sandbox, project_of(sandbox))


def test_a_removal_survives_being_killed(sandbox: Sandbox, operator: OperatorControl) -> None:
    """Whatever was gone stays gone, whatever was left goes."""
    chance = random.Random(13)
    before = leftovers(sandbox, project_of(sandbox))
    with a_story(sandbox, "killed-removal") as story:
        story.apply(servers=[a_server(count=3)])
        story.approve()
        story.ready()
        story.delete(wait=False)
        for victim in ("operator", "pulumi", "operator"):
            time.sleep(chance.uniform(0, 1))
            _kill(operator, victim)
        assert eventually(lambda: not story.read())
    assert before == leftovers(sandbox, project_of(sandbox))


def test_a_stopped_operator_ends_its_pass_in_order(sandbox: Sandbox, operator: OperatorControl) -> None:
    """SIGTERM in the middle of a build: no engine is left behind, and the next start goes on from there."""
    with a_story(sandbox, "stopped") as story:
        story.apply(servers=[a_server(count=3)])
        story.approve()
        assert eventually(lambda: bool(operator.engines()))
        engines = operator.engines()
        operator.stop()

        assert [] == [engine for engine in engines if engine.is_running()]
        operator.start()
        story.ready()
        assert [] == story.unplanned()


def _kill(operator: OperatorControl, victim: str) -> None:
    if victim == "operator":
        operator.kill()
        operator.start()
        return
    for process in operator.engines():
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _is_exactly_as_planned(story: Story) -> None:
    assert [] == story.unplanned()
    servers = [item["id"] for item in story.read()["status"]["resources"] if item["kind"] == "Server"]
    assert len(servers) == len(set(servers)) == KILLS + 1
