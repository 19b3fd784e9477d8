"""Making guests ready after they exist: one run of Ansible for one request at a time, each in a process of its own.

A run is found by its environment, wherever it came from: before another begins, all that is left of an earlier one of
this operator's folder is ended and seen to be gone, so that no two work on one guest. Killed anywhere, the next run
begins anew, and changes only what is not yet as it should be.
"""

from __future__ import annotations

import asyncio
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
from typing import Protocol

import structlog

from controllers.request.configuration import Access, Configuration, inventory, known_hosts
from controllers.request.moments import Course, Moment
from controllers.request.pins import pinned
from controllers.request.playbook import Errand
from controllers.request.roles import Playbooks
from infra.errors import EngineInterrupted, GuestUnreachable, ManagementMissing
from infra.kernel import KernelLine, environment, is_gone, kernel_lines

OWNER = "KUNLUN_CONFIGURATOR"  # in the environment of a run and of all it starts: the operator's folder for runs
ERRAND = "KUNLUN_CONFIGURING"  # and the request's uid
END_SECONDS = 5.0
END_POLL_SECONDS = 0.02
UNPINNED_SECONDS = 3.0
LONGEST_LINE = 1 << 16
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
log = structlog.get_logger(__name__)

Listener = Callable[[Course], None]


class Configurator(Protocol):
    """Configures the guests of one request. A second run MUST change nothing; it MUST NOT touch OpenStack."""

    playbooks: Playbooks

    async def configure(self, uid: str, wanted: Configuration, *, on_progress: Listener) -> Course:
        """Returns how it went, once every guest is as wanted. Raises errors of `infra.errors`."""
        ...

    async def start(self) -> None:
        """What a killed operator left running ends. Before the first `configure`."""
        ...

    async def cancel(self, uid: str) -> None:
        """Ends the request's run and waits for it; without one, does nothing."""
        ...

    async def close(self) -> None:
        """Ends all runs; no other begins."""
        ...

    def kill(self) -> None:
        """Ends all runs at once: for who must not change anything any more."""
        ...


@dataclass(frozen=True, slots=True)
class GuestAccess:
    """As the operator was given it. `host_keys` holds `<server id>/host_key.pub`, written by the platform."""

    key: Path | None = None
    host_keys: Path | None = None
    user: str = "root"
    proxy: str = ""
    deadline_seconds: float = 1800.0
    runs: int = 4


@dataclass(slots=True)
class AnsibleConfigurator:
    """`state` is a folder of our own; what Ansible printed last is in `<uid>/artifacts/output/stdout` there."""

    state: Path
    access: GuestAccess
    playbooks: Playbooks = field(default_factory=Playbooks)
    _slots: asyncio.Semaphore = field(init=False)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    _stopped: set[str] = field(default_factory=set)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.access.runs)

    async def start(self) -> None:
        await self._end()

    async def configure(self, uid: str, wanted: Configuration, *, on_progress: Listener) -> Course:
        keys = self._host_keys(wanted)
        async with self._turns.setdefault(uid, asyncio.Lock()), self._slots:
            self._stopped.discard(uid)
            await self._end(uid)
            if self._closed:
                raise EngineInterrupted("the operator is stopping; the next one continues")
            with tempfile.TemporaryDirectory(prefix="kunlun-ssh-") as sockets:  # a short path: Unix sockets
                try:
                    folder = self._prepare(uid, wanted, keys)
                    course = await self._run(uid, folder, Path(sockets), wanted, on_progress)
                finally:
                    await self._end(uid)  # connections that are kept for the next task, above all
        if uid in self._stopped or self._closed:
            raise EngineInterrupted("configuring was stopped; the next pass continues", retry_after_seconds=1)
        if failure := course.verdict():
            raise failure
        return course

    async def cancel(self, uid: str) -> None:
        if (turn := self._turns.get(uid)) and turn.locked():
            self._stopped.add(uid)
            await self._end(uid)
            async with turn:
                return

    async def close(self) -> None:
        self._closed = True
        await self._end()

    def kill(self) -> None:
        for line in self._processes():
            with suppress(ProcessLookupError):
                os.kill(line.pid, signal.SIGKILL)

    def _host_keys(self, wanted: Configuration) -> dict[str, str]:
        """The pin of each guest. Raises GuestUnreachable for guests of which there is none (yet)."""
        if self.access.key is None or self.access.host_keys is None:
            raise ManagementMissing(
                "the operator was given no SSH key and host keys of guests (`kunlun run --ssh-key`)"
            )
        found = pinned(self.access.host_keys, wanted)
        if missing := [guest.name for guest in wanted.guests if guest.server not in found]:
            text = f"the platform has no host key yet of {', '.join(missing[:5])}: without it nobody is trusted"
            raise GuestUnreachable(text, retry_after_seconds=UNPINNED_SECONDS)
        return found

    def _prepare(self, uid: str, wanted: Configuration, keys: Mapping[str, str]) -> Path:
        """The folder of the run, for its owner only; what an earlier one left goes."""
        folder = self.state / uid
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        pins = folder / "known_hosts"
        pins.write_text(known_hosts(wanted.guests, keys))
        access = Access(self.access.user, str(self.access.key), str(pins), self.access.proxy)
        hosts = folder / "hosts.yml"
        hosts.write_text(json.dumps(inventory(wanted, access), indent=1))
        deadline = int(self.access.deadline_seconds)
        errand = Errand(
            playbook=self.playbooks.site, inventory=hosts, deadline_seconds=deadline, forks=len(wanted.guests)
        )
        (folder / "run.json").write_text(errand.model_dump_json())
        return folder

    async def _run(self, uid: str, folder: Path, sockets: Path, wanted: Configuration, on_progress: Listener) -> Course:
        course = Course(self.playbooks.tasks(wanted.roles))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "controllers.request.playbook", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment(uid, folder, sockets),
            cwd=Path(__file__).parents[2],
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        assert process.stdout is not None  # noqa: S101  asked for above
        try:
            async for line in process.stdout:
                course = course.after(Moment.model_validate_json(line))
                on_progress(course)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return course

    def _environment(self, uid: str, folder: Path, sockets: Path) -> dict[str, str]:
        """Nothing of the operator's own: its credentials are not Ansible's business."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{SYSTEM_PATH}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ANSIBLE_CONFIG": str(self.playbooks.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_HOST_KEY_CHECKING": "True",  # ansible-runner would switch it off
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
            "ANSIBLE_NOCOLOR": "1",
            OWNER: str(self.state),
            ERRAND: uid,
        }

    async def _end(self, uid: str | None = None) -> None:
        """Every process of the request's runs (or of all) is gone. Raises EngineInterrupted while one is not."""
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
