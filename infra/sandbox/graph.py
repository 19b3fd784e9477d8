"""Steps that depend on each other, run side by side, each as early as it can, with its time reported."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.errors import KunlunError
from infra.sandbox.errors import SandboxFailed

REPORTED_SECONDS = 0.3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to reach. `needs` are names of other steps; `reach` returns at once when it holds already."""

    reach: Callable[[], None]
    needs: tuple[str, ...] = ()


def run_steps(steps: Mapping[str, Step], say: Say) -> None:
    """Run every step once. After a failure nothing new starts; every failure is reported, not only the first."""
    ended = {name: threading.Event() for name in steps}
    failures: list[str] = []

    def work(name: str) -> None:
        try:
            for need in steps[name].needs:
                ended[need].wait()
            if not failures:
                timed(name, steps[name].reach, say)
        except KunlunError as error:
            failures.append(f"{name}: {error.message}")
        except Exception as error:  # a thread must not die silently: whatever it was, it is reported below
            failures.append(f"{name}: {type(error).__name__}: {error}")
        finally:
            ended[name].set()

    threads = [threading.Thread(target=work, args=(name,), daemon=True, name=name) for name in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SandboxFailed("\n".join(failures))


def timed(name: str, reach: Callable[[], None], say: Say) -> None:
    """Run one step, and say so when it took long enough for a person to notice."""
    began = time.monotonic()
    reach()
    seconds = time.monotonic() - began
    if seconds > REPORTED_SECONDS:
        say(f"{name} {seconds:.1f} s")
