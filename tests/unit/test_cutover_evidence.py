"""`kunlun evidence cutover/NAME`: what one archive holds, and that nothing in it can be changed without being seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controllers.api.cutoversteps import Event, Step
from controllers.cli import root
from controllers.evidence.archive import packed, unpacked
from controllers.evidence.cutover_summary import cutover_summary_of
from controllers.evidence.verify import Verdict, verify
from tests.unit.cutover_case import OPENS, Case
from tests.unit.cutover_evidence_case import Archived, a_case, cut_over, released, rolled_back


def judged(archived: Archived, folder: Path) -> Verdict:
    """Through the archive, as whoever gets it would."""
    file = folder / "evidence.tar.gz"
    file.write_bytes(archived.archive())
    return verify(*unpacked(file))


@pytest.mark.parametrize("story", [cut_over, rolled_back, released])
def test_what_is_in_order_is_found_in_order(story: Callable[[], Case], tmp_path: Path) -> None:
    """Of a cutover that goes well, of one that is rolled back, of one whose original is released."""
    verdict = judged(Archived(story()), tmp_path)

    assert () == verdict.wrong
    assert "1 cuts began, each accepted by every party before" in verdict.checked
    assert "target: 1 of these plans came into force, each with every signature it needed" in verdict.checked
    assert Archived(story()).archive() == Archived(story()).archive()


def test_the_summary_says_how_long_there_was_no_service_and_what_was_lost() -> None:
    """By the journal's own times: on the way there, and on the way back."""
    said = cutover_summary_of(Archived(rolled_back()).moved())

    assert ["Source-Target", "Target-Source"] == [one["way"] for one in said["withoutService"]]
    assert OPENS == said["withoutService"][0]["from"]
    assert [3] == [one["writes"] for one in said["losses"]]
    assert said["asked"]["rollBack"]["loses"] == said["losses"][0]["digest"]
    assert ("Source", None) == (said["livesOn"], said["retention"]["until"])


def test_the_summary_has_every_attempt_with_its_end_and_recap() -> None:
    """Also one that was cut off: it has none."""
    case = a_case().ready_to_cut().begin(Step.FREEZE_SOURCE).later(5).did(Step.FREEZE_SOURCE)
    said = cutover_summary_of(Archived(case).moved())
    first, second = (one for one in said["steps"] if one["step"] == "FreezeSource")

    assert ("CutOff", None, None) == (first["result"], first["ended"], first["recap"])
    assert ("Done", 1) == (second["result"], second["seconds"])
    assert [{"guest": "source.old-web", "changed": 2}] == second["recap"]["changes"]
    assert first["key"] == second["key"]


def test_the_summary_has_every_signature_with_the_hash_it_was_given_on() -> None:
    """And of the release, when there is one."""
    archived = Archived(released())
    said = cutover_summary_of(archived.moved())

    assert {archived.reports[0]["spec"]["digest"]} == {one["digest"] for one in said["signatures"]}
    assert ["li.na", "ops.wang"] == [one["signer"] for one in said["release"]["signatures"]]
    assert said["retention"]["until"] <= said["release"]["begun"]


def forge_the_report(archived: Archived) -> None:
    archived.reports[0]["spec"]["days"] = 300


def sign_another_content(archived: Archived) -> None:
    archived.acceptances[0]["spec"]["digest"] = "0" * 64


def sign_a_strange_report(archived: Archived) -> None:
    archived.acceptances[0]["spec"]["report"] = "other-0123456789"


def drop_a_signature(archived: Archived) -> None:
    del archived.acceptances[0]


def sign_for_both(archived: Archived) -> None:
    archived.acceptances[1]["spec"]["signer"] = archived.acceptances[0]["spec"]["signer"]


def reject_it(archived: Archived) -> None:
    archived.acceptances[1]["spec"] |= {"decision": "Rejected", "reason": "too slow"}


def sign_afterwards(archived: Archived) -> None:
    archived.acceptances[1]["metadata"]["creationTimestamp"] = archived.case.now


def drop_the_report(archived: Archived) -> None:
    archived.reports.clear()
    archived.acceptances.clear()


def drop_the_freezing(archived: Archived) -> None:
    archived.steps.remove(archived.line(Step.FREEZE_SOURCE, "Done"))


def end_anothers_step(archived: Archived) -> None:
    archived.line(Step.FREEZE_SOURCE, "Done")["spec"]["by"] = "somebody"


def rename_a_line(archived: Archived) -> None:
    archived.line(Step.WATCH, "Done")["metadata"]["name"] += "-other"


def measure_otherwise(archived: Archived) -> None:
    archived.line(Step.REHEARSE, "Done")["spec"]["measured"] = [{"name": "seconds", "value": "1"}]


def claim_less_downtime(archived: Archived) -> None:
    archived.cutover["status"]["downtimeSeconds"] = 0


def move_the_window(archived: Archived) -> None:
    archived.cutover["spec"]["window"]["opens"] = "2026-03-01T21:00:00Z"


def ask_a_longer_trial(archived: Archived) -> None:
    archived.cutover["status"]["trialDays"] = 60


def be_another_cutover(archived: Archived) -> None:
    archived.cutover["metadata"]["uid"] = "another"


def line_of_another(archived: Archived) -> None:
    archived.line(Step.WATCH, "Done")["spec"]["cutoverUid"] = "another"


