"""Many departments with many small requests, asked for and approved over plain HTTP by the personas.

Everything is looked up before it is made, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from controllers.api import API_VERSION
from tests.apiserver import ApiServer
from tests.conftest import REPOSITORY, Sandbox

MANIFESTS = REPOSITORY / "infra/sandbox/manifests"
TEMPLATE = "civil-affairs"
ZONE = "extranet"
CONNECTIONS = 6
BACKGROUND, BATCH = "permit-portal", "batch"  # the systems: requests can be listed by theirs
CREATED, EXISTS = 201, 409
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the bench sees it."""

    namespace: str
    name: str
    plan: str | None
    ready: bool
    standing: str


@dataclass(frozen=True)
class Crowd:
    """`requests` in all, spread over `departments`; the last `batch` of them are of another system."""

    sandbox: Sandbox
    requests: int
    departments: int
    batch: int
    approved: set[str] = field(default_factory=set)
    _local: threading.local = field(default_factory=threading.local)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(CONNECTIONS)

    def furnish(self) -> None:
        """Namespaces, tenants with room for everything, roles, and the registered systems."""
        for index in range(self.departments):
            self.sandbox.kubectl("admin", "apply", "-f", "-", input=yaml.safe_dump_all(self._department(index)))

    def ask(self, system: str) -> None:
        """Create the requests of a system; those that are there stay as they are."""
        self._together("clerk", [self._request(index) for index in self._indices(system)], "resourcerequests")

    def seen(self, system: str) -> list[Asked]:
        """All requests of a system, as the API server has them."""
        path = f"/apis/{API_VERSION}/resourcerequests?fieldSelector=spec.system={system}"
        code, answer = self._as("admin").call("GET", path)
        assert code == 200, answer
        ours = [item for item in answer["items"] if item["metadata"]["name"].startswith("scale-")]
        return sorted(map(_asked, ours), key=lambda asked: asked.name)

    def projects(self) -> int:
        """How many projects all tenants have together, those of the ready-made department included."""
        code, answer = self._as("admin").call("GET", f"/apis/{API_VERSION}/tenants")
        assert code == 200, answer
        return sum(len(tenant["status"]["projects"]) for tenant in answer["items"])

    def approve(self, waiting: Iterable[Asked]) -> int:
        """The officer decides on every plan not decided yet; returns how many were."""
        plans = [(one.namespace, one.plan) for one in waiting if one.plan and one.plan not in self.approved]
        self._together("officer", [_approval(namespace, str(plan)) for namespace, plan in plans], "approvals")
        self.approved.update(str(plan) for _, plan in plans)
        return len(plans)

    def _indices(self, system: str) -> range:
        first = self.requests - self.batch
        return range(first, self.requests) if system == BATCH else range(first)

    def _request(self, index: int) -> Body:
        """The smallest that is real: a router on the uplink, a network, a subnet and the interface between."""
        system = BATCH if index in self._indices(BATCH) else BACKGROUND
        spec = {"system": system, "zone": ZONE, "networks": [{"name": "app", "prefixLength": 29}]}
        metadata = {"name": f"scale-{index:04}", "namespace": department(index % self.departments)}
        return {"apiVersion": API_VERSION, "kind": "ResourceRequest", "metadata": metadata, "spec": spec}

    def _department(self, index: int) -> Iterator[Body]:
        text = (MANIFESTS / "department.yaml").read_text().replace(TEMPLATE, department(index))
        quota = {"zone": ZONE, "servers": 1, "vcpus": 1, "memoryGiB": 1, "networks": self.requests, "volumeGiB": 0}
        for body in yaml.safe_load_all(text.replace(f"kunlun:{department(index)}", f"kunlun:{TEMPLATE}")):
            if body["kind"] == "Tenant":
                body["spec"]["quotas"] = [quota]
            yield body
        system = yaml.safe_load((MANIFESTS / "system.yaml").read_text())
        for name in (BACKGROUND, BATCH):
            yield system | {"metadata": {"name": name, "namespace": department(index)}}

    def _together(self, persona: str, bodies: list[Body], plural: str) -> None:
        def create(body: Body) -> None:
            path = f"/apis/{API_VERSION}/namespaces/{body['metadata']['namespace']}/{plural}"
            code, answer = self._as(persona).call("POST", path, json.dumps(body))
            assert code in (CREATED, EXISTS), answer

        list(self._pool.map(create, bodies))

    def _as(self, persona: str) -> ApiServer:
        """A connection of this thread."""
        if not hasattr(self._local, persona):
            setattr(self._local, persona, ApiServer(self.sandbox.kubeconfig(persona)))
        found: ApiServer = getattr(self._local, persona)
        return found


def department(index: int) -> str:
    return f"department-{index:02}"


def _approval(namespace: str, plan: str) -> Body:
    spec = {"plan": plan, "stage": "resource-office", "decision": "Approved"}
    metadata = {"name": plan, "namespace": namespace}  # of the plan's name: a second run does not decide again
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": metadata, "spec": spec}


def _asked(body: Body) -> Asked:
    status = body.get("status", {})
    conditions: list[Body] = status.get("conditions", [])
    ready: Body = next((item for item in conditions if item["type"] == "Ready"), {})
    return Asked(
        namespace=body["metadata"]["namespace"],
        name=body["metadata"]["name"],
        plan=status.get("plan"),
        ready=ready.get("status") == "True",
        standing=str(ready.get("reason", "new")),
    )
