"""`kunlun evidence`: what one archive holds, and that nothing in it can be changed without being seen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from controllers.evidence.archive import unpacked
from controllers.evidence.summary import summary_of
from controllers.evidence.verify import Verdict, verify
from infra.correlation import call_id
from tests.unit.evidence_case import EXPIRY, Case


def judged(case: Case, folder: Path) -> Verdict:
    """Through the archive, as whoever gets it would."""
    file = folder / "evidence.tar.gz"
    file.write_bytes(case.archive())
    return verify(*unpacked(file))


def test_what_is_in_order_is_found_in_order(tmp_path: Path) -> None:
    """Files, digests, signatures and the record agree; the same content makes the same archive."""
    verdict = judged(Case(), tmp_path)

    assert () == verdict.wrong
    assert "1 of these plans came into force, each with every signature it needed" in verdict.checked
    assert Case().archive() == Case().archive()


def test_the_summary_says_who_asked_who_signed_and_which_calls_were_made() -> None:
    """In order; the id of the calls follows from the digest, so nobody had to keep it."""
    case = Case()
    said = summary_of(case.gathered())

    assert (["li.na"], EXPIRY) == (said["asked"]["by"], said["expires"])
    assert [call_id(case.digest)] == [plan["callsToOpenStack"] for plan in said["plans"]]
    assert ["zhang.wei", "chen.jing", "zhao.min", None] == [one["approver"] for one in said["decisions"]]
    assert "2026-01-02T03:04:05Z" == said["plans"][0]["inForceSince"]
    assert [("Ready", "True")] == [(one["condition"], one["status"]) for one in said["standing"]]


def forge_cost(case: Case) -> None:
    case.plan["spec"]["monthlyYuan"] = 1


def drop_signature(case: Case) -> None:
    del case.approvals[1], case.decisions[1]


def sign_twice(case: Case) -> None:
    for document in (case.approvals[1], case.decisions[1]):
        document["spec"]["approver"] = "zhao.min"


def sign_for_oneself(case: Case) -> None:
    for document in (case.approvals[0], case.decisions[0]):
        document["spec"]["approver"] = "li.na"


def leave_out_a_line(case: Case) -> None:
    del case.decisions[0]


def rewrite_a_line(case: Case) -> None:
    case.decisions[0]["spec"]["approver"] = "somebody"


def sign_another_content(case: Case) -> None:
    case.approvals[0]["spec"]["digest"] = "0" * 64


def sign_a_strange_plan(case: Case) -> None:
    case.approvals[0]["spec"]["plan"] = "other-0123456789"


def deny_it_too(case: Case) -> None:
    case.decisions.append(case.line("approval-a9", outcome="Denied", stage="security", approver="chen.jing"))


def record_another_digest(case: Case) -> None:
    case.decisions[-1]["spec"]["digest"] = "0" * 64


def be_another_request(case: Case) -> None:
    case.subject = case.subject.model_copy(update={"uid": "another"})


def not_count(case: Case) -> None:
    case.decisions[1]["spec"]["counted"] = False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forge_cost, "does not contain what its digest says"),
        (drop_signature, "with 1 of 2 signatures of stage security"),
        (sign_twice, "with 1 of 2 signatures of stage security"),
        (not_count, "with 1 of 2 signatures of stage security"),
        (sign_for_oneself, "approved by li.na, who had asked for it"),
        (leave_out_a_line, "is not in the record"),
        (rewrite_a_line, "says something else of approval"),
        (sign_another_content, "is for another content of plan"),
        (sign_a_strange_plan, "which is not of this request"),
        (deny_it_too, "although it was denied"),
        (record_another_digest, "has another digest of plan"),
        (be_another_request, "is of another request"),
    ],
)
def test_whatever_does_not_agree_is_wrong(change: Callable[[Case], None], said: str, tmp_path: Path) -> None:
    """Also when the manifest was made for it: the hashes are right, the content is not."""
    case = Case()
    change(case)
    verdict = judged(case, tmp_path)

    assert any(said in wrong for wrong in verdict.wrong), verdict.wrong


def test_a_request_that_is_gone_has_its_record_left(tmp_path: Path) -> None:
    """Who decided what about which digest. That its content, and so the check of its signatures, is missing is said."""
    case = Case(subject=Case().subject.model_copy(update={"living": False}))
    case.request = None
    verdict = judged(case, tmp_path)

    assert () == verdict.wrong
    assert any(f"plan {case.name} is gone" in remark for remark in verdict.remarks)
    assert "0 of these plans came into force, each with every signature it needed" in verdict.checked
    gone = summary_of(case.gathered())["plansThatAreGone"]
    assert [(case.digest, call_id(case.digest))] == [(plan["digest"], plan["callsToOpenStack"]) for plan in gone]


def test_no_field_that_a_person_did_not_write_is_kept() -> None:
    """Who manages which field is the API server's own, and changes with every write."""
    case = Case()
    before = copy.deepcopy(case.gathered().files())
    case.plan["metadata"]["managedFields"] = [{"manager": "kunlun-operator"}]

    assert before == case.gathered().files()
    assert json.loads(before[f"plans/{case.name}.json"])["spec"]["digest"] == case.digest
