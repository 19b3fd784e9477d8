"""Who may do what: every rule of policies/admission and every role, tried by the people it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from controllers.api import API_VERSION, FINALIZER
from tests.e2e.office import (
    OPERATOR,
    Document,
    Office,
    Sandbox,
    a_request,
    a_system,
    a_zone,
    an_approval,
    an_office,
)
from tests.unit.cli_stage import a_content, a_plan

PLAN_OBJECT = a_plan()
PLAN = str(PLAN_OBJECT["metadata"]["name"])
DIGEST = str(PLAN_OBJECT["spec"]["digest"])
OLD_PLAN = "permit-portal-0000000000"
NO_FINALIZER = {"metadata": {"finalizers": None}}


@pytest.fixture(scope="module")
def office(sandbox: Sandbox) -> Iterator[Office]:
    """An office with the clerk's planned request, the officer's own, a system, a decision and a zone."""
    with an_office(sandbox) as opened:
        furnish(opened)
        yield opened
        opened.asks("admin", "patch", "zone", "office-zone", "--type=merge", f"--patch={json.dumps(NO_FINALIZER)}")
        opened.asks("admin", "delete", "zone", "office-zone", "--wait=false")


def furnish(office: Office) -> None:
    """Everything the attempts below are about."""
    office.does("clerk", "apply", document=a_system())
    office.does("clerk", "apply", document=a_request())
    office.does("clerk", "apply", document=a_request("unplanned"))
    office.does("officer", "apply", document=a_request("own"))
    office.does("admin", "apply", document=a_zone())
    for kind, name in (
        ("ResourceRequest", "permit-portal"),
        ("InformationSystem", "permit-portal"),
        ("Zone", "office-zone"),
    ):
        office.finalizes(kind, name)
    office.observes("ResourceRequest", "permit-portal", {"plan": PLAN, "planDigest": DIGEST})
    office.observes("ResourceRequest", "own", {"plan": "own-0123456789"})
    office.does("operator", "create", document=plan_object())
    office.eventually("officer", "create", document=an_approval(PLAN))
    office.does("officer", "create", document=decision_named("kept"))
    office.does("admin", "create", "role", "eraser", "--verb=delete", "--resource=approvals.kunlun.cloud")
    office.does("admin", "create", "rolebinding", "eraser", "--role=eraser", "--user=ci-pipeline")


def plan_object(**metadata: Any) -> Document:
    return PLAN_OBJECT | {"metadata": {"name": PLAN, **metadata}}


def a_finalized_request() -> Document:
    return a_request() | {"metadata": {"name": "permit-portal", "finalizers": [FINALIZER]}}


def decision_named(name: str) -> Document:
    return an_approval(PLAN) | {"metadata": {"name": name}}


def patch(kind: str, name: str, change: Document, *more: str) -> tuple[str, ...]:
    return ("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}", *more)


def patch_request(spec: Document, name: str = "permit-portal") -> tuple[str, ...]:
    return patch("resourcerequest", name, {"spec": spec})


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries something; `refusal` is what must be said, or empty when it is allowed."""

    persona: str
    what: tuple[str, ...]
    refusal: str = ""
    document: Document | None = None


def approves(persona: str, refusal: str = "", **changed: Any) -> Attempt:
    return Attempt(persona, ("create",), refusal, an_approval(changed.pop("plan", PLAN), **changed))


ATTEMPTS = {
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
        "officer", 'user "zhang.wei" may not decide stage "finance" in namespace', stage="finance"
    ),
    "an officer decides a stage that does not exist": approves(
        "officer", 'may not decide stage "mayor"', stage="mayor"
    ),
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


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_everybody_may_do_their_part_and_no_more(office: Office, attempt: Attempt) -> None:
    """Allowed, or refused in words that say why."""
    act = office.asks if attempt.what[0] == "get" else office.tries
    answer = act(attempt.persona, *attempt.what, document=attempt.document)

    assert answer.allowed == (attempt.refusal == ""), answer.text
    assert attempt.refusal in answer.text


def test_who_asks_is_who_is_logged_in(office: Office) -> None:
    """The name under a request is stamped, and survives whoever applies the same again."""
    shown = "--output=jsonpath={.spec.requestedBy}"

    assert "li.na" == office.tries("clerk", "create", shown, document=a_request("another")).text
    assert "li.na" == office.tries("ci", "apply", "--server-side", shown, document=a_request()).text


def test_who_decides_is_who_is_logged_in(office: Office) -> None:
    """Name and groups under a decision are the authenticated ones."""
    shown = "--output=jsonpath={.spec.approver} {.spec.approverGroups}"
    answer = office.tries("officer", "create", shown, document=an_approval(PLAN))

    assert 'zhang.wei ["kunlun:resource-office","system:authenticated"]' == answer.text


