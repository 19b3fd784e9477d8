"""An office of its own for tests of the API server: a namespace, people with roles in it, things to try.

Whatever a test tries is a server-side dry run unless it says otherwise, so that admission and schema decide
for real and nothing stays behind.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any, Protocol

from controllers.api import API_VERSION, FINALIZER

Document = dict[str, Any]

DEADLINE_SECONDS = 30
OPERATOR = "system:serviceaccount:kunlun-system:kunlun-operator"
DRY_RUN = "--dry-run=server"
ROLES = {
    "li.na": ["kunlun:department"],
    "ci-pipeline": ["kunlun:department"],
    "zhang.wei": ["kunlun:approver", "kunlun:stage-resource-office", "kunlun:department"],
    "chen.jing": ["kunlun:approver", "kunlun:stage-security"],
    "zhao.min": ["kunlun:approver", "kunlun:stage-finance"],
    "sun.li": ["kunlun:auditor"],
}


class Sandbox(Protocol):
    """The part of the sandbox that these tests use."""

    def kubectl(
        self, persona: str, *arguments: str, input: str | None = None, check: bool = True
    ) -> CompletedProcess[str]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    allowed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Office:
    """A namespace of a department and the people who may act in it."""

    sandbox: Sandbox
    namespace: str

    def asks(self, persona: str, *arguments: str, document: Document | None = None) -> Answer:
        """Run kubectl as a person (or as the `operator`) in this namespace; never raises for a refusal."""
        identity = () if persona != "operator" else (f"--as={OPERATOR}",)
        files = () if document is None else ("-f", "-")
        done = self.sandbox.kubectl(
            "admin" if persona == "operator" else persona,
            "--namespace",
            self.namespace,
            *identity,
            *arguments,
            *files,
            input=None if document is None else json.dumps(document),
            check=False,
        )
        return Answer(done.returncode == 0, done.stdout + done.stderr)

    def tries(self, persona: str, *arguments: str, document: Document | None = None) -> Answer:
        """The same as a dry run."""
        return self.asks(persona, *arguments, DRY_RUN, document=document)

    def does(self, persona: str, *arguments: str, document: Document | None = None) -> str:
        """The same for real; a refusal is an error of the test."""
        answer = self.asks(persona, *arguments, document=document)
        assert answer.allowed, answer.text
        return answer.text

    def observes(self, kind: str, name: str, status: Mapping[str, Any]) -> None:
        """Write status as the operator, under a name of its own, so that a running operator leaves it alone."""
        written = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "status": dict(status)}
        how = ("--server-side", "--force-conflicts", "--field-manager=office", "--subresource=status")
        self.does("operator", "apply", *how, document=written)

    def finalizes(self, kind: str, name: str) -> None:
        """Put the operator's finalizer on an object."""
        metadata = {"name": name, "finalizers": [FINALIZER]}
        marked = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata}
        self.does(
            "operator", "apply", "--server-side", "--force-conflicts", "--field-manager=office-marks", document=marked
        )

    def sees(self, words: str, persona: str, *arguments: str) -> None:
        """Ask until the answer contains the words: the operator says something a moment later."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while words not in (text := self.does(persona, *arguments)):
            assert time.monotonic() < deadline, text
            time.sleep(0.2)

    def eventually(self, persona: str, *arguments: str, document: Document) -> None:
        """Try until it is allowed: the API server sees new policies and new parameters a moment later."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (answer := self.tries(persona, *arguments, document=document)).allowed:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.2)


@contextmanager
def an_office(sandbox: Sandbox) -> Iterator[Office]:
    """Open an office, and close it for good afterwards."""
    office = Office(sandbox, f"office-{uuid.uuid4().hex[:8]}")
    office.does("admin", "apply", document={"apiVersion": "v1", "kind": "List", "items": _furniture(office.namespace)})
    try:
        office.eventually("clerk", "create", document=a_request())
        yield office
    finally:
        close(office)


def close(office: Office) -> None:
    """Take finalizers off as a holder of `abandon`, then delete the namespace with all that is in it."""
    found = office.asks("admin", "get", "resourcerequests,informationsystems", "--output=name")
    for name in found.text.split():
        office.asks("admin", "patch", name, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    office.asks("admin", "delete", "namespace", office.namespace, "--wait=false")


def _furniture(namespace: str) -> list[Document]:
    labels = {"kunlun.cloud/tenant": namespace}
    room = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    return [room, *(_binding(namespace, user, role) for user, roles in ROLES.items() for role in roles)]


def _binding(namespace: str, user: str, role: str) -> Document:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{user}-{role.replace(':', '-')}", "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def a_request(name: str = "permit-portal", **changed: Any) -> Document:
    """A valid request of two servers; `changed` replaces fields of its spec, and None leaves one out."""
    spec = {
        "system": "permit-portal",
        "zone": "extranet",
        "environment": "Production",
        "networks": [{"name": "app", "prefixLength": 28}],
        "servers": [a_server(count=2)],
        "flows": [a_flow()],
        **changed,
    }
    kept = {field: value for field, value in spec.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "ResourceRequest", "metadata": {"name": name}, "spec": kept}


def a_server(**changed: Any) -> Document:
    """A valid server entry."""
    server = {"name": "web", "flavor": "c1.small", "image": "debian-12", "network": "app", **changed}
    return {field: value for field, value in server.items() if value is not None}


def a_flow(**changed: Any) -> Document:
    """A valid flow."""
    flow = {"from": {"cidr": "172.20.0.0/16"}, "to": "web", "ports": ["tcp/443"], "purpose": "clerks", **changed}
    return {field: value for field, value in flow.items() if value is not None}


def a_system(**changed: Any) -> Document:
    """A valid information system."""
    spec = {
        "title": "Permit portal",
        "owner": "Civil Affairs",
        "classification": "NonClassified",
        "protectionLevel": 3,
        **changed,
    }
    kept = {field: value for field, value in spec.items() if value is not None}
    metadata = {"name": "permit-portal"}
    return {"apiVersion": API_VERSION, "kind": "InformationSystem", "metadata": metadata, "spec": kept}


def a_zone(**changed: Any) -> Document:
    """A valid zone that no request uses."""
    spec = {
        "class": "Extranet",
        "uplink": "no-uplink",
        "subnetPool": "no-pool",
        "prefixes": ["192.0.2.0/24"],
        **changed,
    }
    kept = {field: value for field, value in spec.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "Zone", "metadata": {"name": "office-zone"}, "spec": kept}


def a_permitted_flow(ports: Sequence[str] = ("tcp/443",), **source: str) -> Document:
    """An entry of a zone's catalogue."""
    return {"from": source, "ports": list(ports), "purpose": "exchange", "stage": "security"}


def a_tenant(**changed: Any) -> Document:
    """A valid tenant of no real department."""
    spec = {
        "displayName": "Office",
        "namespace": "office",
        "quotas": [{"zone": "extranet"}],
        "monthlyBudgetYuan": 1,
        **changed,
    }
    kept = {field: value for field, value in spec.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "Tenant", "metadata": {"name": "office"}, "spec": kept}


def an_approval(plan: str, **changed: Any) -> Document:
    """The resource office's yes to a plan."""
    spec = {"plan": plan, "stage": "resource-office", "decision": "Approved", **changed}
    kept = {field: value for field, value in spec.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": "Approval", "metadata": {"generateName": "decision-"}, "spec": kept}
