"""Who tries to decide what, and what they must be told: one attempt for every rule about decisions.

The attempts are about requests whose standing `STANDINGS` says; test_admission writes it.
"""

from __future__ import annotations

from typing import Any

from controllers.api import API_VERSION
from tests.e2e.attempts import DIGEST, OLD_PLAN, PLAN, Attempt, approves, patch
from tests.e2e.office import Document

BOTH_STAGES = ["resource-office", "security"]
BY_OFFICER = {"stage": "resource-office", "approver": "zhang.wei"}
BY_ANOTHER = {"stage": "security", "approver": "wu.lei", "decision": "Approved"}
STANDINGS: dict[str, Document] = {
    "permit-portal": {"plan": PLAN, "planDigest": DIGEST, "requiredStages": BOTH_STAGES},
    "own": {"plan": "own-0123456789", "requiredStages": BOTH_STAGES},
    "signed": {
        "plan": "signed-0123456789",
        "requiredStages": BOTH_STAGES,
        "approvals": [{**BY_OFFICER, "decision": "Approved"}, BY_ANOTHER],
    },
    "denied": {
        "plan": "denied-0123456789",
        "requiredStages": BOTH_STAGES,
        "approvals": [{**BY_OFFICER, "decision": "Denied", "reason": "no"}],
    },
    "in-force": {
        "plan": "in-force-0123456789",
        "requiredStages": BOTH_STAGES,
        "approvedPlan": "in-force-0123456789",
    },
    "by-policy": {"plan": "by-policy-0123456789", "approvedPlan": "by-policy-0123456789"},
}


def a_line(name: str, **metadata: Any) -> Document:
    """A line of the record of decisions, as the operator writes it."""
    spec = {
        "request": "permit-portal",
        "requestUid": "uid-1",
        "requestedBy": "li.na",
        "plan": PLAN,
        "digest": DIGEST,
        "summary": "1 to create",
        "outcome": "InForce",
    }
    return {"apiVersion": API_VERSION, "kind": "Decision", "metadata": {"name": name, **metadata}, "spec": spec}


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-4000-8000-000000000000"}
RECORD: dict[str, Attempt] = {
    "the operator adds to the record": Attempt("operator", ("create",), document=a_line("new-line")),
    "the operator adds what could be collected": Attempt(
        "operator", ("create",), "it outlives its request", a_line("new-line", ownerReferences=[OWNER])
    ),
    "an administrator adds to the record": Attempt(
        "admin", ("create",), "recorded by the operator only", a_line("new-line")
    ),
    "an officer adds to the record": Attempt("officer", ("create",), "cannot create resource", a_line("new-line")),
    "the operator changes a line": Attempt(
        "operator", patch("decision", "kept-line", {"spec": {"outcome": "Denied"}}), "cannot patch resource"
    ),
    "an administrator changes a line": Attempt(
        "admin", patch("decision", "kept-line", {"spec": {"outcome": "Denied"}}), "what is recorded stays as it is"
    ),
    "an administrator labels a line": Attempt(
        "admin", ("label", "decision", "kept-line", "a=b"), "a Decision is a record: nobody changes it"
    ),
    "an administrator removes a line": Attempt(
        "admin", ("delete", "decision", "kept-line"), "a Decision is a record: nobody removes it"
    ),
    "an administrator removes all lines": Attempt("admin", ("delete", "decisions", "--all"), "nobody removes it"),
    "a clerk reads the record": Attempt("clerk", ("get", "decisions")),
    "an auditor reads the record": Attempt("auditor", ("get", "decisions")),
}

DECISIONS: dict[str, Attempt] = {
    # approvals: who decides
    "the officer of the stage approves": approves("officer"),
    "the officer approves under the own name": approves("officer", approver="zhang.wei"),
    "the officer approves what was read": approves("officer", digest=DIGEST),
    "the officer denies, with a reason": approves("officer", decision="Denied", reason="too large"),
    "another officer of another stage approves": approves("security", stage="security"),
    "an officer denies without a reason": approves(
        "officer", "spec.reason: Invalid value: a denial must state a `reason`", decision="Denied"
    ),
    "an officer decides a stage of others": approves(
        "officer", 'user "zhang.wei" may not decide stage "security" in namespace', stage="security"
    ),
    "an officer decides a stage that does not exist": approves("officer", 'stage "mayor"', stage="mayor"),
    "an officer decides in another's name": approves(
        "officer", '`spec.approver` must be "zhang.wei" (or left out), not "chen.jing"', approver="chen.jing"
    ),
    "an officer decides with other groups": approves(
        "officer", "`spec.approverGroups` must be your own groups", approverGroups=["kunlun:security"]
    ),
    "an administrator approves": approves("admin", "by named officers, not by administrators or service accounts"),
    "a clerk approves": approves("clerk", "cannot create resource"),
    "a requester approves the own request": approves(
        "officer", 'user "zhang.wei" made request "own" and may not decide it', plan="own-0123456789"
    ),
    "an officer approves a superseded plan": approves(
        "officer",
        f'"{OLD_PLAN}" is not the newest plan of request "permit-portal" (that is "{PLAN}"): read that one',
        plan=OLD_PLAN,
    ),
    "an officer approves a request without a plan": approves(
        "officer", 'is not the newest plan of request "unplanned", which has none yet', plan="unplanned-0123456789"
    ),
    "an officer approves a content that was swapped": approves(
        "officer", f'`spec.digest` is not the digest of plan "{PLAN}"', digest="f" * 64
    ),
    "an officer decides a stage that the plan does not ask for": approves(
        "finance",
        f'plan "{PLAN}" does not ask for stage "finance"; its stages: resource-office, security',
        stage="finance",
    ),
    "an officer decides what policy has approved": approves(
        "officer", "does not ask for stage", plan="by-policy-0123456789"
    ),
    "an officer decides what is denied": approves(
        "officer", 'plan "denied-0123456789" is denied, and stays denied', plan="denied-0123456789"
    ),
    "an officer denies what is in force": approves(
        "officer",
        "is in force: a decision would change nothing",
        plan="in-force-0123456789",
        decision="Denied",
        reason="r",
    ),
    "an officer signs twice": approves(
        "officer", 'user "zhang.wei" has approved plan "signed-0123456789"', plan="signed-0123456789"
    ),
    "an officer denies what the officer has signed": approves(
        "officer", plan="signed-0123456789", decision="Denied", reason="new facts"
    ),
    "another person signs the same stage": approves("security", plan="signed-0123456789", stage="security"),
}
