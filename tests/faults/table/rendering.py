"""The table as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.table.calls import call_name
from tests.faults.table.judging import Result
from tests.faults.table.rows import shortest_pause

COLUMNS = (
    "fault",
    "call",
    "of a",
    "form",
    "outcome",
    "healed s",
    "calls",
    "pause s",
    "alive",
    "exact",
    "what the user read",
)
LONGEST_MESSAGE = 140


def table(results: Sequence[Result]) -> str:
    """One line a row, columns aligned; complaints below their row."""
    lines: list[tuple[tuple[str, ...], list[str]]] = [(COLUMNS, [])]
    lines += [(cells(result), result.complaints()) for result in results]
    widths = [max(len(words[place]) for words, _ in lines) for place in range(len(COLUMNS))]
    text: list[str] = []
    for words, complaints in lines:
        text.append("  ".join(word.ljust(width) for word, width in zip(words, widths, strict=True)).rstrip())
        text += [f"    !! {complaint}" for complaint in complaints]
    return "\n".join(text)


def summary(results: Sequence[Result], seconds: float) -> str:
    """The last line."""
    wrong = sum(bool(result.complaints()) for result in results)
    unseen = sum(result.outcome == "recovered unseen" for result in results)
    right = f"{len(results) - wrong} as they should be ({unseen} recovered before anybody saw it)"
    return f"{len(results)} rows in {seconds:.0f} s: {right}, {wrong} not"


def cells(result: Result) -> tuple[str, ...]:
    """The words of one line."""
    row, healed, pause = result.row, result.went_on_after_seconds, shortest_pause(result.row.arrivals)
    return (
        row.fault.name,
        call_name(row.call),
        row.of,
        row.form,
        result.outcome,
        "-" if healed is None else f"{healed:.1f}",
        str(len(row.arrivals)),
        "-" if pause is None else f"{pause:.1f}",
        "yes" if result.operator_lived else "NO",
        "NO" if result.deviations else "yes",
        _message(result),
    )


def _message(result: Result) -> str:
    if result.row.told is None:
        return ""
    words = " ".join(result.row.told.words[1].split())
    return words if len(words) <= LONGEST_MESSAGE else f"{words[: LONGEST_MESSAGE - 1]}…"
