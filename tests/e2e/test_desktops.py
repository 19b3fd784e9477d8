"""Cloud desktops as people have them: rolled out in batches, opened in a real browser by whom they belong to."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox.packages import ensure_packages
from tests.conftest import Sandbox, finished
from tests.e2e.browser import Color, Page, browsing, colors
from tests.e2e.story import Story, a_story, eventually

BACKGROUND, TERMINAL = (42, 77, 105), (255, 255, 255)  # of the role's screen
PAINTED_SECONDS = 60
CHROMIUM = {"chromium": ("chromium",)}
OPENED, CLOSED = "open", "closed"
STATE = "document.body && document.body.dataset.state"
ROLLOUT_SECONDS, CONFIGURED_SECONDS = 600.0, 1200.0


def desktops(**fields: Any) -> dict[str, Any]:
    """What a request asks for instead of servers."""
    entry = {"name": "counter", "flavor": "d1.small", "image": "desktop-12", "network": "app"} | fields
    return {"servers": [], "flows": [], "networks": [{"name": "app", "prefixLength": 27}], "desktops": [entry]}


def states(story: Story) -> list[str]:
    return [one["state"] for one in story.read().get("status", {}).get("desktops", ())]


def test_twenty_desktops_for_twenty_people_come_in_two_batches(sandbox: Sandbox) -> None:
    """The second ten are not begun before the first ten run; then the cloud is exactly what was signed."""
    people = [f"person-{number:02d}" for number in range(20)]
    with a_story(sandbox, "twenty") as story:
        story.apply(**desktops(count=20, users=people, batchSize=10))
        story.approve()
        begun, until = [], time.monotonic() + ROLLOUT_SECONDS
        while (found := states(story)).count("Running") < 20 and time.monotonic() < until:
            begun.append((found.count("Running") >= 10, len(found) - found.count("Waiting")))
            time.sleep(0.3)
        story.reaches("Provisioned", "Provisioned")

        assert max((count for first_ten_run, count in begun if not first_ten_run), default=0) <= 10
        assert ["Running"] * 20 == states(story)
        assert people == [one["user"] for one in story.read()["status"]["desktops"]]
        assert [] == story.unplanned()


@pytest.fixture(scope="module")
def story(sandbox: Sandbox) -> Iterator[Story]:
    """A desktop for the clerk and a spare, ready to be opened."""
    sandbox.command("desktops")
    ensure_packages(CHROMIUM, os.environ, print)
    with a_story(sandbox, "desk") as story:
        story.apply(**desktops(count=2, users=["li.na"], batchSize=1))
        story.approve()
        story.ready(CONFIGURED_SECONDS)
        yield story
    sandbox.command("desktops", "--off")
    sandbox.command("guest", "--off")


def opening(story: Story, persona: str) -> tuple[int, str]:
    """`kubectl kunlun desktop open` as a person; exit code and what it says."""
    return desktop(story, persona, "open", story.name, "--print")


def desktop(story: Story, persona: str, *words: str) -> tuple[int, str]:
    """`kubectl kunlun desktop` as a person."""
    argv = [sys.executable, "-m", "controllers", "desktop", *words]
    done = finished(
        [*argv, f"--kubeconfig={story.sandbox.home / 'users' / persona}.kubeconfig"], check=False, seconds=300
    )
    return done.returncode, done.stdout.strip() or done.stderr


def approve_change(story: Story) -> None:
    """The plan of the request as it is now becomes real."""
    assert eventually(story.plan_is_of_present_generation)
    plan = story.approve()
    assert eventually(lambda: story.read()["status"].get("builtPlan") == plan, ROLLOUT_SECONDS)
    story.ready(CONFIGURED_SECONDS)


def held(story: Story) -> list[tuple[str | None, str]]:
    """Whose each desktop is, and the id of its server."""
    return [(one.get("user"), one["id"]) for one in story.read()["status"]["desktops"]]


async def until_painted(page: Page) -> Counter[Color]:
    """The colours of the page, once a desktop is to be seen or a minute has passed."""
    painted: Counter[Color] = Counter()
    for _ in range(PAINTED_SECONDS):
        painted = colors(await page.picture())
        if is_desktop(painted):
            break
        await asyncio.sleep(1)
    return painted


def is_desktop(painted: Counter[Color]) -> bool:
    """The screen, and the terminal on it."""
    pixels = sum(painted.values())
    return painted[BACKGROUND] > pixels * 0.2 and painted[TERMINAL] > pixels * 0.1


def test_its_user_sees_the_desktop_in_a_browser_and_nobody_a_second_time(story: Story, tmp_path: Path) -> None:
    """A window on the background of the role, not a blank page; and the same address opens nothing again."""
    code, address = opening(story, "clerk")
    assert 0 == code, address

    async def look() -> tuple[Any, Any, Counter[Color]]:
        async with browsing(tmp_path) as page:
            await page.open(address)
            first = await page.eventually(STATE, OPENED, 90)
            painted = await until_painted(page)
        async with browsing(tmp_path) as page:
            await page.open(address)
            again = await page.eventually(STATE, CLOSED, 60)
        return first, again, painted

    first, again, painted = asyncio.run(look())

    assert (OPENED, CLOSED) == (first, again)
    assert is_desktop(painted), painted.most_common(5)
    assert "desktop opened" in (story.sandbox.home / "logs" / "broker.log").read_text()


def test_who_has_no_desktop_is_refused(story: Story) -> None:
    """A colleague of the same department, with the same rights on everything else."""
    code, said = opening(story, "ci")

    assert 1 == code
    assert "NotAssigned: request 'desk' has no desktop for 'ci-pipeline'" in said


def test_a_reset_desktop_and_one_that_changes_hands_are_clean(story: Story) -> None:
    """Each is another server, after a new approval; a spare that nobody had is given away as it is."""
    (_, old), (_, spare) = held(story)
    code, said = desktop(story, "clerk", "reset", story.name, "counter-0")
    assert 0 == code, said
    approve_change(story)
    (owner, clean), (_, same) = held(story)
    story.apply(**desktops(count=2, users=["zhou.jie"], batchSize=1))
    approve_change(story)
    (nobody, returned), (heir, given) = held(story)

    assert ("li.na", spare) == (owner, same) and old != clean
    assert (None, "zhou.jie", spare) == (nobody, heir, given) and clean != returned
    assert "has no desktop for 'li.na'" in opening(story, "clerk")[1]
    assert [] == story.unplanned()
