"""Who may do what: every rule of policies/admission and every role, tried by the people it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from controllers.api import ABANDON, ABANDONED_BY, API_VERSION, FINALIZER
from tests.e2e.attempts import ATTEMPTS, NO_FINALIZER, PLAN, Attempt, given_up, patch, plan_object
from tests.e2e.decision_attempts import DECISIONS, RECORD, STANDINGS, a_line
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
from tests.e2e.story import eventually
from tests.unit.cli_stage import a_content, a_plan

EVERYTHING = ATTEMPTS | DECISIONS | RECORD


@pytest.fixture(scope="module")
def office(sandbox: Sandbox) -> Iterator[Office]:
    """An office with the clerk's planned request, the officer's own, a system, a decision and a zone."""
    with an_office(sandbox) as opened:
        furnish(opened)
        yield opened
        opened.asks("admin", "patch", "zone", "office-zone", "--type=merge", f"--patch={json.dumps(NO_FINALIZER)}")
        opened.asks("admin", "delete", "zone", "office-zone", "--wait=false")


def furnish(office: Office) -> None:
    """Everything the attempts are about."""
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
    for name, status in STANDINGS.items():
        if name not in {"permit-portal", "own"}:
            office.does("clerk", "apply", document=a_request(name))
        office.observes("ResourceRequest", name, status)
    office.does("operator", "create", document=plan_object())
    office.does("operator", "create", document=a_line("kept-line"))
    office.eventually("officer", "create", document=an_approval(PLAN))
    office.does("officer", "create", document=decision_named("kept"))
    office.does("admin", "create", "role", "eraser", "--verb=delete", "--resource=approvals.kunlun.cloud")
    office.does("admin", "create", "rolebinding", "eraser", "--role=eraser", "--user=ci-pipeline")


def decision_named(name: str) -> Document:
    return an_approval(PLAN) | {"metadata": {"name": name}}


@pytest.mark.parametrize("attempt", EVERYTHING.values(), ids=EVERYTHING.keys())
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


def test_who_gives_up_is_who_is_logged_in(office: Office) -> None:
    """The name is stamped by the API server."""
    shown = f"--output=jsonpath={{.metadata.annotations.{ABANDONED_BY.replace('.', chr(92) + '.')}}}"

    assert "ops.wang" == office.tries("provider", *patch("rr", "permit-portal", given_up("lost")), shown).text


def test_giving_up_cannot_be_taken_back_once_the_request_is_going(office: Office) -> None:
    """The operator may have let it go already; before the deletion a holder of the verb may still change the mind."""
    office.does("clerk", "apply", document=a_request("going"))
    office.does("admin", *patch("rr", "going", {"metadata": {"finalizers": ["example.org/hold"]}}))
    office.does("provider", *patch("rr", "going", given_up("lost")))
    back = patch("rr", "going", {"metadata": {"annotations": {ABANDON: None, ABANDONED_BY: None}}})
    other = patch("rr", "going", {"metadata": {"annotations": {ABANDON: "other", ABANDONED_BY: None}}})
    before = office.tries("provider", *back)
    office.does("provider", "delete", "rr", "going", "--wait=false")

    assert before.allowed, before.text
    assert "cannot be taken back or changed" in office.tries("provider", *back).text
    assert "cannot be taken back or changed" in office.tries("provider", *other).text


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
        closing.observes("ResourceRequest", "permit-portal", STANDINGS["permit-portal"])
        closing.does("operator", "create", document=plan_object())
        closing.does("operator", "create", document=a_line("a-line"))
        closing.eventually("officer", "create", document=an_approval(PLAN))
        closing.does("officer", "create", document=an_approval(PLAN))
        for name in closing.does("admin", "get", "resourcerequests", "--output=name").split():
            closing.does("admin", *patch("resourcerequest", name.partition("/")[2], NO_FINALIZER))
        closing.does("admin", "delete", "namespace", closing.namespace, "--timeout=60s")


def test_a_kind_is_deleted_only_when_it_is_announced(office: Office) -> None:
    """The words say how, and to take the announcement back: left there, it would let the next slip through."""
    answer = office.tries("admin", "delete", "crd", "resourcerequests.kunlun.cloud")

    assert "kunlun.cloud/allow-deletion=true" in answer.text
    assert "kunlun.cloud/allow-deletion-, if you do not delete" in answer.text


def test_a_test_is_extended_within_its_zone_and_stays_a_test(office: Office) -> None:
    """Its end is there from the start and may move as far as the zone's bound, which holds from when it is set."""
    office.does("clerk", "apply", document=a_request("limited", environment="Test", timeToLive="8h"))

    def changed(**spec: object) -> str:
        return office.tries("clerk", *patch("rr", "limited", {"spec": spec})).text

    assert "patched" in changed(timeToLive="13d")
    assert '`spec.timeToLive` may be at most 14d in zone "extranet", not 15d' in changed(timeToLive="15d")
    assert "a request has a `timeToLive` from its start or not at all" in changed(timeToLive=None)
    assert "`environment` cannot be changed; make a new request" in changed(environment="Production", timeToLive=None)
    office.does("admin", *patch("zone", "office-zone", {"spec": {"longestTimeToLive": "1h"}}))
    low = a_request("low", environment="Test", zone="office-zone", timeToLive="2h")
    assert eventually(lambda: "may be at most 1h" in office.tries("clerk", "create", document=low).text)
    office.does("admin", *patch("zone", "office-zone", {"spec": {"longestTimeToLive": "2h", "environments": ["Test"]}}))
    office.eventually("clerk", "create", document=low)
    office.does("clerk", "create", document=low)
    office.does("admin", *patch("zone", "office-zone", {"spec": {"longestTimeToLive": "1h"}}))
    assert eventually(
        lambda: "may be at most 1h" in office.tries("clerk", *patch("rr", "low", {"spec": {"timeToLive": "3h"}})).text
    )
    assert "patched" in office.tries("clerk", *patch("rr", "low", {"spec": {"driftPolicy": "Correct"}})).text
    produced = a_request("produced", zone="office-zone")
    assert "takes no requests of environment Production; it takes: Test" in (
        office.tries("clerk", "create", document=produced).text
    )


