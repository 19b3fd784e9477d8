"""More than one operator over one cluster and one cloud: each a process with a state folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from infra.sandbox.layout import Layout, cache_folder, child_environment
from infra.sandbox.toolchain import PULUMI, ensure_tool
from tests.e2e.story import eventually

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60.0


class Sandbox(Protocol):
    """The part of the sandbox that these tests use."""

    @property
    def layout(self) -> Layout: ...


@dataclass(frozen=True, slots=True)
class Rival:
    """One operator; it leads or stands by."""

    process: subprocess.Popen[bytes]
    state: Path
    log: Path

    def leads(self, seconds: float = START_SECONDS) -> bool:
        """Whether it comes to lead in time."""
        return eventually((self.state / "ready").exists, seconds)

    def stands_by(self) -> bool:
        """Whether it comes to say that it stands by, and for whom; if it has lost the Lease, since then."""
        told = eventually(self._told, START_SECONDS)
        return told and self.process.poll() is None and not (self.state / "ready").exists()

    def _told(self) -> bool:
        return 'event="standing by"' in self.log.read_text().rpartition("the lease is lost")[2]

    def builds(self) -> bool:
        """Whether an engine of it comes to run."""
        return eventually(lambda: bool(self.engines()), START_SECONDS)

    def engines(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if child.name() == "pulumi"]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = 30.0) -> int:
        """Its exit code, when it has ended."""
        return self.process.wait(seconds)

    def end(self) -> None:
        """However it is."""
        self.process.kill()
        self.process.wait(START_SECONDS)
        shutil.rmtree(self.state, ignore_errors=True)


def start_rival(sandbox: Sandbox, name: str, *options: str, host: str | None = None) -> Rival:
    """As the sandbox starts its own, with more `options`.

    With a `host` it believes to be on another machine, and proves nobody's death.
    """
    layout = sandbox.layout
    state, log = layout.home / f"rival-{name}", layout.logs / f"rival-{name}.log"
    shutil.rmtree(state, ignore_errors=True)
    pulumi = ensure_tool(PULUMI, cache_folder(os.environ), os.environ, print)
    argv = [sys.executable, "-m", "controllers", "run", "--kubeconfig", str(layout.operator_kubeconfig)]
    argv += ["--clouds", str(layout.clouds), "--cloud", "kunlun", "--state", str(state), "--pulumi", str(pulumi)]
    argv += options
    if host is not None:
        argv = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, *argv]
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdout=output, stderr=output, env=child_environment(os.environ), cwd=REPOSITORY
        )
    return Rival(process, state, log)
