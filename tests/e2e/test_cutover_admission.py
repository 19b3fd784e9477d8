"""Cutovers: who may ask for what, sign what and write what, tried by the people it is about on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conftest import Sandbox, operator_of
from tests.e2e.attempts import Attempt, patch
from tests.e2e.cutover_attempts import (
    CUTOVERS,
    FAR,
    STANDINGS,
    WINDOWS,
    a_cutover,
    a_line,
    a_report,
    a_signature,
)
from tests.e2e.office import Document, Office, a_request, an_office
from tests.e2e.story import eventually

PARTIES = {
    "li.na": ("department",),
    "ops.wang": ("provider",),
    "zhang.wei": ("resource-office",),
    "ci-pipeline": ("department", "provider", "resource-office"),
}


@pytest.fixture(scope="module")
def office(sandbox: Sandbox) -> Iterator[Office]:
    """An office with its cutovers and people who sign; without the operator, whose word their status would be."""
    operator = operator_of(sandbox)
    operator.stop()
    try:
        with an_office(sandbox) as opened:
            furnish(opened)
            yield opened
            for name in STANDINGS:
                opened.observes("Cutover", name, {"live": "Source"})  # so that the namespace may go
    finally:
        operator.start()


def furnish(office: Office) -> None:
    """Everything the attempts are about."""
    for user, parties in PARTIES.items():
        for party in parties:
            words = (f"{user}-signs-{party}", f"--clusterrole=kunlun:party-{party}", f"--user={user}")
            office.does("admin", "create", "rolebinding", *words)
    for name, status in STANDINGS.items():
        days = 120 if name == "long" else 90
        window = {"window": WINDOWS[name]} if name in WINDOWS else {}
        office.does("clerk", "create", document=a_cutover(name, retention={"days": days}, **window))
        office.observes("Cutover", name, status)
    office.does("operator", "create", document=a_report())
    office.eventually("clerk", "create", document=a_signature())
    office.does("clerk", "create", document=a_signature() | {"metadata": {"name": "kept"}})
    office.eventually("clerk", "create", document=a_line("home", uid_of(office, "home")))
    office.does("clerk", "create", document=a_line("home", uid_of(office, "home")))


def uid_of(office: Office, name: str) -> str:
    return office.does("clerk", "get", "cutover", name, "--output=jsonpath={.metadata.uid}")


@pytest.mark.parametrize("attempt", CUTOVERS.values(), ids=CUTOVERS.keys())
def test_both_sides_may_do_their_part_and_no_more(office: Office, attempt: Attempt) -> None:
    """Allowed, or refused in words that say why."""
    answer = office.tries(attempt.persona, *attempt.what, document=attempt.document)

    assert answer.allowed == (attempt.refusal == ""), answer.text
    assert attempt.refusal in answer.text


def test_who_asks_last_is_who_is_logged_in(office: Office) -> None:
    """The name is stamped anew with every change of the spec, whoever's name the file has."""
    shown = "--output=jsonpath={.spec.askedBy}"

    assert "li.na" == office.does("clerk", "get", "cutover", "home", shown)
    assert "ops.wang" == office.tries("provider", *patch("cutover", "home", {"spec": {"stage": "Trial"}}), shown).text


def test_a_signature_is_a_record(office: Office) -> None:
    """Nobody changes or removes one; who signed is who was logged in."""
    changed = office.tries("admin", *patch("acceptance", "kept", {"spec": {"decision": "Rejected", "reason": "no"}}))

    assert "a signature cannot be changed" in changed.text
    assert "nobody removes it" in office.tries("admin", "delete", "acceptance", "kept").text
    assert "li.na" == office.does("clerk", "get", "acceptance", "kept", "--output=jsonpath={.spec.signer}")


