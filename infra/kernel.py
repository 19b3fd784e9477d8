"""What the kernel says of this machine's processes: which are alive, and which of them are the ones we knew.

A pid alone names nobody, it is used again. Pid, start time, boot and pid namespace together name one process for ever.
Reference: proc(5), boot_id in random(4), pid_namespaces(7).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
START_FIELD = 19  # of the fields behind the command name
THREADS_FIELD = 17


@dataclass(frozen=True, slots=True)
class KernelLine:
    """What /proc/PID/stat says, as far as we ask (proc(5), fields 1, 2, 3, 6, 14, 15, 20, 22)."""

    pid: int
    name: str
    state: str
    session: int
    ticks: int
    threads: int
    start: int

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"


def parsed(text: str) -> KernelLine:
    """A line of /proc/PID/stat; the command name in it may hold spaces and brackets. ValueError if it is none."""
    head, bracket, tail = text.rpartition(")")
    fields = tail.split()
    if not bracket or len(fields) <= START_FIELD:
        raise ValueError(text)
    pid, _, name = head.partition(" (")
    ticks = int(fields[11]) + int(fields[12])
    return KernelLine(
        int(pid), name, fields[0], int(fields[3]), ticks, int(fields[THREADS_FIELD]), int(fields[START_FIELD])
    )


def kernel_line(pid: int) -> KernelLine | None:
    """What the kernel says of a process now; None when there is none."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):  # of somebody else's, with hidepid
        return parsed(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
    return None


def kernel_lines() -> Iterator[KernelLine]:
    """Every live process of the machine."""
    for entry in os.listdir("/proc"):  # noqa: PTH208  one string each: this runs often
        if entry.isdigit() and (line := kernel_line(int(entry))) and line.alive:
            yield line


def boot_id() -> str:
    """A new one with every boot; the same in all containers of a machine."""
    return BOOT.read_text().strip()


def pid_namespace() -> int:
    """The inode of our pid namespace: processes of the same one see each other."""
    return Path("/proc/self/ns/pid").stat().st_ino


def is_gone(pid: int, start: int) -> bool:
    """Whether the process of this pid and start time (of this boot, in our pid namespace) has surely ended.

    The signal asks the kernel itself: a /proc that hides other people's processes (hidepid) proves nothing. A zombie
    has ended once no other thread of it is left.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    line = kernel_line(pid)
    return line is not None and (line.start != start or (not line.alive and line.threads <= 1))


def environment(pid: int) -> dict[str, str] | None:
    """What a process was started with; None when it has ended or we may not know."""
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    pairs = (entry.partition("=") for entry in content.decode(errors="replace").split("\0") if entry)
    return {name: value for name, _, value in pairs}


def words(pid: int) -> list[str]:
    """Its command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
