"""What came of a row, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.table.rows import Row, attempts, shortest_pause

# One attempt may be many calls: bulk asked for one by one, a login for each of a listing, all zones looked up at once.
MOST_CALLS_OF_AN_ATTEMPT = 25
LONGEST_ATTEMPT_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Result:
    """`deviations` are where the cloud was not exact afterwards; `unfinished` is what was seen instead of the end."""

    row: Row
    next_at: float
    operator_lived: bool
    deviations: tuple[str, ...] = ()
    unfinished: str = ""

    @property
    def went_on_after_seconds(self) -> float | None:
        """From the end of the fault until the work that had met it went on; None when it did not."""
        if self.row.ended is None or self.unfinished:
            return None
        return max(0.0, min(self.row.went_on or self.next_at, self.next_at) - self.row.ended)

    @property
    def outcome(self) -> str:
        """In words."""
        if not self.row.arrivals:
            return "never met"
        if self.unfinished:
            return "not healed"
        if self.row.told is None:
            return "recovered unseen"
        return f"shown as {self.row.told.words[0]}, recovered"

    def complaints(self) -> list[str]:
        """Everything that makes this row a failure, in words; empty when all is well."""
        row = self.row
        pause = shortest_pause(row.arrivals)
        found = {
            "the call was never made": not row.arrivals,
            "the operator ended": not self.operator_lived,
            f"tried again after {pause or 0:.1f} s": pause is not None and pause < row.fault.least_pause_seconds,
            "called in a loop": any(map(_is_loop, attempts(row.arrivals))),
            "stalled by what time heals": row.was_stalled and row.fault.heals_by_time,
            f"terminal: {self.unfinished}": bool(self.unfinished),
            f"not exact: {', '.join(self.deviations)}": bool(self.deviations),
        }
        return [complaint for complaint, holds in found.items() if holds]


def _is_loop(attempt: Sequence[float]) -> bool:
    return len(attempt) > MOST_CALLS_OF_AN_ATTEMPT or attempt[-1] - attempt[0] > LONGEST_ATTEMPT_SECONDS
