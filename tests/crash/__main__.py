"""`python -m tests.crash`: every point with so many seeds; exit code 0 only when nothing was lost, doubled or left."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, as_completed
from pathlib import Path
from types import FrameType

from tests.crash.lane import PRODUCT
from tests.crash.outcome import Lanes, Outcome, table
from tests.crash.points import POINTS

BLINDED = ("-m", "tests.crash.forgetful")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many runs of each point: seeds 1 to N")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--points", type=lambda text: text.split(","), default=list(POINTS), help="names, by commas")
    parser.add_argument("--lanes", type=int, default=2, help="how many sandboxes side by side")
    parser.add_argument("--sandbox", type=Path, help="use this running sandbox (without operator), in one lane")
    parser.add_argument("--without", choices=["recovery"], help="blind the operator: the suite has to see it")
    parser.add_argument("--list", action="store_true", help="say what the points are")
    found = parser.parse_args(words)
    if unknown := set(found.points) - set(POINTS):
        parser.error(f"no such point: {', '.join(sorted(unknown))}; there are {', '.join(POINTS)}")
    return found


def run_all(chosen: argparse.Namespace) -> list[Outcome]:
    """All runs, told of as they end, in the order of the points."""
    seeds = [chosen.seed] if chosen.seed is not None else range(1, chosen.seeds + 1)
    entry = BLINDED if chosen.without else PRODUCT
    with Lanes(chosen.lanes, chosen.sandbox, entry) as lanes:
        asked: list[Future[Outcome]] = [lanes.ask(POINTS[name], seed) for seed in seeds for name in chosen.points]
        for future in as_completed(asked):
            print(future.result(), file=sys.stderr, flush=True)
    outcomes = [future.result() for future in asked]
    return sorted(outcomes, key=lambda outcome: (list(POINTS).index(outcome.point), outcome.seed))


def main() -> int:
    """0 when everything was exact."""
    chosen = arguments()
    if chosen.list:
        print("\n".join(f"{point.name:28} {point.sentence}" for point in POINTS.values()))
        return 0
    signal.signal(signal.SIGTERM, interrupted)
    began = time.monotonic()
    outcomes = run_all(chosen)
    print(table(outcomes))
    print(f"{len(outcomes)} runs in {time.monotonic() - began:.0f} s")
    return 0 if all(outcome.verdict.is_exact for outcome in outcomes) else 1


def interrupted(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the suite as ^C does: everything it started is ended."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
