"""The same story as in the end-to-end tests, read without starting a program for every look."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from controllers.api import GROUP, VERSION
from controllers.api.plan import PlanSpec
from controllers.cluster import Access, access_from_kubeconfig
from tests.e2e.story import NAMESPACE, Story


@dataclass(frozen=True, slots=True)
class WatchedStory(Story):
    """A request that is looked at several times a second."""

    def read(self) -> dict[str, Any]:
        return self._get(f"resourcerequests/{self.name}")

    def plan(self, name: str) -> PlanSpec:
        return PlanSpec.model_validate(self._get(f"plans/{name}")["spec"])

    def record(self, plan: str) -> list[dict[str, Any]]:
        """The lines of the record of decisions that are about a plan."""
        return list(self._get(f"decisions?fieldSelector=spec.plan%3D{plan}").get("items", ()))

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

    def _get(self, path: str) -> dict[str, Any]:
        access = _access(self.sandbox.home / "kubeconfig")
        url = f"{access.server}/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{path}"
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=access.tls)
        )
        try:
            with opener.open(urllib.request.Request(url, headers=access.headers()), timeout=10) as answer:
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return {}
            raise


@cache
def _access(kubeconfig: Path) -> Access:
    return access_from_kubeconfig(kubeconfig)
