"""Who is killed at which step: the cells of the table, and how they are dealt to rounds. Pure.

A round leads over all steps once, and each step can bear one kill in it; so with three kinds of kills it takes three
rounds to try each at every step. What is killed until its window is over takes a cut of its own.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from controllers.api.cutoversteps import Step
from controllers.cutover.way import AFTER, PREPARE, REHEARSE, SWITCH, TRIAL

TRIED: Sequence[Step] = (*PREPARE, *REHEARSE, *TRIAL)
BACK: Sequence[Step] = (Step.FREEZE_TARGET, Step.COUNT_LOSSES, Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE)
STEPS: Sequence[Step] = (*TRIED, *SWITCH, *AFTER, *BACK)
EARLY_PART = 0.8  # of a step's usual time: what is killed later may have ended by then
USUAL_SECONDS = 5.0  # of a step that nobody has seen yet


class Kill(StrEnum):
    """Who is ended with kill -9, at a moment of the step that the seed chooses."""

    PLAYBOOK = "playbook"
    OPERATOR = "operator"
    BOTH = "both"
    LATE = "late"


SENTENCES: Mapping[Kill, str] = {
    Kill.PLAYBOOK: "every process of the step's playbook; the operator sees it end",
    Kill.OPERATOR: "the operator; its playbook works on until the next operator ends it",
    Kill.BOTH: "the operator and the playbook at once; another operator is started",
    Kill.LATE: "both, within the cut; another operator is started when the window is over",
}


class Became(StrEnum):
    """What came of the step."""

    RESUMED = "resumed"
    WENT_BACK = "went back"
    MISSED = "missed"
    STUCK = "stuck"


RIGHT: Mapping[Kill, frozenset[Became]] = {
    Kill.PLAYBOOK: frozenset({Became.RESUMED}),
    Kill.OPERATOR: frozenset({Became.RESUMED}),
    Kill.BOTH: frozenset({Became.RESUMED}),
    Kill.LATE: frozenset({Became.RESUMED, Became.WENT_BACK}),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One kill."""

    step: Step
    kill: Kill
    seed: int

    def __str__(self) -> str:
        return f"{self.step}/{self.kill} seed {self.seed}"

    def moment_seconds(self, usual_seconds: float) -> float:
        """How long after the step's playbook was there. The same cell comes at the same part of its time."""
        return random.Random(str(self)).uniform(0, EARLY_PART) * usual_seconds


Round = Mapping[Step, Cell]


def rounds(seed: int, steps: Sequence[Step], kills: Sequence[Kill]) -> Iterator[Round]:
    """As few as there can be: neighbours have different kills, and each step has each of them once."""
    kinds = [kill for kill in kills if kill is not Kill.LATE]
    wanted = [(index, step) for index, step in enumerate(STEPS) if step in steps]
    for number in range(len(kinds)):
        yield {step: Cell(step, kinds[(index + number) % len(kinds)], seed) for index, step in wanted}


def rounds_again(seed: int, missed: Collection[tuple[Step, Kill]]) -> Iterator[Round]:
    """Another try of what no kill has met: each of them once, in as few rounds as there can be."""
    left = [pair for pair in missed if pair[1] is not Kill.LATE]
    while left:
        dealt: dict[Step, Cell] = {}
        for step, kill in left:
            dealt.setdefault(step, Cell(step, kill, seed))
        left = [(step, kill) for step, kill in left if dealt[step].kill is not kill]
        yield dealt


def late_cells(seed: int, steps: Sequence[Step], kills: Sequence[Kill]) -> list[Cell]:
    """Of the steps that a window bounds."""
    return [Cell(step, Kill.LATE, seed) for step in SWITCH if step in steps and Kill.LATE in kills]


def window_seconds(step: Step, usual: Mapping[Step, float]) -> float:
    """A window that is over while the step waits for somebody: long enough to come there on a machine that is busy."""
    until = SWITCH[: SWITCH.index(step) + 1]
    return 2 * sum(usual.get(one, USUAL_SECONDS) for one in until) + 60
