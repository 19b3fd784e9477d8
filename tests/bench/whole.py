"""The whole operator as people use it: from the officer's approval to `Provisioned`, seen through kubectl."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from tests.conftest import Sandbox, kubectl_program
from tests.e2e.story import Story, a_server

STANDARD: dict[str, Any] = {
    "networks": [{"name": "app", "prefixLength": 26}],
    "servers": [a_server(count=2)],
    "flows": [
        {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/22", "tcp/80", "tcp/443"], "purpose": "bench"}
    ],
}


class WholeOperator:
    """The operator of a running sandbox."""

    def __init__(self, home: Path) -> None:
        self._sandbox = Sandbox(home.absolute())

    def build(self, name: str) -> tuple[float, int]:
        """(seconds, calls) from the moment the Approval is sent until kubectl sees `Provisioned`."""
        story = Story(self._sandbox, name)
        story.apply(**STANDARD)
        plan = story.planned()
        waiting = [
            str(kubectl_program()),
            f"--kubeconfig={self._sandbox.kubeconfig('clerk')}",
            "wait",
            f"rr/{name}",
            "--timeout=120s",
        ]
        with subprocess.Popen([*waiting, "--for=condition=Provisioned"], stdout=subprocess.DEVNULL) as watcher:
            time.sleep(0.5)  # it is watching by now
            before, began = self.calls(), time.monotonic()
            done = story.decide(plan)
            assert done.returncode == 0, done.stderr
            assert watcher.wait() == 0, story.read()
            seconds = time.monotonic() - began
        return seconds, self.calls() - before

    def remove(self, name: str) -> float:
        """Seconds until the request is gone."""
        began = time.monotonic()
        self._sandbox.kubectl("clerk", "delete", "rr", name, "--timeout=120s")
        return time.monotonic() - began

    def calls(self) -> int:
        """Calls of the operator so far, as OpenStack's own access logs have them."""
        logs = (self._sandbox.home / "logs").glob("*-access.log")
        return sum(line.count('"kunlun/') for log in logs for line in log.read_text().splitlines())
