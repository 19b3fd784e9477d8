"""Everything at once, at random: `python -m tests.crash.chaos --minutes 15 --requests 10 --seed N`.

Requests are created, changed and deleted while the operator, its engines and the API server are killed. When the time
is over the killing ends; then everything approved must be exact and everything deleted gone.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from infra.sandbox.controlplane import APISERVER
from tests.crash.__main__ import interrupted
from tests.crash.lane import Lane, a_lane
from tests.crash.lives import Life
from tests.crash.story import WatchedStory
from tests.crash.verdict import Verdict, listed, remains, verdict_on

TICK_SECONDS = 0.5
BETWEEN_TURNS_SECONDS = (0.5, 5.0)
BETWEEN_KILLS_SECONDS = (2.0, 20.0)
CONVERGENCE_SECONDS = 600.0
VICTIMS = {"operator": 6, "engine": 3, APISERVER: 1}  # how often, in relation to each other


@dataclass(slots=True)
class Chaos:
    """One storm over one lane."""

    lane: Lane
    lives: list[Life]
    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    next_turn: float = 0.0
    next_kill: float = 0.0

    def rage(self, seconds: float) -> None:
        """For so long: turns and kills at their random moments."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = time.monotonic()
            if now >= self.next_turn:
                self.happened[self.chance.choice(self.lives).turn(self.chance)] += 1
                self.next_turn = now + self.chance.uniform(*BETWEEN_TURNS_SECONDS)
            if now >= self.next_kill:
                self.kill()
                self.next_kill = now + self.chance.uniform(*BETWEEN_KILLS_SECONDS)
            self.tick()

    def kill(self) -> None:
        """One victim, by chance."""
        match self.chance.choices(list(VICTIMS), list(VICTIMS.values()))[0]:
            case "operator":
                self.lane.operator.kill()
                self.lane.operator.start()
                self.happened["operator killed"] += 1
            case "engine":
                for engine in self.lane.operator.engines():
                    with suppress(psutil.NoSuchProcess):
                        engine.kill()
                        self.happened["engine killed"] += 1
            case _:
                self.lane.sandbox.kill(APISERVER)
                self.lane.sandbox.command("up", "--no-operator")
                self.happened["API server killed"] += 1

    def tick(self) -> None:
        """Everybody does what is to be done now."""
        self.lane.tend()
        for life in self.lives:
            with suppress(ConnectionError):  # tried again in the next tick
                life.tend()
        time.sleep(TICK_SECONDS)

    def settle(self) -> float:
        """Seconds until everybody has what they want. TimeoutError when that does not come."""
        began = time.monotonic()
        while not all(map(_is_settled, self.lives)):
            if time.monotonic() > began + CONVERGENCE_SECONDS:
                unsettled = {life.story.name: life.story.told() for life in self.lives if not _is_settled(life)}
                raise TimeoutError(f"not settled after {CONVERGENCE_SECONDS:.0f} s: {json.dumps(unsettled, indent=1)}")
            self.tick()
        return time.monotonic() - began

    def verdict(self) -> Verdict:
        """The whole project against all plans in force; and the state folder against everything that is gone."""
        living = [life for life in self.lives if life.wanted is not None]
        plans = [life.story.plan(life.story.read()["status"]["approvedPlan"]).stack for life in living]
        verdict = verdict_on(listed(self.lane.sandbox.clouds, self.lane.projects["extranet"]), plans)
        gone = {uid for life in self.lives for uid in life.uids} - {plan.origin.uid for plan in plans}
        for uid in sorted(gone):
            verdict += remains([self.lane.operator.state], uid)
        return verdict

    def end(self) -> None:
        """Everybody wants their request to be gone."""
        for life in self.lives:
            life.wanted = None


def storm(lane: Lane, chosen: argparse.Namespace) -> dict[str, object]:
    """The whole story; what happened, in figures."""
    lives = [Life(WatchedStory(lane.sandbox, f"chaos-{number}")) for number in range(chosen.requests)]
    chaos = Chaos(lane, lives, random.Random(chosen.seed))
    chaos.rage(chosen.minutes * 60)
    settled_seconds = chaos.settle()
    living = sum(life.wanted is not None for life in lives)
    built = chaos.verdict()
    chaos.end()
    gone_seconds = chaos.settle()
    gone = chaos.verdict()
    return {
        "seed": chosen.seed,
        **chaos.happened,
        "requests at the end": living,
        "seconds until all were settled": round(settled_seconds, 1),
        "seconds until all were gone": round(gone_seconds, 1),
        "lost": [*built.lost, *gone.lost],
        "doubled": [*built.doubled, *gone.doubled],
        "left over": [*built.left_over, *gone.left_over],
    }


def main() -> int:
    """0 when nothing was lost, doubled or left."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--requests", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    print(f"seed {chosen.seed}", file=sys.stderr, flush=True)
    with a_lane(threading.Event()) as lane:
        figures = storm(lane, chosen)
    print(json.dumps(figures, indent=1))
    return 1 if figures["lost"] or figures["doubled"] or figures["left over"] else 0


def _is_settled(life: Life) -> bool:
    with suppress(ConnectionError):
        return life.is_settled()
    return False


if __name__ == "__main__":
    sys.exit(main())
