"""One run of the engine's command line: its arguments, its environment, its end.

Output goes to files, never to pipes: a run whose reader died would be killed by the pipe and leave its lock.
The session is its own, so that a terminal's interrupt reaches only us. SIGTERM ends a run in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from infra.errors import EngineFailed

_GRACE_SECONDS = 30.0
_PARALLEL = "64"
_LONGEST_DIAGNOSTICS = 2000
_RUN_FOLDER = "run-"


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and where: nothing of it changes from run to run but the stack and the ports."""

    pulumi: Path
    project: Path
    state: Path
    config_file: Path
    environment: Mapping[str, str]

    def arguments(self, operation: Literal["up", "destroy"], uid: str, language_port: int | None) -> list[str]:
        """No separate preview, select or refresh: each process costs 0.15 s of CPU before it does anything."""
        common = ["--stack", uid, "--config-file", str(self.config_file), "--yes", "--skip-preview", "--json"]
        common += ["--parallel", _PARALLEL, "--non-interactive", "--color", "never"]
        if language_port is None:
            return [operation, *common]
        return [operation, *common, f"--client=127.0.0.1:{language_port}", "--exec-kind", "auto.inline"]

    def variables(self, provider_port: int, home: Path) -> dict[str, str]:
        """A complete environment: the operator's own, credentials included, is not passed on."""
        return {
            "PATH": os.defpath,
            "HOME": str(home),
            "USER": "kunlun",
            "TMPDIR": str(home),
            "GOGC": "400",
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{self.state / 'backend'}?metadata=skip",
            "PULUMI_DEBUG_PROVIDERS": f"openstack:{provider_port}",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_CREDENTIAL_STORE": "plaintext",
            "PULUMI_SKIP_CHECKPOINTS": "true",  # a crash costs the cache only, and nothing is fetched from it
            **self.environment,
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `diagnostics` are the engine's own error texts, for the log."""

    code: int
    diagnostics: str


class Process:
    """A running command. It owns a folder that goes with it."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path, events: IO[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self._home = home
        self._events = events

    @classmethod
    async def start(cls, command: Command, arguments: list[str], provider_port: int) -> Process:
        """Raises EngineFailed when the program is not there."""
        home = Path(tempfile.mkdtemp(prefix=_RUN_FOLDER, dir=command.state))
        events = (home / "output").open("w+b")
        try:
            process = await asyncio.create_subprocess_exec(
                str(command.pulumi),
                *arguments,
                cwd=command.project,
                env=command.variables(provider_port, home),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=events,
                stderr=events,
                start_new_session=True,
            )
        except OSError as error:
            events.close()
            shutil.rmtree(home, ignore_errors=True)
            raise EngineFailed(f"the engine cannot be started: {error.strerror}") from error
        return cls(process, home, events)

    async def wait(self) -> Ended:
        """Waits for the end and tidies up. A cancelled wait ends the run in order first."""
        try:
            code = await self._process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(self.stop())
            self._tidy()
            raise
        diagnostics = _diagnostics(self._home / "output") if code else ""
        self._tidy()
        return Ended(code, diagnostics)

    async def stop(self) -> None:
        """SIGTERM: what runs is finished and recorded. A second one, then SIGKILL, when that takes too long."""
        for number, grace_seconds in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace_seconds)
                return

    def _tidy(self) -> None:
        self._events.close()
        shutil.rmtree(self._home, ignore_errors=True)


def forget_killed_runs(state: Path) -> None:
    """Removes the folders of runs whose operator was killed. Only while no run of ours is going on."""
    for folder in state.glob(f"{_RUN_FOLDER}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _diagnostics(output: Path) -> str:
    """Error texts out of the JSON events; lines that are no events are errors of the command itself."""
    texts = []
    for line in output.read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            texts.append(line)
            continue
        diagnostic = event.get("diagnosticEvent") if isinstance(event, dict) else None
        if diagnostic and diagnostic.get("severity") == "error":
            texts.append(str(diagnostic.get("message", "")).strip())
    return "\n".join(text for text in texts if text)[:_LONGEST_DIAGNOSTICS]
