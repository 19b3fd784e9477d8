"""A leader's time: from the Lease it has just acquired to its end.

An operator works only while it holds the Lease. Told to end, it ends its passes in order and lets the Lease go; having
lost the Lease, it ends at once, because somebody else may be acting already.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import structlog

from controllers.lease import Lease, LeaseLost
from controllers.operator import Operator
from controllers.rotation import watch_credential
from infra.errors import EngineInterrupted, PlatformError

START_AGAIN_SECONDS = 15.0
log = structlog.get_logger(__name__)


async def lead(operator: Operator, lease: Lease, *, told_to_end: asyncio.Event) -> None:
    """Watch and work until told to end; then end everything in order and let the Lease go.

    Raises LeaseLost when somebody else may be acting: engines are killed, and the process MUST end, or begin anew,
    without any further change.
    """
    parts, end = operator.parts, asyncio.get_running_loop().create_task(told_to_end.wait())
    holding = asyncio.get_running_loop().create_task(lease.hold())
    try:
        await _first_of(holding, end, operator.start_beside(_begin(operator)))
        operator.ready_file.unlink(missing_ok=True)
        await _first_of(holding, asyncio.get_running_loop().create_task(operator.stop()))
        holding.cancel()
        await lease.release()  # before the watches end: that takes seconds, and the next one need not wait
        await operator.stop_beside()
    except LeaseLost:
        parts.engine.kill()
        parts.configurator.kill()
        parts.runner.kill()
        raise
    finally:
        operator.ready_file.unlink(missing_ok=True)
        end.cancel()


async def _begin(operator: Operator) -> None:
    """Watch, when the engine can work: a state folder that cannot be written (yet) is waited for."""
    parts = operator.parts
    while not await _engine_starts(operator):  # noqa: ASYNC110 - nothing tells us that a disk has room again
        await asyncio.sleep(START_AGAIN_SECONDS)
    operator.start_beside(operator.sweep())
    operator.start_beside(watch_credential(parts.clouds, operator.credential_changed))
    operator.start_beside(_announce(operator.watches.ready, operator.ready_file))
    await operator.watches.run()


async def _engine_starts(operator: Operator) -> bool:
    try:
        await operator.parts.engine.start()
        await operator.parts.configurator.start()
        await operator.parts.runner.start()
    except (EngineInterrupted, PlatformError) as error:
        log.warning("the engine cannot start", reason=error.reason, message=error.message)
        return False
    return True


async def _first_of(*tasks: asyncio.Task[Any]) -> None:
    """Raises what the first to end has raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _announce(ready: asyncio.Event, ready_file: Path) -> None:
    await ready.wait()
    ready_file.touch()  # noqa: ASYNC240 - a local file, once
    log.info("ready")
