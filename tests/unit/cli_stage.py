"""A stage for command line tests: a small true plan, and a `kubectl` that answers from a folder of files.

The stand-in is a program on PATH, as the real one is, so nothing in the code under test is replaced. It
answers `get KIND NAME` from `<plural>-<name>.json`, keeps what `create` was sent in `created.json`, answers
changes from `answer.json`, and refuses with the text in `refusal` when there is one.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controllers.api.plan import Action, CostLine, Operation, PlanContent, RequiredStage, plan_digest, plan_name
from controllers.cli import root
from infra.stackplan import (
    GroupPlan,
    Kind,
    NetworkPlan,
    Origin,
    Project,
    Resolved,
    RouterPlan,
    RulePlan,
    ServerPlan,
    StackPlan,
)

NAMESPACE = "civil-affairs"
UID = "0f1e2d3c-0000-4000-8000-000000000001"

STAND_IN = r"""#!/bin/sh
printf '%s\n' "$*" >> "$STAGE/calls"
if [ -f "$STAGE/refusal" ]; then cat "$STAGE/refusal" >&2; exit 1; fi
for word in "$@"; do case "$word" in
  create) cat > "$STAGE/created.json"; cat "$STAGE/answer.json"; exit 0;;
  delete) if [ -f "$STAGE/kept" ]; then cat "$STAGE/kept" >&2; exit 1; fi; cat "$STAGE/answer.json"; exit 0;;
  patch) cat "$STAGE/answer.json"; exit 0;;
  apply) cat > "$STAGE/applied.yaml"; cat "$STAGE/answer.json" 2>/dev/null || echo "applied"; exit 0;;
  --watch) cat "$STAGE/watch.json"; exit 0;;
  --field-selector=*) cat "$STAGE/selected-$plural.json" 2>/dev/null || cat "$STAGE/selected.json"; exit 0;;
  *.kunlun.cloud) plural=${word%%.*};;
esac; name=$word; done
cat "$STAGE/$plural-$name.json" 2>/dev/null || true
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder the stand-in answers from."""

    folder: Path

    def has(self, name: str, document: Mapping[str, Any]) -> None:
        """From now on the cluster answers with this document."""
        (self.folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")

    def refuses(self, stderr: str) -> None:
        """From now on kubectl fails with this text."""
        (self.folder / "refusal").write_text(stderr, encoding="utf-8")

    def keeps(self, stderr: str) -> None:
        """From now on every deletion, and nothing else, fails with this text."""
        (self.folder / "kept").write_text(stderr, encoding="utf-8")

    def watches(self, *events: tuple[str, Mapping[str, Any]]) -> None:
        """What a watch delivers before it ends."""
        text = "\n".join(json.dumps({"type": kind, "object": document}, indent=4) for kind, document in events)
        (self.folder / "watch.json").write_text(text, encoding="utf-8")

    @property
    def created(self) -> dict[str, Any]:
        """What the cluster was asked to create; empty when nothing."""
        path = self.folder / "created.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    @property
    def calls(self) -> list[str]:
        """Every kubectl command line, in order."""
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()

    def run(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        """The whole program, as a person runs it."""
        return CliRunner().invoke(root, list(arguments), input=stdin)


def a_stage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Put the stand-in first on PATH."""
    program = folder / "kubectl"
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STAGE", str(folder))
    stage = Stage(folder)
    stage.has("selected", {"items": []})
    return stage


def a_content(*, generation: int = 1, address: str = "10.10.1.4") -> PlanContent:
    """A plan of one server that one prefix may reach."""
    rules = (
        RulePlan(direction="ingress", protocol="tcp", port_first=443, port_last=443, remote_cidr="10.20.0.0/16"),
        RulePlan(direction="egress", protocol="udp", port_first=67, port_last=67, remote_cidr="255.255.255.255/32"),
    )
    stack = StackPlan(
        origin=Origin(namespace=NAMESPACE, name="permit-portal", uid=UID, generation=generation),
        zone="extranet",
        project=Project(id="p1", name="civil-affairs-extranet"),
        router=RouterPlan(uplink_id="u1", source_nat=False),
        networks=(
            NetworkPlan(
                name="app",
                subnet_pool_id="s1",
                cidr="10.10.1.0/28",
                gateway="10.10.1.1",
                service_first="10.10.1.2",
                service_last="10.10.1.3",
            ),
        ),
        groups=(GroupPlan(name="web", rules=rules),),
        servers=(
            ServerPlan(
                name="web-0",
                group="web",
                flavor=Resolved(id="f1", name="c1.small"),
                image=Resolved(id="i1", name="debian-12"),
                network="app",
                address=address,
            ),
        ),
    )
    return PlanContent(
        stack=stack,
        actions=(Action(operation=Operation.CREATE, kind=Kind.SERVER, name="server-web-0"),),
        costs=(CostLine(item="server web: c1.small", count=1, monthly_yuan_each=90),),
        monthly_yuan=90,
        stages=(RequiredStage(stage="resource-office", because="Every allocation needs it."),),
    )


def a_plan(content: PlanContent | None = None, **changed: Any) -> dict[str, Any]:
    """The Plan object of the cluster for this content; `changed` forges fields of its spec."""
    content = content or a_content()
    digest = plan_digest(content)
    return {
        "apiVersion": "kunlun.cloud/v1alpha1",
        "kind": "Plan",
        "metadata": {"name": plan_name("permit-portal", digest), "namespace": NAMESPACE},
        "spec": {**content.model_dump(mode="json", by_alias=True), "digest": digest, **changed},
    }


def a_request(*, status: Mapping[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    """The ResourceRequest object of the cluster."""
    flow = {"from": {"cidr": "10.20.0.0/16"}, "to": "web", "ports": ["tcp/443"], "purpose": "counter clerks"}
    server = {"name": "web", "flavor": "c1.small", "image": "debian-12", "network": "app"}
    return {
        "apiVersion": "kunlun.cloud/v1alpha1",
        "kind": "ResourceRequest",
        "metadata": {"name": "permit-portal", "namespace": NAMESPACE, "uid": UID, "generation": 1, **meta},
        "spec": {
            "system": "permit-portal",
            "zone": "extranet",
            "requestedBy": "li.na",
            "networks": [{"name": "app", "prefixLength": 28}],
            "servers": [server],
            "flows": [flow],
        },
        "status": dict(status or {}),
    }


def a_condition(kind: str, status: str, reason: str, message: str = "", *, generation: int = 1) -> dict[str, Any]:
    """One condition as the API server stores it."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
        "observedGeneration": generation,
    }
