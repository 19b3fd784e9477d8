"""Runs of playbooks, one for one errand at a time, each in a process of its own.

A run is found by its environment, wherever it came from: before another begins, all that is left of an earlier one of
this operator's folder is ended and seen to be gone, so that no two work on one host. Killed anywhere, the next run
begins anew, and changes only what is not yet as it should be.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controllers.playbooks.moments import Moment
from controllers.playbooks.process import Errand
from infra.errors import EngineInterrupted
from infra.kernel import KernelLine, environment, is_gone, kernel_lines

OWNER = "KUNLUN_CONFIGURATOR"  # in the environment of a run and of all it starts: the operator's folder for runs
ERRAND = "KUNLUN_CONFIGURING"  # and the uid of the object that it is for
END_SECONDS = 5.0
END_POLL_SECONDS = 0.02
LONGEST_LINE = 1 << 18
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REPOSITORY = Path(__file__).parents[2]

Listener = Callable[[Moment], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run, and on which hosts. `inventory` and `pins` are made for the place of the pins, a file.

    `variables` are the strongest there are: nothing beside the playbook can override them.
    """

    playbook: Path
    settings: Path
    inventory: Callable[[Path], Mapping[str, Any]]
    pins: str
    deadline_seconds: float
    forks: int
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Runs:
    """`state` is a folder of our own; what Ansible printed last is in `<uid>/artifacts/output/stdout` there."""

    state: Path
    at_once: int
    _slots: asyncio.Semaphore = field(init=False)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    _stopped: set[str] = field(default_factory=set)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.at_once)

    async def start(self) -> None:
        """What a killed operator left running ends, and what it left lying about goes. Before the first `run`."""
        await self._end()
        await asyncio.to_thread(self._sweep)

    async def run(self, uid: str, job: Job, *, on_moment: Listener) -> None:
        """To its end, whatever that is. Raises EngineInterrupted when it was stopped, or cannot begin yet."""
        async with self._turns.setdefault(uid, asyncio.Lock()), self._slots:
            self._stopped.discard(uid)
            await self._end(uid)
            if self._closed:
                raise EngineInterrupted("the operator is stopping; the next one continues")
            with tempfile.TemporaryDirectory(prefix=self._sockets) as sockets:
                try:
                    folder = self._prepare(uid, job)
                    await self._follow(folder, self._environment(uid, folder, Path(sockets), job), on_moment)
                finally:
                    await self._end(uid)  # connections that are kept for the next task, above all
        if uid in self._stopped or self._closed:
            raise EngineInterrupted("the playbook was stopped; the next pass continues", retry_after_seconds=1)

    async def cancel(self, uid: str) -> None:
        """Ends the errand's run and waits for it; without one, does nothing."""
        if (turn := self._turns.get(uid)) and turn.locked():
            self._stopped.add(uid)
            await self._end(uid)
            async with turn:
                return

    async def close(self) -> None:
        """Ends all runs; no other begins."""
        self._closed = True
        await self._end()

    def kill(self) -> None:
        """Ends all runs at once: for who must not change anything any more."""
        for line in self._processes():
            with suppress(ProcessLookupError):
                os.kill(line.pid, signal.SIGKILL)

    @property
    def _sockets(self) -> str:
        """How the folders begin that our runs keep connections in: of short paths, as Unix sockets want them."""
        return f"kunlun-ssh-{hashlib.sha256(str(self.state).encode()).hexdigest()[:8]}-"

    def _sweep(self) -> None:
        for left in Path(tempfile.gettempdir()).glob(f"{self._sockets}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _prepare(self, uid: str, job: Job) -> Path:
        """The folder of the run, for its owner only; what an earlier one left goes."""
        folder = self.state / uid
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        pins, hosts, variables = folder / "known_hosts", folder / "hosts.yml", folder / "variables.json"
        pins.write_text(job.pins)
        hosts.write_text(json.dumps(job.inventory(pins), indent=1))
        variables.write_text(json.dumps(job.variables, indent=1))
        errand = Errand(
            playbook=job.playbook,
            inventory=hosts,
            variables=variables if job.variables else None,
            deadline_seconds=int(job.deadline_seconds),
            forks=job.forks,
        )
        (folder / "run.json").write_text(errand.model_dump_json())
        return folder

    async def _follow(self, folder: Path, environ: Mapping[str, str], on_moment: Listener) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "controllers.playbooks.process", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environ,
            cwd=REPOSITORY,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        assert process.stdout is not None  # noqa: S101  asked for above
        try:
            async for line in process.stdout:
                on_moment(Moment.model_validate_json(line))
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _environment(self, uid: str, folder: Path, sockets: Path, job: Job) -> dict[str, str]:
        """Nothing of the operator's own: its credentials are not Ansible's business."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{SYSTEM_PATH}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            "ANSIBLE_CONFIG": str(job.settings),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_HOST_KEY_CHECKING": "True",  # ansible-runner would switch it off
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
            "ANSIBLE_NOCOLOR": "1",
            OWNER: str(self.state),
            ERRAND: uid,
        }

    async def _end(self, uid: str | None = None) -> None:
        """Every process of the errand's runs (or of all) is gone. Raises EngineInterrupted while one is not."""
        deadline = asyncio.get_running_loop().time() + END_SECONDS
        left = await self._found(uid)
        while left:
            for line in left:
                with suppress(ProcessLookupError):
                    os.kill(line.pid, signal.SIGKILL)
            if asyncio.get_running_loop().time() > deadline:
                raise EngineInterrupted(f"an earlier run of the playbook does not end (process {left[0].pid})")
            await asyncio.sleep(END_POLL_SECONDS)
            left = [line for line in left if not is_gone(line.pid, line.start)] or await self._found(uid)

    async def _found(self, uid: str | None) -> list[KernelLine]:
        return await asyncio.to_thread(lambda: list(self._processes(uid)))

    def _processes(self, uid: str | None = None) -> Iterator[KernelLine]:
        """Those that were started by a run of ours and live, whoever their parent is now."""
        for line in kernel_lines():
            known = environment(line.pid) or {}
            if known.get(OWNER) == str(self.state) and uid in (None, known.get(ERRAND)):
                yield line
