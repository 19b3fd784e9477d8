"""An operator that looks every few seconds, in the place of the sandbox's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from controllers.cli.sandbox import operator_argv
from infra.sandbox.layout import cache_folder
from infra.sandbox.toolchain import PULUMI, ensure_tool
from tests.conftest import REPOSITORY, START_SECONDS, Sandbox
from tests.e2e.story import eventually

INTERVAL_SECONDS = 5


@contextmanager
def a_watchful_operator(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Afterwards the sandbox's own operator runs again."""
    sandbox.command("up", "--no-operator")
    ready = sandbox.layout.operator / "ready"
    ready.unlink(missing_ok=True)
    pulumi = ensure_tool(PULUMI, cache_folder(os.environ), os.environ, print)
    argv = [*operator_argv(sandbox.layout, pulumi), "--observe-interval", str(INTERVAL_SECONDS)]
    with (sandbox.layout.logs / "watchful-operator.log").open("w") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=REPOSITORY)
        try:
            assert eventually(ready.exists, START_SECONDS)
            yield sandbox
        finally:
            process.terminate()
            process.wait(60)
            sandbox.command("up")