def test_a_service_account_with_every_right_of_an_officer_decides_nothing(office: Office) -> None:
    """Decisions are made by people: a pipeline that was bound to the roles is refused all the same."""
    account = f"system:serviceaccount:{office.namespace}:default"
    for role in ("kunlun:approver", "kunlun:stage-resource-office"):
        name = role.replace(":", "-")
        office.does("admin", "create", "rolebinding", name, f"--clusterrole={role}", f"--user={account}")
    answer = office.tries("admin", "create", f"--as={account}", document=an_approval(PLAN))

    assert "not by administrators or service accounts" in answer.text


@pytest.mark.parametrize("document", [a_request(), a_system()], ids=["request", "system"])
def test_only_the_namespace_of_a_department_takes_requests_and_systems(sandbox: Sandbox, document: Document) -> None:
    """Without the label there is nobody who would pay."""
    answer = Office(sandbox, "default").tries("admin", "create", document=document)

    assert 'namespace "default" belongs to no department' in answer.text


def test_where_nothing_was_asked_nothing_can_be_approved(sandbox: Sandbox) -> None:
    """In a namespace without any request an approval has no plan to be about."""
    with an_office(sandbox) as empty:
        answer = empty.tries("officer", "create", document=an_approval(PLAN))

    assert "no params found" in answer.text


def test_a_department_can_be_closed(sandbox: Sandbox) -> None:
    """Deleting the namespace deletes plans and decisions with it: the rules that keep them do not hang it."""
    with an_office(sandbox) as closing:
        closing.does("clerk", "apply", document=a_request())
        closing.observes("ResourceRequest", "permit-portal", {"plan": PLAN, "planDigest": DIGEST})
        closing.does("operator", "create", document=plan_object())
        closing.eventually("officer", "create", document=an_approval(PLAN))
        closing.does("officer", "create", document=an_approval(PLAN))
        for name in closing.does("admin", "get", "resourcerequests", "--output=name").split():
            closing.does("admin", *patch("resourcerequest", name.partition("/")[2], NO_FINALIZER))
        closing.does("admin", "delete", "namespace", closing.namespace, "--timeout=60s")


def test_plans_go_with_their_request(office: Office) -> None:
    """What nobody asks for any more leaves no plan behind: the garbage collector may remove it."""
    office.does("clerk", "apply", document=a_request("leaving"))
    uid = office.does("clerk", "get", "rr", "leaving", "--output=jsonpath={.metadata.uid}")
    owner = {"apiVersion": API_VERSION, "kind": "ResourceRequest", "name": "leaving", "uid": uid}
    content = a_content(address="10.10.1.9")
    plan = a_plan(content)
    office.does(
        "operator",
        "create",
        document=plan | {"metadata": {"name": plan["metadata"]["name"], "ownerReferences": [owner]}},
    )
    office.does("clerk", "delete", "rr", "leaving", "--timeout=30s")

    office.does("admin", "wait", "plan", plan["metadata"]["name"], "--for=delete", "--timeout=30s")


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (
            "kunlun:provider",
            ["create zones", "patch tenants", "list approvals"],
            ["create approvals", "patch resourcerequests"],
        ),
        ("kunlun:auditor", ["list approvals", "get plans", "list tenants"], ["create zones", "delete plans"]),
        ("kunlun:department", ["create resourcerequests", "list plans"], ["create approvals", "list tenants"]),
        ("kunlun:approver", ["create approvals", "get plans"], ["delete approvals", "create resourcerequests"]),
    ],
)
def test_a_role_is_what_its_name_says(sandbox: Sandbox, role: str, may: list[str], may_not: list[str]) -> None:
    """The shipped roles grant their part and nothing beside it."""
    office = Office(sandbox, "kunlun-system")
    somebody = f"somebody-with-{role.replace(':', '-')}"
    office.asks("admin", "create", "clusterrolebinding", somebody, f"--clusterrole={role}", f"--user={somebody}")
    try:
        granted = [what for what in may + may_not if can(office, somebody, what)]
    finally:
        office.does("admin", "delete", "clusterrolebinding", somebody)

    assert may == granted


def can(office: Office, user: str, what: str) -> bool:
    verb, resource = what.split()
    return office.asks("admin", "auth", "can-i", verb, f"{resource}.kunlun.cloud", f"--as={user}").allowed


def test_no_role_has_a_star(sandbox: Sandbox) -> None:
    """A star would also be `abandon`, `purge` and `approve`."""
    roles = json.loads(Office(sandbox, "default").does("admin", "get", "clusterroles", "--output=json"))["items"]
    ours = [role for role in roles if role["metadata"]["name"].startswith("kunlun:")]
    verbs = {verb for role in ours for rule in role["rules"] for verb in rule["verbs"]}

    assert 9 <= len(ours)
    assert set() == verbs & {"*", "abandon", "purge", "impersonate", "escalate", "bind"}


def test_the_finalizer_and_the_operator_are_named_as_in_the_code(office: Office) -> None:
    """The policies repeat two names of the code; they must be the same."""
    policies = office.does("admin", "get", "validatingadmissionpolicies", "--output=json")

    assert f"'{FINALIZER}'" in policies
    assert f"'{OPERATOR}'" in policies
