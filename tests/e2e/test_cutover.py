"""A two-tier system, written to all the time: moved onto the cloud, and back, whoever is killed on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from controllers.api.cutoversteps import Step
from controllers.cli import root
from controllers.evidence.archive import unpacked
from controllers.evidence.gathered import SUMMARY
from tests.conftest import Sandbox, operator_of
from tests.crash.cutover.cells import Became, Cell, Kill
from tests.crash.cutover.findings import Findings, table, usual_seconds
from tests.crash.cutover.hand import Hand
from tests.crash.cutover.ledger import Ledger
from tests.crash.cutover.legs import Legs
from tests.e2e.moving.bench import NAME, STAGE_SECONDS, Moving, a_moving_system, a_target, with_guests
from tests.e2e.moving.story import a_window
from tests.e2e.moving.system import kept, uploaded
from tests.e2e.story import NAMESPACE, eventually

STEP_SECONDS = 240.0
QUICK = {
    Step.FREEZE_SOURCE: Kill.OPERATOR,
    Step.FINAL_SYNC: Kill.PLAYBOOK,
    Step.UNFREEZE_TARGET: Kill.BOTH,
    Step.FREEZE_TARGET: Kill.PLAYBOOK,
    Step.UNFREEZE_SOURCE: Kill.OPERATOR,
}


@pytest.fixture(scope="module")
def moving(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    """The system lives on two old hosts and is written to; its trial on the cloud is over."""
    logs = tmp_path_factory.mktemp("client")
    with (
        with_guests(sandbox) as places,
        a_target(sandbox),
        a_moving_system(sandbox, places, logs) as found,
    ):
        yield found


def doubled(numbers: list[int]) -> list[int]:
    return [number for number, times in Counter(numbers).items() if times > 1]


def test_without_both_signatures_nothing_is_cut(moving: Moving) -> None:
    """By the command line and by the operator, which says who is missing."""
    asked = moving.story.kunlun("clerk", "start", NAME, "--stage", "Cut")
    moving.story.ask(stage="Cut", window=a_window())
    said = moving.story.reaches("Ready", "AwaitingSignatures")

    assert 1 == asked.returncode and "window" in asked.stderr
    assert "not accepted yet by: department, provider" in said
    assert eventually(lambda: moving.looks()["source"] > 0, STEP_SECONDS)
    assert 0 == moving.looks()["target"] + moving.looks()["both"]


def test_a_system_is_cut_over_while_it_is_written_to(moving: Moving, capsys: pytest.CaptureFixture[str]) -> None:
    """Every write that was acknowledged is on the target, once; both sides never serve; the downtime is told."""
    story, client = moving.story, moving.client
    story.sign()
    story.reaches("CutOver", "CutOver", STAGE_SECONDS)
    at_switch = len(client.acknowledged())
    story.reaches("Supervised", "Supervised", STAGE_SECONDS)
    acknowledged = client.acknowledged()
    numbers = kept(moving.new["db"])
    files = uploaded(moving.new["web"])
    with capsys.disabled():
        told, seen = story.status()["downtimeSeconds"], client.longest_gap_seconds()
        print(f"\ncut over: {told} s without service by the journal, {seen:.1f} s between two acknowledged writes")

    assert at_switch < len(acknowledged), "the target takes writes"
    assert set() == acknowledged - set(numbers) and [] == doubled(numbers)
    assert set() == {number for number in acknowledged if number % 10 == 0} - files
    assert 0 == moving.looks()["both"]
    assert "Target" == story.status()["live"]


def test_the_original_is_not_released_before_its_time(moving: Moving) -> None:
    """By the command line, by the API server, and by nobody's shortening of what was agreed."""
    story = moving.story
    by_line = story.kunlun("clerk", "release", NAME)
    by_api = story.ask(stage="Release", check=False)
    shortened = story.ask(retention={"days": 80}, check=False)

    assert 1 == by_line.returncode and "the original is kept for 90 days" in by_line.stderr
    assert by_api.returncode and "the original is not released before" in by_api.stderr, by_api.stderr
    assert shortened.returncode, shortened.stderr


def test_a_rollback_says_what_it_loses_and_waits_for_it_to_be_named(moving: Moving) -> None:
    """Nobody writes meanwhile; then the service is back, and only the writes that were named are gone."""
    story, client = moving.story, moving.client
    story.kunlun("clerk", "rollback", NAME, "--yes")
    eventually(lambda: story.status().get("losses") is not None, STAGE_SECONDS)
    said = story.reaches("Ready", "RollingBack")
    assert eventually(lambda: "would be lost" in story.condition("Ready")[2], STEP_SECONDS), said
    losses = story.status()["losses"]
    missing = client.acknowledged() - set(kept(moving.old["old-db"]))
    assert "Neither" == story.status()["live"]
    assert losses["writes"] >= len(missing) > 0
    story.kunlun("clerk", "rollback", NAME, "--yes", "--loses", losses["digest"], "--reason", "the trial of a rollback")
    story.reaches("Ready", "RolledBack", STAGE_SECONDS)
    after = max(client.acknowledged())
    assert eventually(lambda: max(client.acknowledged()) > after, STEP_SECONDS)
    numbers = kept(moving.old["old-db"])

    assert missing == client.acknowledged() - set(numbers) and [] == doubled(numbers)
    assert "Source" == story.status()["live"]
    assert 0 == moving.looks()["both"]


def test_all_of_it_is_evidence(moving: Moving, sandbox: Sandbox, tmp_path: Path) -> None:
    """Gathered by the auditor, and found in order without a cluster: the cut, the way back, what was lost by it."""
    file = tmp_path / "moves.tar.gz"
    words = ["evidence", f"cutover/{NAME}", "-n", NAMESPACE, "--kubeconfig", str(sandbox.kubeconfig("auditor"))]
    made = CliRunner().invoke(root, [*words, "-o", str(file)])
    assert 0 == made.exit_code, made.output
    checked = CliRunner().invoke(root, ["evidence", "verify", str(file)])

    assert 0 == checked.exit_code, checked.output
    assert "1 cuts began, each accepted by every party before" in checked.output
    said = json.loads(unpacked(file)[1][SUMMARY])
    assert ["Source-Target", "Target-Source"] == [one["way"] for one in said["withoutService"]]
    assert moving.story.status()["losses"]["writes"] == said["losses"][-1]["writes"]
    assert all(one["recap"] for one in said["steps"] if one["result"] == "Done")


def test_whoever_is_killed_at_whichever_step_it_goes_on(
    moving: Moving, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """A few cells of the kill table, of each kind; `make crash-cutover` has all of them."""
    hand = Hand(moving, operator_of(sandbox), usual_seconds(moving.story.lines()))
    findings = Findings()
    hand.tell = findings.cells.append
    forgiven = moving.client.acknowledged() - set(kept(moving.old["old-db"]))
    legs = Legs(moving, hand, Ledger(moving, forgiven), findings.flaws)
    kills = {step: Cell(step, kill, seed=1) for step, kill in QUICK.items()}
    legs.cut(kills)
    legs.back(kills)
    with capsys.disabled():
        print("\n" + table(findings))

    assert [] == findings.flaws
    assert [] == [str(one) for one in findings.cells if not one.is_right]
    assert any(one.became is Became.RESUMED for one in findings.cells)
