"""`python -m tests.crash.cutover`: the kill table of cutovers; exit code 0 only when every kill came out right.

First the whole way is gone once with nobody killed: that tells how long each step takes, and that nothing is wrong
without kills. Then for each seed as many rounds as there are kinds of kills, and the late ones, a cut each.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from controllers.api.cutoversteps import Step
from controllers.cutover.way import SWITCH
from tests.conftest import Sandbox, operator_of
from tests.crash.__main__ import INTERRUPTED, interrupted
from tests.crash.cutover.cells import SENTENCES, STEPS, TRIED, Cell, Kill, Round, late_cells, rounds, rounds_again
from tests.crash.cutover.findings import Finding, Findings, table, usual_seconds
from tests.crash.cutover.hand import Hand
from tests.crash.cutover.ledger import Ledger
from tests.crash.cutover.legs import Legs
from tests.e2e.moving.bench import a_moving_system, a_target, with_guests

TRIED_AGAIN = 3  # times, what came when its step had ended


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.cutover", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how often each kill: seeds 1 to N")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--steps", type=_words, default=[step.value for step in STEPS], help="names, by commas")
    parser.add_argument("--kills", type=_words, default=[kill.value for kill in Kill], help="kinds, by commas")
    parser.add_argument("--sandbox", type=Path, help="use this running sandbox and its operator; it goes on")
    parser.add_argument("--list", action="store_true", help="say who is killed, and at which steps")
    found = parser.parse_args(words)
    for what, chosen, known in (("step", found.steps, STEPS), ("kill", found.kills, tuple(Kill))):
        if unknown := [word for word in chosen if word not in known]:
            parser.error(f"no such {what}: {', '.join(unknown)}; there are {', '.join(known)}")
    found.steps, found.kills = [Step(word) for word in found.steps], [Kill(word) for word in found.kills]
    return found


def wanted(steps: Sequence[Step], kills: Sequence[Kill]) -> list[tuple[Step, Kill]]:
    """Every cell that some seed has to meet."""
    return [(step, kill) for kill in kills for step in steps if kill is not Kill.LATE or step in SWITCH]


def run_all(chosen: argparse.Namespace, legs: Legs, findings: Findings) -> None:
    """All rounds of all seeds, and what came too late again by other seeds.

    Raises AssertionError when a way does not come to its end: no other begins then.
    """
    legs.sign()
    legs.cut()
    legs.back()
    seeds = [chosen.seed] if chosen.seed is not None else list(range(1, chosen.seeds + 1))
    for seed in seeds:
        for kills in rounds(seed, chosen.steps, chosen.kills):
            _go(legs, kills)
        for cell in late_cells(seed, chosen.steps, chosen.kills):
            legs.late(cell)
    for seed in range(seeds[-1] + 1, seeds[-1] + 1 + TRIED_AGAIN):
        missed = findings.unmet(wanted(chosen.steps, chosen.kills))
        for kills in rounds_again(seed, missed):
            _go(legs, kills)
        for step, kill in missed:
            if kill is Kill.LATE:
                legs.late(Cell(step, kill, seed))


def _go(legs: Legs, kills: Round) -> None:
    """There and back; how long steps take now says when the kills come."""
    legs.hand.usual |= usual_seconds(legs.moving.story.lines())
    if not kills.keys().isdisjoint(TRIED):
        legs.try_anew(kills)
    legs.cut(kills)
    legs.back(kills)


@contextmanager
def _legs(home: Path | None, findings: Findings) -> Iterator[Legs]:
    """On a sandbox of its own, or on a running one."""

    def heard(finding: Finding) -> None:
        findings.cells.append(finding)
        print(finding, file=sys.stderr, flush=True)

    with ExitStack() as stack:
        sandbox = stack.enter_context(_a_sandbox(home))
        places = stack.enter_context(with_guests(sandbox))
        stack.enter_context(a_target(sandbox))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kunlun-cutover-")))
        moving = stack.enter_context(a_moving_system(sandbox, places, logs))
        hand = Hand(moving, operator_of(sandbox), usual_seconds(moving.story.lines()), heard)
        yield Legs(moving, hand, Ledger(moving), findings.flaws)


@contextmanager
def _a_sandbox(home: Path | None) -> Iterator[Sandbox]:
    found = Sandbox((home or Path(tempfile.mkdtemp(prefix="kunlun-cutover-"))).absolute())
    try:
        found.command("up")
        yield found
    finally:
        if home is None:
            found.command("down", "--wipe", check=False)
            shutil.rmtree(found.home, ignore_errors=True)


def main() -> int:
    """0 when everything came out right. An interrupted suite shows what it has, and is no success."""
    chosen = arguments()
    if chosen.list:
        print("\n".join(f"{kill:10} {SENTENCES[kill]}" for kill in Kill))
        print("at " + ", ".join(STEPS))
        return 0
    signal.signal(signal.SIGTERM, interrupted)
    began, findings, code = time.monotonic(), Findings(), 0
    try:
        with _legs(chosen.sandbox, findings) as legs:
            run_all(chosen, legs, findings)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # what was found until then is told all the same
        findings.flaws.append(f"the suite itself: {type(error).__name__}: {error}")
    print(table(findings))
    if unmet := findings.unmet(wanted(chosen.steps, chosen.kills)):
        print("never met: " + ", ".join(f"{step}/{kill}" for step, kill in unmet))
    print(f"{len(findings.cells)} kills in {time.monotonic() - began:.0f} s")
    return code or findings.code(wanted(chosen.steps, chosen.kills))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


if __name__ == "__main__":
    sys.exit(main())
