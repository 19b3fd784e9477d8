"""Processes are known by pid, start time and boot; nothing else is ever ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from infra.kernel import kernel_line, parsed
from infra.sandbox.processes import ProcessTable, Program

SLEEPER = ("sleep", "60")


@pytest.fixture
def table(tmp_path: Path) -> ProcessTable:
    return ProcessTable(tmp_path)


def a_program(folder: Path, name: str = "sleeper", argv: tuple[str, ...] = SLEEPER) -> Program:
    return Program(name, argv, folder / f"{name}.log", {"PATH": os.environ["PATH"]})


def gone(pid: int) -> bool:
    line = kernel_line(pid)
    return line is None or not line.alive


def test_a_started_program_is_recorded_and_ended(tmp_path: Path, table: ProcessTable) -> None:
    """Launch, see it alive, end it, see nothing of it."""
    table.launch(a_program(tmp_path))
    pid = table.alive("sleeper")

    assert pid is not None
    table.end("sleeper", grace_seconds=2)
    assert gone(pid)
    assert [] == table.names()


def test_launching_twice_starts_once(tmp_path: Path, table: ProcessTable) -> None:
    """A running program is left alone."""
    table.launch(a_program(tmp_path))
    first = table.alive("sleeper")
    table.launch(a_program(tmp_path))

    assert first == table.alive("sleeper")
    table.end("sleeper", grace_seconds=0)


def test_a_reused_pid_is_somebody_elses_and_is_not_touched(tmp_path: Path, table: ProcessTable) -> None:
    """A record whose start time differs names a process that is no more."""
    with subprocess.Popen(SLEEPER, start_new_session=True) as stranger:
        stat = Path(f"/proc/{stranger.pid}/stat").read_text().split()
        stat[21] = str(int(stat[21]) - 1)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        table.record("old").write_text(" ".join(stat) + "\n" + boot)

        assert table.alive("old") is None
        assert [] == table.members("old")
        table.end("old", grace_seconds=0)
        assert not gone(stranger.pid)
        stranger.kill()


def test_a_record_of_an_earlier_boot_means_nothing(table: ProcessTable) -> None:
    """Pids and start times begin again after a reboot."""
    line = Path("/proc/self/stat").read_text()
    table.record("old").write_text(line + "00000000-0000-0000-0000-000000000000\n")

    assert table.alive("old") is None


@pytest.mark.parametrize("content", ["", "12", "12 (sh) S 1", "nonsense\n\n\n"])
def test_a_record_cut_short_means_nothing(table: ProcessTable, content: str) -> None:
    """A power cut may leave half a record."""
    table.record("half").write_text(content)

    assert table.alive("half") is None
    assert [] == table.members("half")


def test_children_of_a_killed_leader_are_ended_too(tmp_path: Path, table: ProcessTable) -> None:
    """kill -9 of a server leaves its workers; they belong to the record."""
    table.launch(a_program(tmp_path, argv=("sh", "-c", "sleep 60 & sleep 60")))
    leader = table.alive("sleeper")
    assert leader is not None
    deadline = time.monotonic() + 5
    while len(table.members("sleeper")) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(leader, signal.SIGKILL)
    orphans = [line.pid for line in table.members("sleeper") if line.pid != leader]

    assert orphans
    table.end("sleeper", grace_seconds=0)
    assert [True] * len(orphans) == [gone(pid) for pid in orphans]


def test_a_command_name_may_hold_anything() -> None:
    """Spaces and brackets in a command name do not move the fields behind it."""
    fields = ["S", "1", "77", "77", *["0"] * 7, "5", "6", *["0"] * 6, "4242", "0"]
    line = parsed(f"77 (a ) b) {' '.join(fields)}")

    assert (77, "S", 77, 11, 4242) == (line.pid, line.state, line.session, line.ticks, line.start)