def test_the_operator_deletes_a_test_with_an_end_and_nothing_else(office: Office) -> None:
    """Who asked for an end has decided on the deletion; every other one is a person's decision."""
    office.does("clerk", "apply", document=a_request("ending", environment="Test", timeToLive="8h"))
    office.does("clerk", "apply", document=a_request("endless", environment="Test"))

    assert office.tries("operator", "delete", "rr", "ending").allowed
    for name in ("endless", "unplanned"):
        assert "only the department deletes its requests" in office.tries("operator", "delete", "rr", name).text


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
            ["create zones", "patch tenants", "list approvals", "abandon resourcerequests"],
            ["create approvals", "update resourcerequests", "patch informationsystems", "delete plans"],
        ),
        (
            "kunlun:auditor",
            ["list approvals", "get plans", "list tenants", "list decisions"],
            ["create zones", "delete plans"],
        ),
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
    """A star would also be `purge` and `approve`; `abandon` is the provider's alone."""
    roles = json.loads(Office(sandbox, "default").does("admin", "get", "clusterroles", "--output=json"))["items"]
    ours = [role for role in roles if role["metadata"]["name"].startswith("kunlun:")]
    verbs = {verb for role in ours for rule in role["rules"] for verb in rule["verbs"]}

    assert 9 <= len(ours)
    assert set() == verbs & {"*", "purge", "impersonate", "escalate", "bind"}
    assert ["kunlun:provider"] == [
        role["metadata"]["name"] for role in ours if any("abandon" in rule["verbs"] for rule in role["rules"])
    ]


def test_the_finalizer_and_the_operator_are_named_as_in_the_code(office: Office) -> None:
    """The policies repeat two names of the code; they must be the same."""
    policies = office.does("admin", "get", "validatingadmissionpolicies", "--output=json")

    assert f"'{FINALIZER}'" in policies
    assert f"'{OPERATOR}'" in policies
