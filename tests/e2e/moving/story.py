"""A cutover's life as people live it: kubectl as the personas, and what its status and journal say."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from subprocess import CompletedProcess
from typing import Any

from controllers.api import API_VERSION
from controllers.api.times import FORM, later_by
from tests.conftest import REPOSITORY
from tests.e2e.moving.machines import Machine
from tests.e2e.story import NAMESPACE, Sandbox, Story, eventually

STEP_SECONDS = 240.0
COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class CutoverStory:
    """One cutover of the department, followed from the outside."""

    sandbox: Sandbox
    name: str

    def apply(self, body: dict[str, Any]) -> None:
        meta = {"name": self.name, "namespace": NAMESPACE}
        document = {"apiVersion": API_VERSION, "kind": "Cutover", "metadata": meta, "spec": body}
        self.sandbox.kubectl("clerk", "apply", "-f", "-", input=json.dumps(document))

    def ask(self, *, persona: str = "clerk", check: bool = True, **change: Any) -> CompletedProcess[str]:
        """Change fields of the spec."""
        words = ("patch", "cutover", self.name, "-n", NAMESPACE, "--type=merge", "-p", json.dumps({"spec": change}))
        return self.sandbox.kubectl(persona, *words, check=check)

    def kunlun(self, persona: str, *words: str) -> CompletedProcess[str]:
        """`kubectl kunlun cutover …` as a persona; its failure is an answer."""
        kubeconfig = self.sandbox.home / "users" / f"{persona}.kubeconfig"
        argv = [sys.executable, "-m", "controllers", "cutover", *words, "-n", NAMESPACE, f"--kubeconfig={kubeconfig}"]
        return subprocess.run(
            argv, check=False, text=True, capture_output=True, timeout=COMMAND_SECONDS, cwd=REPOSITORY
        )

    def read(self) -> dict[str, Any]:
        return Story(self.sandbox, self.name).look(f"cutovers/{self.name}")

    def status(self) -> dict[str, Any]:
        return dict(self.read().get("status", {}))

    def condition(self, name: str) -> tuple[str, str, str]:
        """(status, reason, message) of a condition of the present generation."""
        known = self.read()
        for item in known.get("status", {}).get("conditions", ()):
            if item["type"] == name and item.get("observedGeneration") == known["metadata"]["generation"]:
                return item["status"], item["reason"], item.get("message", "")
        return "Unknown", "Absent", ""

    def reaches(self, condition: str, reason: str, seconds: float = STEP_SECONDS) -> str:
        """Wait until a condition has a reason; returns its message."""
        found = eventually(lambda: self.condition(condition)[1] == reason, seconds)
        assert found, f"{condition} is {self.condition(condition)}, not {reason}; {self.journal()[-6:]}"
        return self.condition(condition)[2]

    def underway(self) -> tuple[str, int]:
        """The step that runs and its attempt; ("", 0) when none does."""
        known = self.status().get("underway", {})
        return known.get("step", ""), int(known.get("attempt", 0))

    def lines(self) -> list[dict[str, Any]]:
        """The journal, in the order in which the API server took it."""
        own = [one for one in Story(self.sandbox, self.name).look("cutoversteps")["items"] if self._is_own(one)]
        return [dict(one["spec"]) for one in sorted(own, key=lambda one: int(one["metadata"]["resourceVersion"]))]

    def journal(self) -> list[str]:
        """As `Step/attempt Event: note`."""
        return [f"{one['step']}/{one['attempt']} {one['event']}: {one.get('note', '')}" for one in self.lines()]

    def sign(self) -> None:
        """Every party that is needed accepts the report as it is."""
        report = self.status()["report"]
        signers = {"department": "clerk", "provider": "provider", "resource-office": "officer"}
        for party in self.status()["requiredParties"]:
            done = self.kunlun(signers[party], "sign", report, "--party", party)
            assert done.returncode == 0, done.stdout + done.stderr

    def _is_own(self, line: dict[str, Any]) -> bool:
        return bool(line["spec"]["cutover"] == self.name)


def spec_of(target: str, web: Machine, db: Machine, **fields: Any) -> dict[str, Any]:
    """Two old hosts, onto the request `target`; the proxy stays where callers know it."""
    hosts = [
        {"name": machine.host.name, "address": machine.address, "hostKey": machine.public_key} for machine in (web, db)
    ]
    url = f"http://{web.address}:80/health"
    return {
        "target": target,
        "source": {"hosts": hosts},
        "moves": {
            "files": [{"name": "uploads", "host": web.host.name, "path": "/srv/uploads", "to": "web"}],
            "databases": [{"name": "permits", "database": "permits", "host": db.host.name, "to": "db"}],
        },
        "service": {
            "source": [{"host": web.host.name, "unit": "portal"}],
            "target": [{"servers": "web", "unit": "portal"}],
            "health": {"port": 8080, "path": "/health"},
            "switch": {"proxy": {"host": web.host.name, "port": 80, "fromPort": 8080, "to": "web", "toPort": 8080}},
            "callers": [{"host": web.host.name, "url": url}],
        },
        "trial": {"days": 1, "stress": {"requestsPerSecond": 1, "seconds": 10, "p95Milliseconds": 5000}},
        "supervision": {"minutes": 1},
        "stage": "Trial",
        **fields,
    }


def a_window(seconds: float = 1800.0) -> dict[str, str]:
    """Open already."""
    now = datetime.now(UTC).strftime(FORM)
    return {"opens": later_by(now, -60), "closes": later_by(now, seconds)}
