"""`python -m tests.crash`: every point with so many seeds; exit code 0 only when nothing was lost, doubled or left."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from pathlib import Path
from types import FrameType

from tests.crash.lane import PRODUCT
from tests.crash.outcome import LANES, Lanes, Outcome, table
from tests.crash.points import POINTS

BLINDED = ("-m", "tests.crash.forgetful")
INTERRUPTED = 130


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many runs of each point: seeds 1 to N")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--points", type=lambda text: text.split(","), default=list(POINTS), help="names, by commas")
    parser.add_argument("--lanes", type=int, default=LANES, help="how many sandboxes side by side")
    parser.add_argument("--sandbox", type=Path, help="use this running sandbox (without operator), in one lane")
    parser.add_argument("--without", choices=["recovery"], help="blind the operator: the suite has to see it")
    parser.add_argument("--list", action="store_true", help="say what the points are")
    found = parser.parse_args(words)
    if unknown := set(found.points) - set(POINTS):
        parser.error(f"no such point: {', '.join(sorted(unknown))}; there are {', '.join(POINTS)}")
    return found


def run_all(chosen: argparse.Namespace, tell: Callable[[Outcome], None]) -> None:
    """All runs; each is told of as it ends."""
    seeds = [chosen.seed] if chosen.seed is not None else range(1, chosen.seeds + 1)
    entry = BLINDED if chosen.without else PRODUCT
    with Lanes(chosen.lanes, chosen.sandbox, entry) as lanes:
        asked: list[Future[Outcome]] = [each for seed in seeds for each in lanes.ask(chosen.points, seed).values()]
        for future in as_completed(asked):
            print(future.result(), file=sys.stderr, flush=True)
            tell(future.result())


def main() -> int:
    """0 when everything was exact. An interrupted suite shows what it has, and is no success."""
    chosen = arguments()
    if chosen.list:
        print("\n".join(f"{point.name:28} {point.sentence}" for point in POINTS.values()))
        return 0
    signal.signal(signal.SIGTERM, interrupted)
    began, outcomes, code = time.monotonic(), list[Outcome](), 0
    try:
        run_all(chosen, outcomes.append)
    except KeyboardInterrupt:
        code = INTERRUPTED
    print(table(sorted(outcomes, key=lambda outcome: list(POINTS).index(outcome.point))))
    print(f"{len(outcomes)} runs in {time.monotonic() - began:.0f} s")
    return code or int(not all(outcome.verdict.is_exact for outcome in outcomes))


def interrupted(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the suite as ^C does: everything it started is ended. A second one does not stop the ending."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
