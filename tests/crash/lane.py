"""A lane: one sandbox, the fault proxy before it, and the operators under test. Runs of a lane follow each other."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.sandbox.cluster import DEPARTMENT, SYSTEM
from infra.sandbox.layout import cache_folder, child_environment
from infra.sandbox.processes import ProcessTable
from infra.sandbox.toolchain import PULUMI, ensure_tool
from tests.conftest import REPOSITORY, Sandbox
from tests.crash.operators import OperatorProcess
from tests.crash.shapes import COUNTERS
from tests.e2e.story import project_of
from tests.faults.between import proxy_between, write_clouds, write_kubeconfig
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Book

PRODUCT = ("-m", "controllers")
CLOUD = "kunlun"
FIRST = "operator-a"
PATIENCE_SECONDS = 180.0


class Interrupted(Exception):
    """The whole suite is to end."""


@dataclass(slots=True)
class Lane:
    """`stopping` ends every wait; `entry` is how an operator is started, other than the product only to blind it.

    `patience_seconds` is how long anything may take before it counts as lost.
    """

    sandbox: Sandbox
    folder: Path
    proxy: FaultProxy
    stopping: threading.Event
    entry: tuple[str, ...] = PRODUCT
    patience_seconds: float = PATIENCE_SECONDS
    options: tuple[str, ...] = ()
    operators: dict[str, OperatorProcess] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)  # by zone

    @property
    def book(self) -> Book:
        return self.proxy.book

    @property
    def operator(self) -> OperatorProcess:
        """The one that is always there."""
        return self.with_operator(FIRST)

    @property
    def clouds(self) -> Path:
        """The clouds.yaml that operators read: the Secret of a real installation."""
        return self.folder / "clouds.yaml"

    def with_operator(self, name: str) -> OperatorProcess:
        """An operator by name, with its own state folder; not started."""
        if name not in self.operators:
            self.operators[name] = self._operator(name)
        return self.operators[name]

    def without_operator(self, name: str) -> None:
        """End an operator for good."""
        operator = self.operators.pop(name)
        operator.end()
        shutil.rmtree(operator.state, ignore_errors=True)

    def dismiss(self) -> None:
        """Only the first operator goes on from here."""
        for name in [name for name in self.operators if name != FIRST]:
            self.without_operator(name)

    def tend(self) -> None:
        """To be called in every wait: the supervisor's work, and the end of the suite."""
        if self.stopping.is_set():
            raise Interrupted
        for operator in list(self.operators.values()):
            operator.keep()

    def prepare(self) -> None:
        """Files behind the proxy, the first operator, the department's projects."""
        self.write_clouds()
        write_kubeconfig(self.proxy, self.sandbox.layout.operator_kubeconfig, self.folder / "kubeconfig")
        self.operator.start()
        self.sandbox.kubectl("admin", "wait", "tenants/civil-affairs", "--for=condition=Ready", "--timeout=60s")
        self.projects = {zone: project_of(self.sandbox, zone) for zone in COUNTERS}

    def write_clouds(self) -> None:
        """Put the credential where operators read it."""
        write_clouds(self.proxy, self.sandbox.clouds, CLOUD, self.clouds)

    def restore_department(self) -> None:
        """The namespace and what comes with it, as at the sandbox's start."""
        self.sandbox.kubectl("admin", "apply", "--server-side", "--force-conflicts", "-f", str(DEPARTMENT))
        self.sandbox.kubectl("admin", "apply", "--server-side", "-f", str(SYSTEM))

    def close(self) -> None:
        """End every operator; the proxy and the sandbox are their owners' to end."""
        self.book.clear()
        for name in list(self.operators):
            self.without_operator(name)

    def _operator(self, name: str) -> OperatorProcess:
        state = self.folder / name
        words = [sys.executable, *self.entry, "run", "--kubeconfig", self.folder / "kubeconfig"]
        words += [
            "--clouds",
            self.clouds,
            "--cloud",
            CLOUD,
            "--state",
            state,
            "--pulumi",
            pulumi_program(),
            *self.options,
        ]
        state.mkdir(exist_ok=True)
        return OperatorProcess(
            name=name,
            table=ProcessTable(self.sandbox.layout.run),
            argv=tuple(map(str, words)),
            state=state,
            log=self.sandbox.layout.log(name),
            environ={**child_environment(os.environ), "TMPDIR": str(self.folder)},
            folder=REPOSITORY,
        )


@contextmanager
def a_lane(
    stopping: threading.Event,
    home: Path | None = None,
    entry: tuple[str, ...] = PRODUCT,
    patience_seconds: float = PATIENCE_SECONDS,
    options: tuple[str, ...] = (),
) -> Iterator[Lane]:
    """A lane on a sandbox of its own, or on a running one in `home`. Nothing of it is left afterwards.

    `options` are what its operators are started with beside what every one needs.
    """
    with _a_sandbox(home) as sandbox, tempfile.TemporaryDirectory(prefix="kunlun-lane-") as folder:
        proxy = proxy_between(sandbox.clouds, CLOUD, sandbox.layout.operator_kubeconfig)
        with proxy:
            lane = Lane(sandbox, Path(folder), proxy, stopping, entry, patience_seconds, options)
            try:
                lane.prepare()
                yield lane
            finally:
                lane.close()


@contextmanager
def _a_sandbox(home: Path | None) -> Iterator[Sandbox]:
    found = Sandbox((home or Path(tempfile.mkdtemp(prefix="kunlun-crash-"))).absolute())
    try:
        found.command("up", "--no-operator")
        yield found
    finally:
        if home is None:
            found.command("down", "--wipe", check=False)
            shutil.rmtree(found.home, ignore_errors=True)


def pulumi_program() -> Path:
    """The engine's command line, as the sandbox finds it."""
    return ensure_tool(PULUMI, cache_folder(os.environ), os.environ, print)
