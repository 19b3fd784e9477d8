"""What the operator costs and does, from outside: its process, the API server's audit log, OpenStack's access logs."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.conftest import Sandbox

MIB = 1024 * 1024
WRITES = {"create", "update", "patch", "delete"}
CALL = re.compile(r'^\[(\S+) \S+\] (\w+) (/[^? ]*)\??(\S*) \d+ .*"kunlun/')
PROJECT = re.compile(r"project_id=([0-9a-f]+)")
QUIET_SHARE, QUIET_SAMPLES = 0.05, 4
QUIET_PATIENCE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Work:
    """What the operator did in a span of time."""

    writes: Counter[str]
    renewals: int
    changes: int
    lists: Counter[tuple[str, str]]  # by kind and project
    server_lists: int  # of all projects together: Nova takes the project from the token

    @property
    def most_lists(self) -> int:
        """Of one kind in one project."""
        return max(self.lists.values(), default=0)


class Ledger:
    """Of one sandbox's operator."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._logs = sandbox.home / "logs"

    def process(self) -> psutil.Process:
        pid = self._sandbox.processes.alive("operator")
        assert pid is not None, "the operator does not run"
        return psutil.Process(pid)

    def memory_mib(self) -> float:
        """Resident memory of the operator itself."""
        return float(self.process().memory_info().rss) / MIB

    def cpu_seconds(self) -> float:
        """Of the operator since it started, its engines not counted."""
        times = self.process().cpu_times()
        return float(times.user + times.system)

    def restart(self) -> float:
        """kill -9, start; returns the seconds from the start of the process until it says it is ready."""
        process = self.process()
        ready = self._sandbox.layout.operator / "ready"
        process.kill()
        process.wait(30)
        ready.unlink(missing_ok=True)
        self._sandbox.command("up")
        return ready.stat().st_mtime - float(self.process().create_time())

    def until_quiet(self) -> float:
        """Seconds until the operator does nothing any more, the quiet itself not counted."""
        began, quiet, before = time.monotonic(), 0, self.cpu_seconds()
        while quiet < QUIET_SAMPLES:
            time.sleep(1)
            now = self.cpu_seconds()
            quiet = quiet + 1 if now - before < QUIET_SHARE else 0
            before = now
            assert time.monotonic() - began < QUIET_PATIENCE_SECONDS, "the operator does not come to rest"
        return time.monotonic() - began - QUIET_SAMPLES

    def work_since(self, began: float) -> Work:
        """Everything recorded from then on (POSIX time; OpenStack's logs have whole seconds)."""
        writes, renewals = self._writes(datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"))
        changes, server_lists, lists = 0, 0, Counter[tuple[str, str]]()
        for method, path, query in self._calls(began):
            if method != "GET" and not path.endswith("/auth/tokens"):
                changes += 1
            elif (owner := PROJECT.search(query)) and "marker=" not in query:
                lists[path, owner[1]] += 1
            elif path.endswith("/servers/detail") and "marker=" not in query:
                server_lists += 1
        return Work(writes, renewals, changes, lists, server_lists)

    def _writes(self, began: str) -> tuple[Counter[str], int]:
        """By resource; renewals of a lease are no writes to anything of ours."""
        found, renewals = Counter[str](), 0
        for path in self._logs.glob("audit*.log"):
            for line in _recent(path, began):
                event = json.loads(line)
                recorded = event["stage"] == "ResponseComplete" and event["verb"] in WRITES
                if recorded and event["stageTimestamp"] >= began:
                    renewals += (resource := event["objectRef"]["resource"]) == "leases"
                    found[resource] += resource != "leases"
        return +found, renewals

    def _calls(self, began: float) -> Iterator[tuple[str, str, str]]:
        for path in self._logs.glob("*-access.log"):
            for line in path.read_text(errors="replace").split("\n"):
                if (match := CALL.match(line)) and _posix(match[1]) >= int(began):
                    yield match[2], match[3], match[4]


def _recent(path: Path, began: str) -> Iterator[str]:
    if path.stat().st_mtime >= datetime.fromisoformat(f"{began}+00:00").timestamp():
        with path.open(errors="replace") as lines:
            yield from (line for line in lines if ':kunlun-operator"' in line and "dryRun=" not in line)


def _posix(text: str) -> float:
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S").replace(tzinfo=UTC).timestamp()
