"""The same story as in the end-to-end tests, told over connections that stay open.

Suites of hundreds of requests share two cores with a cloud, and every kubectl is a program to start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from subprocess import CompletedProcess
from typing import Any

from controllers.api import API_VERSION
from tests.apiserver import ApiServer, kept_open
from tests.e2e.story import NAMESPACE, Story, approval, document

COLLECTIONS = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}"
APPLIED = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class WatchedStory(Story):
    """A request that is looked at several times a second."""

    def apply(self, persona: str = "clerk", **spec: Any) -> None:
        path = f"{self._path}?fieldManager={persona}&force=true"
        code, answer = self._as(persona).call("PATCH", path, json.dumps(document(self.name, **spec)), APPLIED)
        assert code in {HTTPStatus.OK, HTTPStatus.CREATED}, answer

    def decide(self, plan: str, persona: str = "officer", **spec: Any) -> CompletedProcess[str]:
        body = json.dumps(approval(plan, **spec))
        code, answer = self._as(persona).call("POST", f"{COLLECTIONS}/approvals", body)
        return CompletedProcess([], int(code != HTTPStatus.CREATED), stderr=str(answer.get("message", "")))

    def delete(self, *, wait: bool = True) -> None:
        assert not wait, "a run looks after itself while it waits"
        code, answer = self._as("clerk").call("DELETE", self._path)
        assert code in {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND}, answer

    @property
    def _path(self) -> str:
        return f"{COLLECTIONS}/resourcerequests/{self.name}"

    def _as(self, persona: str) -> ApiServer:
        return kept_open(self.sandbox.home / "users" / f"{persona}.kubeconfig")

    def record(self, plan: str) -> list[dict[str, Any]]:
        """The lines of the record of decisions that are about a plan."""
        return list(self.look(f"decisions?fieldSelector=spec.plan%3D{plan}").get("items", ()))

    def is_ready(self) -> bool:
        """Ready, in its present generation, by its newest plan."""
        request = self.read()
        status = request.get("status", {})
        ready = [item for item in status.get("conditions", ()) if item["type"] == "Ready"]
        present = [item for item in ready if item.get("observedGeneration") == request["metadata"]["generation"]]
        return bool(present) and present[0]["status"] == "True" and status.get("plan") == status.get("approvedPlan")

    def told(self) -> str:
        """What the status says, in one line."""
        request = self.read()
        if not request:
            return "the request is gone"
        conditions = request.get("status", {}).get("conditions", ())
        return "; ".join(
            f"{item['type']}={item['status']} {item['reason']}: {item.get('message', '')}"
            for item in conditions
            if item["type"] in {"Provisioned", "Ready"}
        )
