"""A state folder that cannot be written to, told apart from everything else that makes a run fail.

A full disk is found before the cloud is touched, not after; and when a run fails, the disk is tried again, because
the engine's own words about it may have found no room either.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import EngineFailed, StateUnwritable

_ROOM_BYTES = 262_144  # what a run writes at least: its state, its output, its own settings
_MIB = 1024 * 1024
# Not every OSError is about the disk: timeouts and broken connections are among them.
_DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT, errno.ENOTDIR
}  # fmt: skip
_DISK_WORDS = re.compile(r"no space left|disk quota exceeded|read-only file system", re.IGNORECASE)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Around everything that needs the folder. Raises StateUnwritable, before anything is done if it can."""
    try:
        _write_and_remove(folder)
        yield
    except EngineFailed as error:
        _tell_disk_from_engine(folder, error)
        raise
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise _unwritable(folder, error.strerror) from error


def _tell_disk_from_engine(folder: Path, failure: EngineFailed) -> None:
    if words := _DISK_WORDS.search(failure.message):
        raise _unwritable(folder, words[0]) from failure
    try:
        _write_and_remove(folder)
    except OSError as error:
        raise _unwritable(folder, error.strerror) from failure


def _write_and_remove(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    room = folder / "room"
    try:
        room.write_bytes(bytes(_ROOM_BYTES))
    finally:
        room.unlink(missing_ok=True)


def _unwritable(folder: Path, why: str | None) -> StateUnwritable:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free // _MIB
    return StateUnwritable(
        f"the operator cannot write to its state folder {folder} ({why}; {free} MiB free): make room there or make "
        "it writable; then this goes on by itself"
    )
