"""Evidence of one request whose plan was signed by three persons and came into force; a test changes one thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from controllers.api.plan import RequiredStage
from controllers.evidence.archive import Gap, Manifest, Subject, packed
from controllers.evidence.gathered import SUMMARY, Gathered
from controllers.evidence.summary import summary_content
from tests.unit.cli_stage import NAMESPACE, UID, a_condition, a_content, a_plan, a_request

NOW = "2026-01-05T00:00:00Z"
EXPIRY = "2026-01-09T00:00:00Z"
STAGES = (
    RequiredStage(stage="resource-office", because="Always."),
    RequiredStage(stage="security", because="It crosses zones.", signatures=2),
)
CONTENT = a_content().model_copy(update={"stages": STAGES})
SIGNERS = (("resource-office", "zhang.wei", "a1"), ("security", "chen.jing", "a2"), ("security", "zhao.min", "a3"))


def made(document: dict[str, Any], time: str = "2026-01-02T03:04:05Z", **meta: Any) -> dict[str, Any]:
    return {**document, "metadata": {"creationTimestamp": time, **document["metadata"], **meta}}


@dataclass
class Case:
    """A request whose plan was signed by three persons and came into force; a test changes one thing."""

    plan: dict[str, Any] = field(default_factory=lambda: made(a_plan(CONTENT)))
    approvals: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    request: dict[str, Any] | None = None
    subject: Subject = field(
        default_factory=lambda: Subject(
            kind="ResourceRequest", namespace=NAMESPACE, name="permit-portal", uid=UID, living=True
        )
    )

    def __post_init__(self) -> None:
        ready = a_condition("Ready", "True", "Ready")
        self.request = made(a_request(status={"approvedPlan": self.name, "conditions": [ready], "expiryTime": EXPIRY}))
        for stage, person, uid in SIGNERS:
            self.sign(stage, person, uid)
        self.decisions.append(self.line(f"{self.name}-in-force", outcome="InForce"))

    @property
    def name(self) -> str:
        return str(self.plan["metadata"]["name"])

    @property
    def digest(self) -> str:
        return str(self.plan["spec"]["digest"])

    def sign(self, stage: str, person: str, uid: str) -> None:
        """An Approval, and its line."""
        spec = {"plan": self.name, "stage": stage, "decision": "Approved", "approver": person, "digest": self.digest}
        meta = {"name": f"{self.name}-{stage}-{uid}", "namespace": NAMESPACE, "uid": uid}
        self.approvals.append(made({"metadata": meta, "spec": spec}))
        self.decisions.append(self.line(f"approval-{uid}", outcome="Approved", stage=stage, approver=person))

    def line(self, name: str, **fields: Any) -> dict[str, Any]:
        spec = {
            "request": "permit-portal",
            "requestUid": UID,
            "requestedBy": "li.na",
            "plan": self.name,
            "digest": self.digest,
            "summary": "1 server",
            "counted": True,
            **fields,
        }
        return made({"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})

    def gathered(self) -> Gathered:
        plans = (self.plan,) if self.subject.living else ()
        return Gathered(self.subject, self.request, plans, tuple(self.approvals), tuple(self.decisions))

    def archive(self) -> bytes:
        found = self.gathered()
        gaps = () if self.subject.living else (Gap(what="request", because="it is gone"),)
        manifest = Manifest(subject=self.subject, gathered_time=NOW, gathered_by="sun.li", release="0.1.0", gaps=gaps)
        return packed(manifest, {**found.files(), SUMMARY: summary_content(found)})
