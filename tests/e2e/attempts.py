"""What people try, and what they must be told: one attempt for every rule of policies/admission and every role.

The attempts are about a request, a plan, a decision, a system and a zone that are there already; test_admission
puts them there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from controllers.api import ABANDON, ABANDONED_BY, FINALIZER
from tests.e2e.office import Document, a_request, an_approval
from tests.unit.cli_stage import a_plan

PLAN_OBJECT = a_plan()
PLAN = str(PLAN_OBJECT["metadata"]["name"])
DIGEST = str(PLAN_OBJECT["spec"]["digest"])
OLD_PLAN = "permit-portal-0000000000"
NO_FINALIZER = {"metadata": {"finalizers": None}}
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
NOBODY = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-4000-8000-000000000000"}
MEDDLING: dict[str, Document] = {
    "hands it to nobody": {"ownerReferences": [NOBODY]},
    "puts a label on it": {"labels": {"floor": "3"}},
    "puts a finalizer on it": {"finalizers": [FINALIZER, "example.org/hold"]},
    "takes the finalizer off": {"finalizers": None},
    "notes something on it": {"annotations": {"example.org/floor": "3"}},
}
"""What would decide over a request without changing its spec; an owner that does not exist has it collected."""


def plan_object(**metadata: Any) -> Document:
    """The plan, as the operator makes it; `metadata` is added to its name."""
    return PLAN_OBJECT | {"metadata": {"name": PLAN, **metadata}}


def a_finalized_request() -> Document:
    """The request as it is stored, but for the stamp of its requester."""
    return a_request() | {"metadata": {"name": "permit-portal", "finalizers": [FINALIZER]}}


def patch(kind: str, name: str, change: Document, *more: str) -> tuple[str, ...]:
    """The words of a `kubectl patch` that merges a change."""
    return ("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}", *more)


def given_up(reason: str | None, person: str | None = None) -> Document:
    """The mark of a request that is to go without its objects."""
    named = {} if person is None else {ABANDONED_BY: person}
    return {"metadata": {"annotations": {ABANDON: reason, **named}}}


def patch_request(spec: Document, name: str = "permit-portal") -> tuple[str, ...]:
    """The same for the spec of a request."""
    return patch("resourcerequest", name, {"spec": spec})


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries something; `refusal` is what must be said, or empty when it is allowed."""

    persona: str
    what: tuple[str, ...]
    refusal: str = ""
    document: Document | None = None


def approves(persona: str, refusal: str = "", **changed: Any) -> Attempt:
    """Somebody decides on the newest plan; `changed` varies the decision."""
    return Attempt(persona, ("create",), refusal, an_approval(changed.pop("plan", PLAN), **changed))


