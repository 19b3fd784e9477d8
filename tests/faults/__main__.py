"""`python -m tests.faults`: the fault table. Exit code 0 only when every row is as it should be."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.faults.calls import Kind
from tests.faults.table.calls import call_name
from tests.faults.table.faults import FAULTS, Fault
from tests.faults.table.judging import Result
from tests.faults.table.lives import dealt, every_pair
from tests.faults.table.rendering import summary, table
from tests.faults.table.run import results_of
from tests.faults.table.upkeep import every_upkeep_row

ORDER = list(FAULTS)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=_names, help="only these, such as '500; dropped after'")
    parser.add_argument("--calls", type=_names, help="only these, such as 'POST ports; DELETE servers'")
    parser.add_argument("--forms", choices=["mixed", "once", "lasting"], default="mixed")
    parser.add_argument("--side-by-side", type=int, default=12, help="how many requests live at once")
    parser.add_argument("--dir", type=Path, help="use the running sandbox in this folder (without operator)")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    return parser.parse_args(words)


def main() -> int:
    """0 when every row is as it should be."""
    words = arguments()
    lives = dealt([pair for pair in every_pair() if _is_wanted(words, *pair)], words.forms)
    upkeep = [row for row in every_upkeep_row(words.forms) if _is_wanted(words, row.fault, row.call)]
    if words.list:
        print("\n".join(row.name for row in (*(row for life in lives for row in life.rows), *upkeep)))
        return 0
    signal.signal(signal.SIGTERM, _interrupted)
    began, found = time.monotonic(), list[Result]()
    expected = sum(len(life.rows) for life in lives) + len(upkeep)

    def heard(result: Result) -> None:
        found.append(result)
        _tell(result)

    try:
        results_of(lives, upkeep, side_by_side=words.side_by_side, home=words.dir, heard=heard)
    finally:  # what is known is worth reading, also when the run was interrupted
        found.sort(key=lambda result: (ORDER.index(result.row.fault.name), result.row.of, result.row.call))
        print(table(found))
        print(summary(found, time.monotonic() - began))
    return 0 if len(found) == expected and not any(result.complaints() for result in found) else 1


def _is_wanted(words: argparse.Namespace, fault: Fault, call: Kind) -> bool:
    wanted = words.faults is None or fault.name in words.faults
    return wanted and (words.calls is None or call_name(call) in words.calls)


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(";")}


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(result: Result) -> None:
    complaints = result.complaints()
    print(f"{result.row.name}: {'; '.join(complaints) or result.outcome}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
