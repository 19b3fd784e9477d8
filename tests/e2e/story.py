"""A request's life as people live it: kubectl as the personas, and the cloud as its administrator sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

from controllers.api import API_VERSION
from controllers.api.plan import PlanSpec
from infra.planned import planned_objects
from infra.provider.observe import observed_from_listing
from infra.provider.observed import Observed, differences
from tests.apiserver import kept_open
from tests.cloud import project_listing

NAMESPACE = "civil-affairs"
PATIENCE_SECONDS = 120.0
DECIDERS = {"resource-office": "officer", "security": "security", "finance": "finance"}


class Sandbox(Protocol):
    """The part of the sandbox that these tests use."""

    @property
    def home(self) -> Path: ...

    def kubectl(
        self, persona: str, *arguments: str, input: str | None = None, check: bool = True
    ) -> CompletedProcess[str]: ...


@dataclass(frozen=True, slots=True)
class Story:
    """One request of the department, followed from the outside."""

    sandbox: Sandbox
    name: str

    def apply(self, persona: str = "clerk", **spec: Any) -> None:
        """Apply the request; whatever is not given is as in `document`."""
        self.sandbox.kubectl(persona, "apply", "-f", "-", input=json.dumps(document(self.name, **spec)))

    def read(self) -> dict[str, Any]:
        """The request; empty when there is none."""
        return self.look(f"resourcerequests/{self.name}")

    def look(self, path: str) -> dict[str, Any]:
        """What is there, without a program for every look: waiting looks several times a second.

        Raises ConnectionError when the API server does not say.
        """
        server = kept_open(self.sandbox.home / "kubeconfig")
        code, answer = server.call("GET", f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{path}")
        if code not in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            raise ConnectionError(f"{path}: {answer}")
        return dict(answer) if code == HTTPStatus.OK else {}

    def uid(self) -> str:
        return str(self.read()["metadata"]["uid"])

    def condition(self, name: str) -> tuple[str, str, str]:
        """(status, reason, message) of a condition of the present generation."""
        request = self.read()
        status = request.get("status", {})
        for item in status.get("conditions", ()):
            if item["type"] == name and item.get("observedGeneration") == request["metadata"]["generation"]:
                return item["status"], item["reason"], item.get("message", "")
        return "Unknown", "Absent", ""

    def reaches(self, condition: str, reason: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until a condition has a reason; returns its message."""
        found = eventually(lambda: self.condition(condition)[1] == reason, seconds)
        assert found, f"{condition} is {self.condition(condition)}, not {reason}; {self.read().get('status')}"
        return self.condition(condition)[2]

    def planned(self) -> str:
        """Wait for the plan of the present generation; returns its name."""
        self.reaches("Planned", "Planned")
        return str(self.read()["status"]["plan"])

    def plan(self, name: str) -> PlanSpec:
        return PlanSpec.model_validate(self.look(f"plans/{name}")["spec"])

    def decide(self, plan: str, persona: str = "officer", **spec: Any) -> CompletedProcess[str]:
        """Create an Approval; whatever is not given is an approval by the resource office."""
        body = json.dumps(approval(plan, **spec))
        return self.sandbox.kubectl(persona, "create", "-f", "-", input=body, check=False)

    def plan_is_of_present_generation(self) -> bool:
        """Whether the newest plan is of the spec as it is now."""
        request = self.read()
        name = request.get("status", {}).get("plan")
        generation = request["metadata"]["generation"]
        return name is not None and self.plan(name).stack.origin.generation == generation

    def decisions(self, plan: str) -> Iterator[CompletedProcess[str]]:
        """Create the Approval of each stage that the plan needs, as who holds it."""
        for needed in self.plan(plan).stages:
            yield self.decide(plan, DECIDERS[needed.stage], stage=needed.stage)

    def approve(self) -> str:
        """Approve the newest plan, every stage as its officer; returns its name."""
        plan = self.planned()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for needed in self.plan(plan).stages:
            while (done := self.decide(plan, DECIDERS[needed.stage], stage=needed.stage)).returncode:
                # An API server that has just started reads its policies first, and refuses until then.
                assert "paramKind" in done.stderr and time.monotonic() < deadline, done.stderr
                time.sleep(1)
        return plan

    def ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        self.reaches("Ready", "Ready", seconds)

    def delete(self, *, wait: bool = True) -> None:
        """Delete the request, and wait until it is gone."""
        self.sandbox.kubectl("clerk", "delete", "rr", self.name, "--wait=false", "--ignore-not-found")
        if wait:
            assert eventually(lambda: not self.read(), PATIENCE_SECONDS), self.read().get("status")

    def unplanned(self) -> list[str]:
        """Where the cloud is not exactly what the plan in force says."""
        status = self.read()["status"]
        stack = self.plan(status["approvedPlan"]).stack
        found = differences(planned_objects(stack), objects(self.sandbox, stack.project.id, self.uid()))
        return [f"{item.deviation} {item.kind} {item.name} {item.fields}" for item in found]


@contextmanager
def a_story(sandbox: Sandbox, name: str) -> Iterator[Story]:
    """A request that is gone afterwards, whatever the test did."""
    story = Story(sandbox, name)
    try:
        yield story
    finally:
        story.delete()


def document(name: str, **spec: Any) -> dict[str, Any]:
    """One small server in the extranet, varied by `spec`."""
    body: dict[str, Any] = {
        "system": "permit-portal",
        "zone": "extranet",
        "networks": [{"name": "app", "prefixLength": 28}],
        "servers": [a_server()],
        "flows": [{"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/443"], "purpose": "counter"}],
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": "ResourceRequest", "metadata": metadata, "spec": body | spec}


def approval(plan: str, **spec: Any) -> dict[str, Any]:
    """An approval of a plan by the resource office, varied by `spec`."""
    body = {"plan": plan, "stage": "resource-office", "decision": "Approved", **spec}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": {"generateName": "test-"}, "spec": body}


def a_server(**fields: Any) -> dict[str, Any]:
    return {"name": "web", "count": 1, "flavor": "c1.small", "image": "debian-12", "network": "app", **fields}


def project_of(sandbox: Sandbox, zone: str = "extranet") -> str:
    """The department's project in a zone."""
    tenant = json.loads(sandbox.kubectl("provider", "get", "tenant", NAMESPACE, "-o", "json").stdout)
    return str(next(item["id"] for item in tenant["status"]["projects"] if item["zone"] == zone))


def objects(sandbox: Sandbox, project: str, uid: str) -> Observed:
    """Everything of one request, as OpenStack lists it now."""
    return observed_from_listing(project_listing(sandbox.home / "clouds.yaml", project), uid)


def leftovers(sandbox: Sandbox, project: str) -> dict[str, list[str]]:
    """Names of all objects in a project, by kind, whoever made them; the default group is Neutron's own."""
    found = {
        kind.value: [item.get("name") or item["id"] for item in items if item.get("name") != "default"]
        for kind, items in project_listing(sandbox.home / "clouds.yaml", project).collections.items()
    }
    return {kind: names for kind, names in found.items() if names}


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.3) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(pause_seconds)
    return holds()
