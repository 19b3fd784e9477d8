"""Ctrl-C, and what a CI system sends to a job it cancels: said aloud, with what goes on and how to stop it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHELL_OFFSET = 128  # exit codes of programs ended by a signal, as shells have them


class Interrupted(BaseException):
    """Told to end. Not an Exception: nobody on the way treats it as a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = SHELL_OFFSET + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals raise Interrupted in here; afterwards they do what they did before."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
