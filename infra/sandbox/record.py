"""sandbox.json: what a sandbox remembers of itself between commands."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Literal

from infra.sandbox.errors import SandboxFailed
from infra.sandbox.layout import Layout, write_private
from infra.sandbox.ports import Ports

# cold: without a seed; seed: a new folder; warm: a stopped sandbox; repair: parts had died; running: nothing to do
StartKind = Literal["cold", "seed", "warm", "repair", "running"]
LONGEST_HOME = 75  # Unix socket paths end at 107 bytes (unix(7)), and ours lie below the folder


@dataclass(frozen=True, slots=True)
class Record:
    """`starts` holds the seconds of the newest start of each kind."""

    base: int | None = None
    cinder: bool = False
    operator: bool = False
    guests: bool = False
    desktops: bool = False
    starts: dict[str, float] = field(default_factory=dict)


def read_record(layout: Layout) -> Record:
    try:
        content = json.loads(layout.record.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return Record()
    content.pop("ports", None)
    return Record(**content)


def write_record(layout: Layout, record: Record) -> None:
    ports = Ports(record.base).by_name() if record.base is not None else {}
    write_private(layout.record, json.dumps({**asdict(record), "ports": ports}, indent=1) + "\n")


def ensure_ours(layout: Layout) -> None:
    """Refuse a folder that holds somebody's files: `down --wipe` would remove them."""
    if len(str(layout.home)) > LONGEST_HOME:
        raise SandboxFailed(f"{layout.home} is too long a path for Unix sockets: at most {LONGEST_HOME} characters")
    if layout.home.exists() and not layout.home.is_dir():
        raise SandboxFailed(f"{layout.home} is not a folder")
    if layout.home.is_dir() and any(layout.home.iterdir()) and not layout.record.exists():
        raise SandboxFailed(f"{layout.home} is not empty and holds no sandbox: choose another folder with --dir")


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """One command at a time works on a sandbox; the next one waits."""
    with (layout.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
