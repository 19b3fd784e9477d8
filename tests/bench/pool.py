"""What a warm pool would save: an environment that is built, beside one whose servers stand ready.

    python -m tests.bench.pool [--runs 5] [--clouds-yaml FILE]

A server from a pool still needs what makes the environment its owner's: a network with a prefix of its own, a router,
the rules of its flows, and a port there. The best script we know does both, in turns; the baseline is building.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from functools import partial

from tests.bench.peer import Peer
from tests.bench.stage import a_stage, arguments

TARGET_SECONDS = 2.0


def main() -> None:
    """Measure and print."""
    parser = arguments("an environment from a pool, beside one that is built")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    stage = asyncio.run(a_stage(options))
    peer, built, claimed = Peer(stage), list[float](), list[float]()
    for run in range(options.runs):
        pooled, name = f"pool-{run}-end", f"claimed-{run}-end"
        built.append(_seconds(partial(peer.build, pooled, next(stage.free))))
        claimed.append(_seconds(partial(peer.claim, name, next(stage.free), pooled)))
        peer.remove(pooled)
        peer.remove(name)
        print(f"built in {built[-1]:.2f} s, claimed in {claimed[-1]:.2f} s", flush=True)
    stage.clouds.close()
    whole, rest = statistics.median(built), statistics.median(claimed)
    print(f"claimed / built: {rest / whole:.2f}; {rest:.2f} s (target {TARGET_SECONDS} s) beside {whole:.2f} s")


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