ATTEMPTS: dict[str, Attempt] = {
    # requests: who asks
    "a clerk asks": Attempt("clerk", ("create",), document=a_request("another")),
    "a clerk asks under the own name": Attempt(
        "clerk", ("create",), document=a_request("another", requestedBy="li.na")
    ),
    "a clerk asks in another's name": Attempt(
        "clerk",
        ("create",),
        '`spec.requestedBy` must be "li.na" (or left out), not "sun.li"',
        a_request("another", requestedBy="sun.li"),
    ),
    "an administrator asks in a clerk's name": Attempt(
        "admin", ("create",), "`spec.requestedBy` must be", a_request("another", requestedBy="li.na")
    ),
    "an officer without the department's role reads requests": Attempt("security", ("get", "rr")),
    "a security officer asks": Attempt("security", ("create",), "cannot create resource", a_request("another")),
    "an auditor asks": Attempt("auditor", ("create",), "cannot create resource", a_request("another")),
    "the operator asks": Attempt("operator", ("create",), "cannot create resource", a_request("another")),
    # requests: who changes them
    "the requester changes the request": Attempt("clerk", patch_request({"driftPolicy": "Correct"})),
    "the requester applies it again": Attempt("clerk", ("apply",), document=a_request()),
    "the requester replaces it, without the stamp": Attempt("clerk", ("replace",), document=a_finalized_request()),
    "the requester replaces it, without the finalizer": Attempt(
        "clerk", ("replace",), "only the operator may remove the finalizer", a_request()
    ),
    "a colleague applies the same again": Attempt("ci", ("apply",), document=a_request()),
    "a colleague puts a label on it": Attempt("ci", ("label", "rr", "permit-portal", "floor=3")),
    "a colleague changes it": Attempt(
        "ci", patch_request({"driftPolicy": "Correct"}), 'only the requester "li.na" may change the `spec`'
    ),
    "an administrator changes it": Attempt(
        "admin", patch_request({"driftPolicy": "Correct"}), 'only the requester "li.na" may change the `spec`'
    ),
    "the operator changes it": Attempt("operator", patch_request({"driftPolicy": "Correct"}), "denied request"),
    "the requester moves it to another zone": Attempt(
        "clerk",
        patch_request({"zone": "private"}),
        "spec.zone: Forbidden: `zone` cannot be changed; make a new request",
    ),
    "the requester gives it to another system": Attempt(
        "clerk", patch_request({"system": "other"}), "spec.system: Forbidden: `system` cannot be changed"
    ),
    "the requester passes it on": Attempt(
        "clerk",
        patch_request({"requestedBy": "sun.li"}),
        "spec.requestedBy: Forbidden: `requestedBy` cannot be changed",
    ),
    # status: the operator's
    "the operator writes status": Attempt(
        "operator", patch("rr", "permit-portal", {"status": {"project": "p"}}, "--subresource=status")
    ),
    "a clerk writes status": Attempt(
        "clerk",
        ("apply", "--server-side", "--subresource=status"),
        'cannot patch resource "resourcerequests/status"',
        a_request() | {"status": {"approvedPlan": PLAN}},
    ),
    "an administrator writes a request's status": Attempt(
        "admin",
        patch("rr", "permit-portal", {"status": {"approvedPlan": PLAN}}, "--subresource=status"),
        "only the operator writes `status`",
    ),
    "an administrator writes a system's status": Attempt(
        "admin",
        patch("isys", "permit-portal", {"status": {"observedGeneration": 9}}, "--subresource=status"),
        "only the operator writes `status`",
    ),
    "an administrator writes a zone's status": Attempt(
        "admin",
        patch("zone", "office-zone", {"status": {"uplinkId": "other"}}, "--subresource=status"),
        "only the operator writes `status`",
    ),
    # the finalizer stands for what exists in the cloud
    "a clerk takes the finalizer off": Attempt(
        "clerk",
        patch("rr", "permit-portal", NO_FINALIZER),
        'you need the verb "abandon" on resourcerequests.kunlun.cloud',
    ),
    "a clerk takes the finalizer off a system": Attempt(
        "clerk", patch("isys", "permit-portal", NO_FINALIZER), 'the verb "abandon" on informationsystems.kunlun.cloud'
    ),
    "the operator takes the finalizer off": Attempt("operator", patch("rr", "permit-portal", NO_FINALIZER)),
    "the operator takes the finalizer off a zone": Attempt("operator", patch("zone", "office-zone", NO_FINALIZER)),
    "a holder of abandon takes the finalizer off": Attempt("admin", patch("rr", "permit-portal", NO_FINALIZER)),
    "a holder of abandon takes the finalizer off a zone": Attempt("admin", patch("zone", "office-zone", NO_FINALIZER)),
    # giving up: a request goes, and what was built for it stays
    "the provider gives it up": Attempt("provider", patch("rr", "permit-portal", given_up("cloud lost"))),
    "the provider gives it up under the own name": Attempt(
        "provider", patch("rr", "permit-portal", given_up("cloud lost", "ops.wang"))
    ),
    "the provider gives it up in another's name": Attempt(
        "provider",
        patch("rr", "permit-portal", given_up("cloud lost", "sun.li")),
        '`kunlun.cloud/abandoned-by` must be "ops.wang" (or left out), not "sun.li"',
    ),
    "the provider gives it up in a name of two lines": Attempt(
        "provider",
        patch("rr", "permit-portal", given_up("cloud lost", "sun\nli")),
        '`kunlun.cloud/abandoned-by` must be "ops.wang" (or left out), not "sun li"',
    ),
    "the provider gives it up without a reason": Attempt(
        "provider", patch("rr", "permit-portal", given_up(" ")), "`kunlun.cloud/abandon` must say why"
    ),
    "the provider writes a name under nothing": Attempt(
        "provider",
        patch("rr", "permit-portal", given_up(None, "ops.wang")),
        "must be left out without `kunlun.cloud/abandon`",
    ),
    "a clerk gives the own request up": Attempt(
        "clerk", patch("rr", "permit-portal", given_up("enough")), 'you need the verb "abandon"'
    ),
    "a clerk writes the name of somebody who might": Attempt(
        "clerk", patch("rr", "permit-portal", given_up("enough", "ops.wang")), 'you need the verb "abandon"'
    ),
    "an officer gives it up": Attempt(
        "officer", patch("rr", "permit-portal", given_up("enough")), 'you need the verb "abandon"'
    ),
    "a clerk asks for what is given up from the start": Attempt(
        "clerk",
        ("create",),
        'you need the verb "abandon"',
        a_request("another") | {"metadata": {"name": "another", **given_up("enough")["metadata"]}},
    ),
    "the provider changes a request": Attempt(
        "provider", patch_request({"driftPolicy": "Correct"}), "may change the `spec`"
    ),
    **{
        f"the provider {what}": Attempt(
            "provider", patch("rr", "permit-portal", {"metadata": change}), "you may set `kunlun.cloud/abandon`"
        )
        for what, change in MEDDLING.items()
    },
    "the provider gives it up and changes its owner": Attempt(
        "provider",
        patch("rr", "permit-portal", {"metadata": given_up("cloud lost")["metadata"] | MEDDLING["hands it to nobody"]}),
        "you may set `kunlun.cloud/abandon`",
    ),
    "a colleague notes something on it": Attempt("ci", ("annotate", "rr", "permit-portal", "example.org/floor=3")),
    "a colleague hands it to an owner": Attempt(
        "ci", patch("rr", "permit-portal", {"metadata": {"ownerReferences": [NOBODY]}})
    ),
    "the garbage collector lets an owner go": Attempt(
        "admin",
        patch("rr", "permit-portal", {"metadata": {"finalizers": [FINALIZER, "orphan"]}}, f"--as={COLLECTOR}"),
    ),
    "the provider deletes a request": Attempt(
        "provider", ("delete", "rr", "permit-portal"), "only the department deletes its requests"
    ),
    "the requester deletes the request": Attempt("clerk", ("delete", "rr", "permit-portal")),
    # the operator asks for nothing
    "the operator changes a system": Attempt(
        "operator", patch("isys", "permit-portal", {"spec": {"filingNumber": "MZ-1"}}), "it asks for nothing"
    ),
    "the operator changes a zone": Attempt(
        "operator", patch("zone", "office-zone", {"spec": {"uplink": "other"}}), "it asks for nothing"
    ),
    "the operator decides": approves("operator", "cannot create resource"),
    # plans: the operator's
    "the operator removes a plan": Attempt("operator", ("delete", "plan", PLAN)),
    "a clerk makes a plan": Attempt("clerk", ("create",), "cannot create resource", plan_object()),
    "an administrator makes a plan": Attempt(
        "admin",
        ("create",),
        "Plans are made and removed by the operator only",
        a_plan(monthlyYuan=1) | {"metadata": {"name": PLAN}},
    ),
    "an administrator removes a plan": Attempt(
        "admin", ("delete", "plan", PLAN), "made and removed by the operator only"
    ),
    "an administrator labels a plan": Attempt("admin", ("label", "plan", PLAN, "a=b"), "by the operator only"),
    "an administrator changes a plan": Attempt(
        "admin", patch("plan", PLAN, {"spec": {"monthlyYuan": 1}}), "spec: Forbidden: a Plan cannot be changed"
    ),
    # approvals: they stay
    "an officer edits a decision": Attempt(
        "officer", patch("approval", "kept", {"spec": {"reason": "r"}}), "cannot patch resource"
    ),
    "an administrator edits a decision": Attempt(
        "admin", patch("approval", "kept", {"spec": {"reason": "r"}}), "spec: Forbidden: an Approval cannot be changed"
    ),
    "an officer deletes a decision": Attempt("officer", ("delete", "approval", "kept"), "cannot delete resource"),
    "somebody who may delete deletes a decision": Attempt(
        "ci", ("delete", "approval", "kept"), "an Approval is an audit record; deleting it needs the verb 'purge'"
    ),
    "a holder of purge deletes a decision": Attempt("admin", ("delete", "approval", "kept")),
    # zones are the provider's
    "a clerk changes a zone": Attempt("clerk", patch("zone", "office-zone", {"spec": {"uplink": "x"}}), "cannot patch"),
    "an administrator changes the class of a zone": Attempt(
        "admin",
        patch("zone", "office-zone", {"spec": {"class": "Internet"}}),
        "`class` cannot be changed; make a new Zone",
    ),
}
