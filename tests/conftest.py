"""The sandbox of a test run: one for all tests that ask for it, started when the first one does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from infra.sandbox.layout import Layout, cache_folder
from infra.sandbox.processes import ProcessTable
from infra.sandbox.toolchain import KUBECTL, ensure_tool
from tests.e2e.operator_control import OperatorControl

REPOSITORY = Path(__file__).parents[1]
START_SECONDS = 1800  # the first start ever builds programs


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox as a person has it: its folder, its personas, its commands."""

    home: Path

    @property
    def layout(self) -> Layout:
        return Layout(self.home)

    @property
    def processes(self) -> ProcessTable:
        return ProcessTable(self.layout.run)

    @property
    def clouds(self) -> Path:
        """clouds.yaml with the entries `kunlun` (the operator's user) and `admin`."""
        return self.layout.clouds

    def kubeconfig(self, persona: str) -> Path:
        """The file of a persona; also of `admin` and of `operator`."""
        special = {"admin": self.layout.kubeconfig, "operator": self.layout.operator_kubeconfig}
        return special.get(persona, self.layout.users / f"{persona}.kubeconfig")

    def kubectl(
        self, persona: str, *arguments: str, input: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as a persona; with `check` a failure is an AssertionError that says what kubectl said."""
        argv = [str(kubectl_program()), f"--kubeconfig={self.kubeconfig(persona)}", *arguments]
        return finished(argv, text_in=input, check=check, seconds=300)

    def command(self, verb: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `kunlun sandbox VERB` on this sandbox."""
        argv = [sys.executable, "-m", "controllers", "sandbox", verb, "--dir", str(self.home), *arguments]
        return finished(argv, check=check, seconds=START_SECONDS)

    def kill(self, program: str) -> None:
        """kill -9, as a power cut or an out-of-memory killer would."""
        pid = self.processes.alive(program)
        assert pid is not None, f"{program} does not run"
        os.kill(pid, signal.SIGKILL)


@cache
def kubectl_program() -> Path:
    """The same kubectl as the sandbox's own: from PATH, else the built one."""
    return ensure_tool(KUBECTL, cache_folder(os.environ), os.environ, print)


def finished(
    argv: list[str], *, text_in: str | None = None, check: bool, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    done = subprocess.run(
        argv, check=False, text=True, capture_output=True, input=text_in, timeout=seconds, cwd=REPOSITORY
    )
    assert done.returncode == 0 or not check, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox with its operator, from $KUNLUN_TEST_SANDBOX or a folder of its own.

    It is ended with the run, even a failed or interrupted one; only a sandbox that ran before is left running.
    """
    chosen = os.environ.get("KUNLUN_TEST_SANDBOX")
    home = Path(chosen).absolute() if chosen else Path(tempfile.mkdtemp(prefix="kunlun-"))
    found = Sandbox(home)
    ran_before = bool(chosen) and found.command("status", check=False).returncode == 0
    try:
        found.command("up")
        yield found
    finally:
        if not ran_before:
            found.command("down", *(() if chosen else ("--wipe",)), check=False)
        if not chosen:
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def operator(sandbox: Sandbox) -> OperatorControl:
    """The sandbox's operator, to be killed and started again."""
    return operator_of(sandbox)


def operator_of(sandbox: Sandbox) -> OperatorControl:
    """The running operator of a sandbox."""

    def pid() -> int:
        found = sandbox.processes.alive("operator")
        assert found is not None, "the operator does not run"
        return found

    return OperatorControl(pid, lambda: void(sandbox.command("up")), sandbox.layout.operator / "ready")


def void(_: object) -> None:
    """Drop a result."""
