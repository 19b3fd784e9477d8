"""The hand that kills: it waits for a step's playbook, for the moment that the seed chose, and strikes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from controllers.api.cutoversteps import Event, Step
from controllers.api.times import seconds_between, utc_now
from controllers.playbooks.runs import ERRAND
from infra.kernel import environment, kernel_lines
from tests.crash.cutover.cells import USUAL_SECONDS, Became, Cell, Kill
from tests.crash.cutover.findings import Blow, Finding, became
from tests.e2e.moving.bench import Moving
from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import eventually

STEP_SECONDS = 900.0
POLL_SECONDS = 0.1
SWEEPS = 3


@dataclass(slots=True)
class Hand:
    """`usual` says how long steps take when nobody is killed. `tell` hears of each finding as it is made."""

    moving: Moving
    operator: OperatorControl
    usual: dict[Step, float]
    tell: Callable[[Finding], None] = lambda _finding: None
    uid: str = field(init=False)

    def __post_init__(self) -> None:
        self.uid = str(self.moving.story.read()["metadata"]["uid"])

    def strike(self, cell: Cell, since: int, closes: str = "") -> Finding:
        """Kill whom the cell says at its step, and wait for what comes of it.

        `since` is how many lines the journal had when this way began; `closes`, when the window is over.
        """
        blow = self._awaited(cell, since)
        began = time.monotonic()
        if blow is not None:
            self._kill(cell.kill, closes)
        finding = self._looked_after(cell, blow, since, began)
        self.tell(finding)
        return finding

    def _awaited(self, cell: Cell, since: int) -> Blow | None:
        """At the moment of the cell; None when the attempt had ended before it came."""

        def is_met() -> bool:
            runs = self.moving.story.underway()[0] == cell.step and any(self._playbook())
            return runs or bool(self._ended(cell.step, since))

        assert eventually(is_met, STEP_SECONDS, POLL_SECONDS), (str(cell), self.moving.story.journal()[-6:])
        time.sleep(cell.moment_seconds(self.usual.get(cell.step, USUAL_SECONDS)))
        own = [line for line in self._lines(since) if line["step"] == cell.step.value]
        if not own or own[-1]["event"] != Event.BEGUN:
            return None
        return Blow(cell, own[-1]["key"], own[-1]["attempt"])

    def _ended(self, step: Step, since: int) -> bool:
        """Whether the way has passed the step, or left it for the way back."""
        done = {line["step"] for line in self._lines(since) if line["event"] == Event.DONE}
        return step.value in done or (step is not Step.UNFREEZE_SOURCE and Step.UNFREEZE_SOURCE.value in done)

    def _kill(self, kill: Kill, closes: str) -> None:
        if kill is not Kill.PLAYBOOK:
            self.operator.kill()  # first: nobody is to see the playbook end
        if kill is not Kill.OPERATOR:
            self._end_playbook()
        if kill is Kill.LATE:
            assert eventually(lambda: seconds_between(closes, utc_now()) > 0, STEP_SECONDS, 1.0)
        if kill is not Kill.PLAYBOOK:
            self.operator.start()

    def _looked_after(self, cell: Cell, blow: Blow | None, since: int, began: float) -> Finding:
        if blow is None:
            return Finding(cell, Became.MISSED)
        eventually(lambda: became(blow, self._lines(since)) is not Became.STUCK, STEP_SECONDS)
        found = became(blow, self._lines(since))
        told = "; ".join(self.moving.story.journal()[-4:]) if found is Became.STUCK else ""
        return Finding(cell, found, time.monotonic() - began, told)

    def _lines(self, since: int) -> list[dict[str, Any]]:
        return self.moving.story.lines()[since:]

    def _end_playbook(self) -> None:
        """kill -9 for all of its processes, and for what they started meanwhile."""
        for _ in range(SWEEPS):
            for pid in self._playbook():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _playbook(self) -> Iterator[int]:
        """Processes of a run for this cutover, found as the operator finds them."""
        return (line.pid for line in kernel_lines() if (environment(line.pid) or {}).get(ERRAND) == self.uid)
