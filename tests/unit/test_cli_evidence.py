"""`kunlun evidence [KIND/]NAME`: what is read, what the archive is called, and what is said of what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from controllers.cli import root
from controllers.evidence.archive import unpacked
from tests.unit.cli_stage import NAMESPACE, Stage, a_stage
from tests.unit.cutover_case import NAME, UID
from tests.unit.cutover_evidence_case import Archived, rolled_back


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A cluster that has a cutover, rolled back, and the request it moved to. Archives are made in the folder."""
    stage, archived = a_stage(tmp_path, monkeypatch), Archived(rolled_back())
    monkeypatch.chdir(tmp_path)
    stage.has(f"cutovers-{NAME}", archived.cutover)
    stage.has("selected-cutoversteps", {"items": archived.steps})
    stage.has("selected-trialreports", {"items": archived.reports})
    stage.has("selected-acceptances", {"items": archived.acceptances})
    stage.has("resourcerequests-permit-portal", archived.target.request or {})
    stage.has("selected-plans", {"items": [archived.target.plan]})
    stage.has("approvals-json", {"items": archived.target.approvals})
    stage.has("selected-decisions", {"items": archived.target.decisions})
    return stage


@pytest.mark.parametrize("word", ["cutover", "cutovers", "co"])
def test_a_cutovers_archive_is_gathered_and_found_in_order(stage: Stage, word: str) -> None:
    """Named as kubectl names it; it holds the requests' evidence, too."""
    made = stage.run("evidence", f"{word}/{NAME}", "-n", NAMESPACE)
    file = stage.folder / f"evidence-{NAMESPACE}-cutover-{NAME}.tar.gz"
    checked = CliRunner().invoke(root, ["evidence", "verify", str(file)])

    assert 0 == made.exit_code, made.output
    assert "lines of the journal, 1 reports, 2 signatures; SHA-256" in made.output
    assert 0 == checked.exit_code, checked.output
    assert f"Cutover {NAMESPACE}/{NAME} ({UID})" in checked.output
    assert "at no time were both sides open" in checked.output
    assert "target/request.json" in unpacked(file)[1]


@pytest.mark.parametrize("name", ["permit-portal", "rr/permit-portal", "resourcerequest/permit-portal"])
def test_a_name_alone_is_a_requests(stage: Stage, name: str) -> None:
    """As it always was."""
    made = stage.run("evidence", name, "-n", NAMESPACE)

    assert 0 == made.exit_code, made.output
    assert (stage.folder / f"evidence-{NAMESPACE}-permit-portal.tar.gz").exists()


@pytest.mark.parametrize("name", ["plan/permit-portal", "cutover/", "/x"])
def test_evidence_of_anything_else_is_a_misuse(stage: Stage, name: str) -> None:
    """Exit code 2; nothing was read."""
    made = stage.run("evidence", name)

    assert 2 == made.exit_code
    assert "name a request, or cutover/NAME" in made.output


def test_a_cutover_that_never_was_is_said(stage: Stage) -> None:
    """With the question that helps most often."""
    stage.has("selected-cutoversteps", {"items": []})
    stage.has("selected-trialreports", {"items": []})
    made = stage.run("evidence", "cutover/nothing")

    assert 1 == made.exit_code
    assert "there is no cutover 'nothing', and no journal of one: is the namespace right?" in made.output


def test_a_target_that_is_gone_is_a_gap(stage: Stage) -> None:
    """The archive is made all the same, and says so; so does whoever checks it."""
    (stage.folder / "resourcerequests-permit-portal.json").unlink()
    stage.has("selected-decisions", {"items": []})
    made = stage.run("evidence", f"cutover/{NAME}", "-o", "gone.tar.gz")
    checked = CliRunner().invoke(root, ["evidence", "verify", str(stage.folder / "gone.tar.gz")])

    assert 0 == made.exit_code, made.output
    assert "not in it: target: request permit-portal: there is no request 'permit-portal'" in made.output
    assert 0 == checked.exit_code, checked.output
    assert "nothing is left of the target: that its plans were approved cannot be checked" in checked.output
