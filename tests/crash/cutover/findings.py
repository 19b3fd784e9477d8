"""What came of the kills: told by the journal, and put into a table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controllers.api.cutoversteps import Event, Step
from controllers.cutover.way import SWITCH
from tests.crash.cutover.cells import RIGHT, STEPS, Became, Cell, Kill

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Blow:
    """A kill that was done: at this attempt, under this key."""

    cell: Cell
    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one cell. `told` is what was to be seen instead, when it went wrong."""

    cell: Cell
    became: Became
    seconds: float = 0.0
    told: str = ""

    @property
    def is_right(self) -> bool:
        """A kill that came too late proves nothing, and breaks nothing."""
        return self.became is Became.MISSED or self.became in RIGHT[self.cell.kill]

    def __str__(self) -> str:
        told = f": {self.told}" if self.told else ""
        again = "" if self.is_right else f"; again by {again_by(self.cell)}"
        return f"{self.cell}: {self.became} ({self.seconds:.1f} s){told}{again}"


@dataclass(slots=True)
class Findings:
    """All of them, and what was wrong with a whole way: both sides live, a write lost, a write doubled."""

    cells: list[Finding] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)

    def unmet(self, wanted: Iterable[tuple[Step, Kill]]) -> list[tuple[Step, Kill]]:
        """Which of them no seed has met: nothing is known of these."""
        met = {(one.cell.step, one.cell.kill) for one in self.cells if one.became is not Became.MISSED}
        return [pair for pair in wanted if pair not in met]

    def code(self, wanted: Iterable[tuple[Step, Kill]]) -> int:
        """The exit code: 0 only when every kill was met and came out right, and no way had a flaw."""
        return int(bool(self.flaws or self.unmet(wanted) or not all(one.is_right for one in self.cells)))


def became(blow: Blow, lines: Sequence[Line]) -> Became:
    """What the journal says has come of a kill; STUCK as long as it says nothing.

    An attempt that was cut off for good has no end in it: which side is opened next tells. The target may be, under
    another key, when a way back was begun and would have lost what is there already.
    """
    begun = False
    for line in lines:
        own = (line["step"], line["key"]) == (blow.cell.step.value, blow.key)
        begun = begun or (own and (line["attempt"], line["event"]) == (blow.attempt, Event.BEGUN))
        if own and line["event"] == Event.DONE:
            return Became.MISSED if line["attempt"] == blow.attempt else Became.RESUMED
        opened = line["step"] if begun and line["event"] == Event.DONE else ""
        if opened == Step.UNFREEZE_SOURCE:
            return Became.WENT_BACK
        if opened == Step.UNFREEZE_TARGET and blow.cell.step in SWITCH:
            return Became.RESUMED
    return Became.STUCK


def done_twice(lines: Sequence[Line]) -> list[str]:
    """Pieces of work that the journal has as done more than once under one key."""
    done = Counter((line["step"], line["key"]) for line in lines if line["event"] == Event.DONE)
    return [f"step {step} was done {times} times under key {key}" for (step, key), times in done.items() if times > 1]


def usual_seconds(lines: Sequence[Line]) -> dict[Step, float]:
    """How long each step's run took, last, as far as the operator has followed it to its end."""
    done = [line for line in lines if line["event"] == Event.DONE and line.get("recap")]
    return {Step(line["step"]): float(line["recap"]["seconds"]) for line in done}


def again_by(cell: Cell) -> str:
    """The command that comes to the same kill again."""
    return f"--steps {cell.step} --kills {cell.kill} --seed {cell.seed}"


def table(findings: Findings) -> str:
    """Step × kill; then what was wrong."""
    lines = [f"{'step':<16} " + " ".join(f"{kill:<20}" for kill in Kill)]
    for step in STEPS:
        own = [one for one in findings.cells if one.cell.step is step]
        if own:
            lines.append(f"{step:<16} " + " ".join(f"{_told(own, kill):<20}" for kill in Kill))
    wrong = [str(one) for one in findings.cells if not one.is_right]
    return "\n".join(line.rstrip() for line in [*lines, *wrong, *findings.flaws])


def _told(own: Sequence[Finding], kill: Kill) -> str:
    """Such as `2 resumed, 1 missed`; an outcome that must not be has a mark."""
    found = [one for one in own if one.cell.kill is kill]
    counted = Counter(one.became for one in found)
    marks = {one.became: "" if one.is_right else "!" for one in found}
    return ", ".join(f"{counted[one]} {one}{marks[one]}" for one in Became if counted[one])
