"""What a killed operator left running or locked: ended, and unlocked, but only on proof.

An engine outlives the operator that started it, and a lock outlives its engine. Whether an engine is ours is read from
its environment: it works on our state folder. A lock is broken only when the engine that holds it is surely gone.
The engine's lock files are JSON with `pid`, `username`, `hostname` and `timestamp` (pulumi, backend/diy/lock.go).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from infra.errors import StackLocked
from infra.kernel import KernelLine, environment, is_gone, kernel_line, kernel_lines, words

PROGRAM = "pulumi"
UNWRITTEN_SECONDS = 30.0  # a lock of 200 bytes is written in milliseconds
_UNWRITTEN = ".tmp"  # the name that a file has until all of it is written (gocloud.dev/blob/fileblob)
_END_SECONDS = 0.5  # SIGKILL takes milliseconds; the loop may wait that long
log = structlog.get_logger(__name__)


def backend_url(state: Path) -> str:
    """Where the engines of a state folder work; it is in the environment of each."""
    return f"file://{state / 'backend'}?metadata=skip"


def end_engines(state: Path) -> int:
    """SIGKILL for every engine of the state folder; how many there were. Only for who has the folder to himself."""
    engines = list(_engines(state))
    for engine in engines:
        with suppress(ProcessLookupError):
            os.kill(engine.pid, signal.SIGKILL)
    for engine in engines:
        _comes_to_an_end(engine)
    return len(engines)


def break_abandoned_locks(state: Path) -> None:
    """Remove every lock in the folder but those of engines that run here and are not ours. For the start only.

    The proof: nobody else uses the folder (our caller holds its lock, which the kernel frees with its holder), the
    engines it had on this machine were ended, and one on another machine, if the folder is shared, can change nothing
    but this cache, because the operator behind it does not lead. So neither a new host name (every pod has one) nor a
    lock file that was cut short stops anything for ever.
    """
    for file in sorted(path for path in (state / "backend" / ".pulumi" / "locks").rglob("*") if path.is_file()):
        owner, uid = _owner(file), file.parent.name
        if owner.pid is not None and owner.host == socket.gethostname() and not _ended(owner, state, uid):
            continue
        log.info("lock broken", request=uid, owner=owner.told, lock=str(file))
        file.unlink(missing_ok=True)


def break_locks(locks: Path, state: Path, uid: str) -> None:
    """Remove the locks of one stack whose engines are gone; an engine of ours that still holds one is ended first.

    A lock that was never written to its end (the disk was full) is held by nobody, and yet every engine counts it.
    Only while no run of the stack is going on. Raises StackLocked when an owner may still be at work.
    """
    for file in sorted(locks.glob("*")):
        owner = _owner(file)
        if not (_was_never_written(file) or _ended(owner, state, uid)):
            raise StackLocked(
                f"the engine's state of this request is locked by {owner.told}, which cannot be seen to have ended; "
                f"the operator's log names the file: once nobody works there, delete it"
            )
        log.info("lock broken", request=uid, owner=owner.told, lock=str(file))
        file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom a lock file names; without a pid the file says nothing."""

    file: Path
    pid: int | None = None
    host: str = ""
    since: str = ""

    @property
    def told(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}" if self.pid else "somebody it does not name"


def _owner(file: Path) -> _Owner:
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(file.read_text(encoding="utf-8"))
        return _Owner(file, int(content["pid"]), str(content["hostname"]), str(content["timestamp"]))
    return _Owner(file)


def _was_never_written(file: Path) -> bool:
    """Whether its writer has given up: it would have renamed it long ago."""
    try:
        return file.name.endswith(_UNWRITTEN) and time.time() - file.stat().st_mtime > UNWRITTEN_SECONDS
    except FileNotFoundError:
        return True


def _ended(owner: _Owner, state: Path, uid: str) -> bool:
    """Whether the owner is surely gone, ended by us if it was ours."""
    if owner.pid is None or owner.host != socket.gethostname():
        log.warning("lock cannot be judged", request=uid, owner=owner.told, lock=str(owner.file))
        return False
    line = kernel_line(owner.pid)
    if line is None:
        return is_gone(owner.pid, 0)
    if not line.alive or not words(owner.pid):  # killed just now: it has no command line any more, but perhaps threads
        return _comes_to_an_end(line)
    variables = environment(owner.pid)
    if variables is None or variables.get("PULUMI_BACKEND_URL") != backend_url(state):
        return line.name != PROGRAM  # then its pid is another's now; but an engine may have come here by another path
    if uid not in words(owner.pid):
        return True  # an engine of ours with the same pid, working on another stack
    log.warning("engine left behind is ended", request=uid, pid=owner.pid)
    with suppress(ProcessLookupError):
        os.kill(owner.pid, signal.SIGKILL)
    return _comes_to_an_end(line)


def _comes_to_an_end(line: KernelLine) -> bool:
    deadline = time.monotonic() + _END_SECONDS
    while not (gone := is_gone(line.pid, line.start)) and time.monotonic() < deadline:
        time.sleep(0.005)
    return gone


def _engines(state: Path) -> Iterator[KernelLine]:
    url = backend_url(state)
    for line in kernel_lines():
        if line.name == PROGRAM and (environment(line.pid) or {}).get("PULUMI_BACKEND_URL") == url:
            yield line
