"""Making guests ready after they exist: one run of Ansible for one request at a time (`controllers.playbooks.runs`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from controllers.playbooks.moments import Course, Moment
from controllers.playbooks.reach import GuestAccess
from controllers.playbooks.runs import Job, Runs
from controllers.request.configuration import Access, Configuration, inventory, known_hosts
from controllers.request.pins import pinned
from controllers.request.roles import Playbooks
from infra.errors import GuestUnreachable, ManagementMissing

UNPINNED_SECONDS = 3.0

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


@dataclass(slots=True)
class AnsibleConfigurator:
    """`state` is a folder of our own; what Ansible printed last is in `<uid>/artifacts/output/stdout` there."""

    state: Path
    access: GuestAccess
    playbooks: Playbooks = field(default_factory=Playbooks)
    runs: Runs = field(init=False)

    def __post_init__(self) -> None:
        self.runs = Runs(self.state, self.access.runs)

    async def start(self) -> None:
        await self.runs.start()

    async def configure(self, uid: str, wanted: Configuration, *, on_progress: Listener) -> Course:
        course = Course(self.playbooks.tasks(wanted.roles))

        def heard(moment: Moment) -> None:
            nonlocal course
            course = course.after(moment)
            on_progress(course)

        await self.runs.run(uid, self._job(wanted), on_moment=heard)
        if failure := course.verdict():
            raise failure
        return course

    async def cancel(self, uid: str) -> None:
        await self.runs.cancel(uid)

    async def close(self) -> None:
        await self.runs.close()

    def kill(self) -> None:
        self.runs.kill()

    def _job(self, wanted: Configuration) -> Job:
        """Raises GuestUnreachable for guests of which there is no pin (yet), ManagementMissing without a key."""
        if self.access.key is None or self.access.host_keys is None:
            raise ManagementMissing(
                "the operator was given no SSH key and host keys of guests (`kunlun run --ssh-key`)"
            )
        keys = pinned(self.access.host_keys, wanted)
        if missing := [guest.name for guest in wanted.guests if guest.server not in keys]:
            text = f"the platform has no host key yet of {', '.join(missing[:5])}: without it nobody is trusted"
            raise GuestUnreachable(text, retry_after_seconds=UNPINNED_SECONDS)
        user, key, proxy = self.access.user, str(self.access.key), self.access.proxy
        return Job(
            playbook=self.playbooks.site,
            settings=self.playbooks.settings,
            inventory=lambda pins: inventory(wanted, Access(user, key, str(pins), proxy)),
            pins=known_hosts(wanted.guests, keys),
            deadline_seconds=self.access.deadline_seconds,
            forks=len(wanted.guests),
        )
