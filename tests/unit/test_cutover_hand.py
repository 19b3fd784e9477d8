"""The hand that kills, on real processes: what carries the cutover's uid is ended, everybody at once, nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from controllers.api.cutoversteps import Step
from controllers.api.times import later_by, utc_now
from controllers.playbooks.runs import ERRAND
from tests.crash.cutover.cells import Became, Cell, Kill
from tests.crash.cutover.findings import Finding
from tests.crash.cutover.hand import Hand

KEY = "0123456789"


@dataclass
class Playbook:
    """A process that would go on for minutes, as a run of a playbook is found."""

    uid: str
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        words = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
        self.process = subprocess.Popen(words, env={**os.environ, ERRAND: self.uid}, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.process.stdout.readline()

    @property
    def lives(self) -> bool:
        return self.process.poll() is None


@dataclass
class StoryOf:
    """A step that runs as long as its playbook lives, and is done by the next attempt then."""

    playbook: Playbook
    done_before: bool = False

    def read(self) -> dict[str, Any]:
        return {"metadata": {"uid": self.playbook.uid}}

    def underway(self) -> tuple[str, int]:
        return Step.FINAL_SYNC.value, 1

    def lines(self) -> list[dict[str, Any]]:
        line: dict[str, Any] = {"step": Step.FINAL_SYNC.value, "key": KEY, "attempt": 1}
        found = [line | {"event": "Begun"}]
        if self.done_before:
            return [*found, line | {"event": "Done"}]
        if not self.playbook.lives:
            found += [line | {"attempt": 2, "event": "Begun"}, line | {"attempt": 2, "event": "Done"}]
        return found

    def journal(self) -> list[str]:
        return []


@dataclass
class Operator:
    """Remembers; when it starts anew it ends what an earlier one left."""

    playbook: Playbook
    did: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.did.append("killed" if self.playbook.lives else "killed too late")

    def start(self) -> None:
        self.did.append("started beside a playbook" if self.playbook.lives else "started")
        self.playbook.process.kill()


@pytest.fixture
def playbook() -> Iterator[Playbook]:
    """Gone afterwards."""
    found = Playbook(str(uuid.uuid4()))
    yield found
    found.process.kill()
    found.process.wait()


def struck(playbook: Playbook, kill: Kill, closes: str = "", **story: Any) -> tuple[Finding, list[str]]:
    moving, operator, told = cast(Any, lambda: None), Operator(playbook), list[Finding]()
    moving.story = StoryOf(playbook, **story)
    hand = Hand(moving, cast(Any, operator), {Step.FINAL_SYNC: 0.1}, told.append)
    finding = hand.strike(Cell(Step.FINAL_SYNC, kill, 1), since=0, closes=closes)
    assert [finding] == told
    return finding, operator.did


@pytest.mark.parametrize(
    ("kill", "did"),
    [
        (Kill.PLAYBOOK, []),
        (Kill.OPERATOR, ["killed", "started beside a playbook"]),
        (Kill.BOTH, ["killed", "started"]),
    ],
)
def test_who_is_said_is_killed(playbook: Playbook, kill: Kill, did: list[str]) -> None:
    """The operator first: it must not see the playbook end. Another playbook lives on."""
    other = Playbook("of-another-cutover")
    finding, known = struck(playbook, kill)

    assert other.lives
    other.process.kill()
    other.process.wait()
    assert (did, Became.RESUMED) == (known, finding.became)
    assert playbook.process.wait() < 0


def test_the_operator_is_away_until_the_window_is_over(playbook: Playbook) -> None:
    """Then it comes back."""
    closes = later_by(utc_now(), 2)
    finding, did = struck(playbook, Kill.LATE, closes)

    assert (["killed", "started"], Became.RESUMED) == (did, finding.became)
    assert closes < utc_now()


def test_a_step_that_had_ended_is_missed_and_nobody_is_killed(playbook: Playbook) -> None:
    """A kill that comes too late proves nothing."""
    finding, did = struck(playbook, Kill.BOTH, done_before=True)

    assert ([], Became.MISSED, True) == (did, finding.became, playbook.lives)