def test_a_journal_is_written_once(office: Office) -> None:
    """By the operator and by named persons, under their own names; no line is changed, removed or named otherwise."""
    uid = uid_of(office, "home")
    line = a_line("home", uid, attempt=2)
    wrong = {**line, "metadata": {"name": "home-anything"}}
    attempts = {
        "already exists": ("clerk", a_line("home", uid)),
        "a line is named after what it says": ("clerk", wrong),
        "is not that of cutover": ("clerk", a_line("home", "another", attempt=2)),
        "one that the cutover has not reached": ("clerk", a_line("home", uid, attempt=2, generation=99)),
        '`spec.by` must be "li.na"': ("clerk", a_line("home", uid, attempt=2, by="ops.wang")),
        "not by administrators": ("admin", line),
        "cannot create resource": ("auditor", line),
        "says until when": ("clerk", a_line("home", uid, attempt=2, event="Begun")),
    }
    answers = {words: office.tries(persona, "create", document=body) for words, (persona, body) in attempts.items()}

    assert [] == [(words, answer.text) for words, answer in answers.items() if words not in answer.text]
    assert office.tries("operator", "create", document=line).allowed
    name = a_line("home", uid)["metadata"]["name"]
    assert "nobody removes a line" in office.tries("admin", "delete", "cutoverstep", name).text
    changed = office.tries("admin", *patch("cutoverstep", name, {"spec": {"note": "all well"}}))
    assert "stays as it is" in changed.text or "nobody changes a line" in changed.text, changed.text


@pytest.mark.parametrize(
    ("name", "line", "refusal"),
    [
        ("unsigned", {"step": "FreezeSource", "event": "Begun", "until": FAR}, "before every party accepts"),
        ("unsigned", {"step": "UnfreezeTarget", "event": "Done"}, "before every party accepts"),
        ("unsigned", {"step": "Rehearse", "event": "Begun", "until": FAR}, ""),
        ("early", {"step": "FreezeSource", "event": "Begun", "until": FAR}, "inside its window"),
        ("open", {"step": "FreezeSource", "event": "Begun", "until": FAR}, ""),
        ("away", {"step": "FreezeTarget", "event": "Begun", "until": FAR}, ""),
        ("home", {"step": "Rehearse", "event": "Begun", "until": "2099-01-01T00:00:00+08:00"}, "spec.until"),
    ],
)
def test_no_line_of_a_cut_leads_around_its_signatures_and_its_window(
    office: Office, name: str, line: Document, refusal: str
) -> None:
    """Whoever writes one by himself is not believed what the gate would have asked."""
    answer = office.tries("clerk", "create", document=a_line(name, uid_of(office, name), **line))

    assert answer.allowed == (refusal == ""), answer.text
    assert refusal in answer.text


def test_what_a_service_lives_on_is_not_removed_under_it(office: Office) -> None:
    """Neither the request it was moved onto, nor the one it came from, before it is released; giving up leaves all."""
    for name in ("new-home", "old-home", "unrelated"):
        office.does("clerk", "create", document=a_request(name))
    spec = {"target": "new-home", "source": {"request": "old-home"}}
    office.does("clerk", "create", document=a_cutover("moved", **spec))
    office.observes("Cutover", "moved", {"live": "Target"})
    refused = "it stays until the service is back on its source"

    assert eventually(lambda: f"onto this request: {refused}" in office.tries("clerk", "delete", "rr", "new-home").text)
    assert f"keeps this request as the original: {refused}" in office.tries("clerk", "delete", "rr", "old-home").text
    assert office.tries("clerk", "delete", "rr", "unrelated").allowed
    office.observes("Cutover", "moved", {"live": "Source"})


@pytest.mark.parametrize("persona", ["clerk", "provider", "operator"])
def test_nobody_begins_a_release_before_its_time(office: Office, persona: str) -> None:
    """Whatever a playbook or an operator thinks: by the API server's clock."""
    early = a_line("away", uid_of(office, "away"), step="Release", event="Begun", until=FAR)
    late = a_line("over", uid_of(office, "over"), step="Release", event="Begun", until=FAR)

    assert f"the original is not released before {FAR}" in office.tries(persona, "create", document=early).text
    assert office.tries(persona, "create", document=late).allowed


def test_no_rule_has_a_word_that_the_api_server_does_not_know(sandbox: Sandbox) -> None:
    """It checks the types of every expression against the kinds, and says so in the status of the policy."""
    shown = sandbox.kubectl("admin", "get", "validatingadmissionpolicies", "-o", "json").stdout
    found = {
        item["metadata"]["name"]: item.get("status", {}).get("typeChecking", {}).get("expressionWarnings", [])
        for item in json.loads(shown)["items"]
    }

    assert {} == {name: warnings for name, warnings in found.items() if warnings}
