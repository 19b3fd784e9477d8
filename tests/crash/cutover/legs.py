"""The ways there and back, with a kill at each step that a round names; at each end the writes are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controllers.api.cutoversteps import Side, Step
from controllers.cutover.way import AFTER, SWITCH
from tests.crash.cutover.cells import TRIED, Became, Cell, Round, window_seconds
from tests.crash.cutover.findings import Finding, done_twice
from tests.crash.cutover.hand import Hand
from tests.crash.cutover.ledger import Ledger, look_flaws
from tests.e2e.moving.bench import STAGE_SECONDS, Moving
from tests.e2e.moving.story import a_window
from tests.e2e.story import eventually

WINDOW_SECONDS = 4 * 3600.0
NOBODY: Round = {}


@dataclass(slots=True)
class Legs:
    """Each begins where the one before ended: the service on its source, and on its target for `back`.

    `flaws` grows; a leg that does not come to its end raises AssertionError.
    """

    moving: Moving
    hand: Hand
    ledger: Ledger
    flaws: list[str] = field(default_factory=list)

    def try_anew(self, kills: Round = NOBODY) -> None:
        """Everything up to the signatures. Other terms of the trial make its steps new ones."""
        story, since = self.moving.story, self._lines()
        trial: dict[str, Any] = story.read()["spec"]["trial"]
        stress = trial["stress"] | {"seconds": int(trial["stress"]["seconds"]) + 1}
        story.ask(stage="Trial", trial=trial | {"stress": stress}, rollBack=None)
        self._strike(TRIED, kills, since)
        story.reaches("Tried", "Tried", STAGE_SECONDS)
        self.sign()
        self._ended("trial", since, self.ledger.on_source())

    def sign(self) -> None:
        """Every party accepts the report as it is now."""
        self.moving.story.sign()
        self.moving.story.reaches("Signed", "Signed", STAGE_SECONDS)

    def cut(self, kills: Round = NOBODY) -> None:
        """To the target, watched for a minute, the original kept."""
        story, since, looked = self.moving.story, self._lines(), self.moving.looks()
        self._ask_cut(WINDOW_SECONDS)
        self._strike((*SWITCH, *AFTER), kills, since)
        story.reaches("Retained", "Retained", STAGE_SECONDS)
        self._ended("cut", since, [*self.ledger.on_target(), *look_flaws(looked, self.moving.looks())])

    def back(self, kills: Round = NOBODY) -> None:
        """To the source; what is lost by it is named."""
        story, since, looked = self.moving.story, self._lines(), self.moving.looks()
        story.ask(stage="RollBack")
        self._strike((Step.FREEZE_TARGET, Step.COUNT_LOSSES), kills, since)
        assert eventually(lambda: "losses" in story.status(), STAGE_SECONDS), story.journal()[-6:]
        losses = story.status()["losses"]
        flaws = self.ledger.forgive(losses)
        story.ask(rollBack={"loses": losses["digest"], "reason": "the kill table"})
        self._strike((Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE), kills, since)
        story.reaches("Ready", "RolledBack", STAGE_SECONDS)
        flaws += self.ledger.on_source()
        self._ended("way back", since, [*flaws, *look_flaws(looked, self.moving.looks())])

    def late(self, cell: Cell) -> None:
        """A cut whose window ends while nobody is there to go on; whatever comes of it, it ends on the source."""
        story, since, looked = self.moving.story, self._lines(), self.moving.looks()
        window = self._ask_cut(window_seconds(cell.step, self.hand.usual))
        finding = self.hand.strike(cell, since, closes=window["closes"])
        side = Side.TARGET if self._is_through(finding, since) else Side.SOURCE
        assert eventually(lambda: story.status().get("live") == side, STAGE_SECONDS), story.journal()[-6:]
        flaws = self.ledger.on_target() if side is Side.TARGET else self.ledger.on_source()
        self._ended(str(cell), since, [*flaws, *look_flaws(looked, self.moving.looks())])
        if side is Side.TARGET:
            self.back()

    def _ask_cut(self, seconds: float) -> dict[str, str]:
        window = a_window(seconds)
        supervision = {"minutes": 1, "rollBackAfterFailures": 0}  # a machine that is busy is no criterion
        self.moving.story.ask(stage="Cut", window=window, rollBack=None, supervision=supervision)
        return window

    def _is_through(self, finding: Finding, since: int) -> bool:
        """Whether the target was opened for good: the last side that was opened tells."""
        steps = (Step.UNFREEZE_TARGET.value, Step.UNFREEZE_SOURCE.value)

        def opened() -> list[str]:
            lines = self.moving.story.lines()[since:]
            return [line["step"] for line in lines if line["step"] in steps and line["event"] == "Done"]

        assert finding.became is not Became.STUCK, str(finding)
        assert eventually(lambda: bool(opened()), STAGE_SECONDS), self.moving.story.journal()[-6:]
        return opened()[-1] == Step.UNFREEZE_TARGET.value

    def _strike(self, steps: Sequence[Step], kills: Mapping[Step, Cell], since: int) -> None:
        for step in steps:
            if step in kills:
                finding = self.hand.strike(kills[step], since)
                assert finding.became is not Became.STUCK, str(finding)

    def _lines(self) -> int:
        return len(self.moving.story.lines())

    def _ended(self, what: str, since: int, flaws: list[str]) -> None:
        twice = done_twice(self.moving.story.lines()[since:])
        self.flaws += [f"{what}: {flaw}" for flaw in (*flaws, *twice)]