def try_another_plan(archived: Archived) -> None:
    archived.target.plan["spec"]["digest"] = "0" * 64


def never_in_force(archived: Archived) -> None:
    del archived.target.decisions[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forge_the_report, "does not contain what its digest says"),
        (measure_otherwise, "says of step Rehearse what the journal does not say"),
        (sign_another_content, "is under another content of report"),
        (sign_a_strange_report, "which is not of this cutover"),
        (drop_a_signature, "began without the signature of: department"),
        (sign_for_both, "began without the signature of: provider"),
        (sign_afterwards, "began without the signature of: provider"),
        (reject_it, "although party provider had rejected it (by ops.wang)"),
        (drop_the_report, "began without a trial report of what was to move"),
        (drop_the_freezing, "the target was opened at 2026-03-01T20:00:05Z while the source took writes"),
        (end_anothers_step, "was ended by somebody, who had not begun it"),
        (rename_a_line, "says something else than its name"),
        (claim_less_downtime, "status.downtimeSeconds is 0, and by the journal it is 6"),
        (move_the_window, "began outside its window"),
        (ask_a_longer_trial, "not 60 days"),
        (be_another_cutover, "the cutover is another one than the manifest names"),
        (line_of_another, "is of another cutover"),
        (try_another_plan, "tried another content of plan"),
        (never_in_force, "which by the record was never in force"),
    ],
)
def test_whatever_does_not_agree_is_wrong(change: Callable[[Archived], None], said: str, tmp_path: Path) -> None:
    """Also when the manifest and the summary were made for it: the hashes are right, the content is not."""
    archived = Archived()
    change(archived)
    verdict = judged(archived, tmp_path)

    assert any(said in wrong for wrong in verdict.wrong), verdict.wrong


def test_a_step_that_was_done_twice_under_one_key_is_wrong(tmp_path: Path) -> None:
    """Whatever makes steps repeatable is worth nothing if it is done twice and nobody says so."""
    case = cut_over()
    begun = next(one.spec for one in case.steps if one.spec.step is Step.RETAIN)
    case.line(Step.RETAIN, Event.BEGUN, key=begun.key, attempt=2).line(
        Step.RETAIN, Event.DONE, key=begun.key, attempt=2
    )

    assert any("step Retain was done 2 times" in said for said in judged(Archived(case.later(3600)), tmp_path).wrong)


def test_the_side_that_is_left_open_when_the_service_returns_is_wrong(tmp_path: Path) -> None:
    """The way back, too: the source is not opened before the target was frozen."""
    archived = Archived(rolled_back())
    archived.steps.remove(archived.line(Step.FREEZE_TARGET, "Done"))

    assert any("the source was opened at" in said for said in judged(archived, tmp_path).wrong)


@pytest.mark.parametrize("days", [80, 89])
def test_a_release_before_its_time_is_wrong(days: int, tmp_path: Path) -> None:
    """Whoever did it, and whoever signed."""
    archived = Archived(released())
    early = f"2026-05-{days - 59:02d}T00:00:00Z"
    for one in (archived.line(Step.RELEASE, "Begun"), archived.line(Step.RELEASE, "Done"), *archived.acceptances[2:]):
        one["metadata"]["creationTimestamp"] = early
    wrong = judged(archived, tmp_path).wrong

    assert any("began before the retention was over" in said for said in wrong), wrong
    assert any("without the signature of: department, provider" in said for said in wrong), wrong


def test_a_cutover_that_is_gone_has_its_journal_left(tmp_path: Path) -> None:
    """With its report and the signatures: what cannot be checked any more is said."""
    verdict = judged(Archived(released(), living=False), tmp_path)

    assert () == verdict.wrong
    assert any("the cutover is gone: what was agreed" in remark for remark in verdict.remarks)


def test_the_window_of_a_cut_is_checked_as_long_as_it_is_known(tmp_path: Path) -> None:
    """While the service is away nobody can change it; afterwards it may be the next one's, and that is said."""
    archived = Archived(released())
    move_the_window(archived)
    assert any("began outside its window" in said for said in judged(archived, tmp_path).wrong)

    archived = Archived(rolled_back())
    move_the_window(archived)
    verdict = judged(archived, tmp_path)
    assert () == verdict.wrong
    assert any("whether that cut was in its window cannot be checked" in said for said in verdict.remarks)


@pytest.mark.parametrize("path", ["cutover.json", "target/request.json"])
@pytest.mark.parametrize("content", [b"[]", b"no JSON", b"{}"])
def test_a_file_that_is_none_of_ours_is_said_in_a_sentence(path: str, content: bytes, tmp_path: Path) -> None:
    """Not by a trace."""
    file = tmp_path / "evidence.tar.gz"
    file.write_bytes(Archived().archive())
    manifest, files = unpacked(file)
    file.write_bytes(packed(manifest, {**files, path: content}))
    result = CliRunner().invoke(root, ["evidence", "verify", str(file)])

    assert (1, True) == (result.exit_code, "WRONG" in result.output), result.output


def test_documents_of_a_later_release_are_read(tmp_path: Path) -> None:
    """A field that this release does not know takes nothing from what it knows."""
    archived = Archived()
    for one in (archived.cutover, *archived.steps, *archived.acceptances):
        changed: dict[str, Any] = one["spec"]
        changed["later"] = "field"

    assert () == judged(archived, tmp_path).wrong
