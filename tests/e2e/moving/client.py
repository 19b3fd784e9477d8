"""The client that always writes, followed: what it was told is kept, and when nobody answered it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

WRITER, LOOKER = (Path(__file__).parent / name for name in ("writer.py", "looker.py"))


@dataclass(frozen=True, slots=True)
class Client:
    """`log` grows while it writes."""

    log: Path

    def told(self) -> list[tuple[str, int, float]]:
        """(ack or lost, number, time) of each attempt that has ended."""
        lines = [line.split() for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [(what, int(number), float(time)) for what, number, time in lines]

    def acknowledged(self) -> set[int]:
        return {number for what, number, _ in self.told() if what == "ack"}

    def longest_gap_seconds(self) -> float:
        """The longest time between two writes that were acknowledged one after the other."""
        times = [time for what, _, time in self.told() if what == "ack"]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


@contextmanager
def always_writing(namespace: str, url: str, log: Path) -> Iterator[Client]:
    """A client in a network namespace, until the end."""
    with _running(namespace, [str(WRITER), url], log):
        yield Client(log)


@contextmanager
def always_looking(namespace: str, source: str, target: str, log: Path) -> Iterator[Callable[[], Counter[str]]]:
    """Somebody looks at both sides, until the end; gives how often who served."""
    with _running(namespace, [str(LOOKER), source, target], log):
        yield lambda: Counter(line.split()[0] for line in log.read_text().splitlines() if line)


@contextmanager
def _running(namespace: str, program: list[str], log: Path) -> Iterator[None]:
    argv = ["ip", "netns", "exec", namespace, sys.executable, *program]
    with log.open("w") as lines, subprocess.Popen(argv, stdout=lines) as process:
        try:
            yield
        finally:
            process.kill()
            process.wait()
