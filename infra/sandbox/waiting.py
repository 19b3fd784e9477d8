"""Waiting with a deadline. The sandbox is a command that people watch, so here, and only here, it polls."""

from __future__ import annotations

import time
from collections.abc import Callable

from infra.sandbox.errors import NotReady

DEADLINE_SECONDS = 120.0


def wait_until(
    what: str, probe: Callable[[], object], *, deadline_seconds: float = DEADLINE_SECONDS, every_seconds: float = 0.1
) -> None:
    """Return once `probe` answers something true; NotReady after the deadline.

    A probe that cannot reach what it asks raises OSError, which counts as "not yet".
    """
    end = time.monotonic() + deadline_seconds
    while not answers(probe):
        if time.monotonic() > end:
            raise NotReady(f"{what} was not ready after {deadline_seconds:.0f} s")
        time.sleep(every_seconds)


def answers(probe: Callable[[], object]) -> bool:
    """Whether the probe holds now."""
    try:
        return bool(probe())
    except OSError:
        return False
