"""The engine is killed, outlives its operator, or finds its state gone."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress

import psutil

from tests.crash.run import Run
from tests.faults.actions import Moment


def engine_killed(run: Run) -> None:
    """The engine is killed in the middle of its work; its lock stays."""
    gate = run.gate_at(run.creation(), Moment.BEFORE)
    for engine in _at_work(run):
        with suppress(psutil.NoSuchProcess):
            engine.kill()
    gate.forward()


def engine_outlives_operator(run: Run) -> None:
    """The engine hangs while its operator is killed, and wakes up beside the engine of the next one."""
    gate = run.gate_at(run.creation(), Moment.BEFORE)
    engines = _at_work(run)
    for engine in engines:
        os.kill(engine.pid, signal.SIGSTOP)
    run.operator.kill()
    gate.drop()
    run.operator.start()
    run.until(lambda: len(run.operator.engines()) > len(engines) or run.story.is_ready(), "the next engine works")
    for engine in engines:
        with suppress(ProcessLookupError):
            os.kill(engine.pid, signal.SIGCONT)


def state_lost(run: Run) -> None:
    """The operator is killed in the middle of a build, and its state folder is lost while it is down."""
    _killed(run)
    shutil.rmtree(run.operator.state)
    run.operator.state.mkdir()
    run.operator.start()


def state_truncated(run: Run) -> None:
    """The operator is killed in the middle of a build, and every file of its state is cut in half."""
    _killed(run)
    for path in [path for path in run.operator.state.rglob("*") if path.is_file()]:
        os.truncate(path, path.stat().st_size // 2)
    run.operator.start()


def _at_work(run: Run) -> list[psutil.Process]:
    """Approve, and wait for the engine."""
    run.approve()
    run.until(lambda: bool(run.operator.engines()), "the engine works")
    return run.operator.engines()


def _killed(run: Run) -> None:
    gate = run.gate_at(run.creation(), Moment.AFTER)
    run.approve()
    run.caught(gate)
    run.operator.kill()
    gate.drop()
    run.until(lambda: not run.operator.engines(), "the engine of the dead operator has ended")
