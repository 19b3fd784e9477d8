"""Steps run by hand: the same gate as the operator's, and the same journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.api.cutoversteps import Event, Step
from controllers.cli.cutoverhand import begin_by_hand, end_by_hand
from controllers.cli.kubectl import ClusterError, Kubectl
from tests.unit.cli_stage import Stage, a_stage
from tests.unit.cutover_case import CLOSES, NAME, OPENS, Case
from tests.unit.test_cli_cutover import shown


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A cluster that knows who asks, and takes what it is sent."""
    stage = a_stage(tmp_path, monkeypatch)
    stage.has("answer", {"metadata": {"name": "created"}})
    stage.has("-json", {"status": {"userInfo": {"username": "ops.wang"}}})
    return stage


def refused(step: Step, now: str) -> str:
    with pytest.raises(ClusterError) as raised:
        begin_by_hand(Kubectl(), NAME, step, now=now, seconds=600)
    return raised.value.message


def test_a_step_that_is_next_and_allowed_is_begun(stage: Stage) -> None:
    """A line under the key that the operator would use; who writes it says the API server."""
    case = Case().ready_to_cut()
    shown(stage, case)
    begun = begin_by_hand(Kubectl(), NAME, Step.FREEZE_SOURCE, now=OPENS, seconds=600)
    line = stage.created

    assert case.journal.key(Step.FREEZE_SOURCE) == begun.key
    assert f"{NAME}-{begun.key}-1-begun" == line["metadata"]["name"]
    assert ("FreezeSource", "Begun", "2026-03-01T20:10:00Z") == (
        line["spec"]["step"],
        line["spec"]["event"],
        line["spec"]["until"],
    )
    assert "by" not in line["spec"]

    end_by_hand(Kubectl(), begun, Event.DONE, measured={"sessions ended": "3"})
    assert [{"name": "sessions ended", "value": "3"}] == stage.created["spec"]["measured"]


def test_the_gate_is_the_operators(stage: Stage) -> None:
    """Outside the window, unsigned: every reason, and no line."""
    shown(stage, Case().tried())
    told = refused(Step.FREEZE_SOURCE, CLOSES)

    assert "FreezeSource may not begin:" in told
    assert "not accepted yet by: department, provider" in told
    assert f"the window was over at {CLOSES}" in told
    assert {} == stage.created


def test_only_the_next_step_is_begun(stage: Stage) -> None:
    """No step is left out by hand either."""
    shown(stage, Case().ready_to_cut())

    assert "UnfreezeTarget is not the next step: that is FreezeSource" == refused(Step.UNFREEZE_TARGET, OPENS)


def test_a_step_that_the_operator_runs_is_its_own(stage: Stage) -> None:
    """Until it has ended, or its time is over."""
    shown(stage, Case().ready_to_cut().begin(Step.FREEZE_SOURCE))

    assert "is run by system:serviceaccount" in refused(Step.FREEZE_SOURCE, OPENS)


def test_an_own_attempt_that_was_cut_off_is_begun_anew(stage: Stage) -> None:
    """Nobody has to wait for themselves; it is another attempt under the same key."""
    shown(stage, Case().ready_to_cut().begin(Step.FREEZE_SOURCE, by="ops.wang"))
    begun = begin_by_hand(Kubectl(), NAME, Step.FREEZE_SOURCE, now=OPENS, seconds=600)

    assert 2 == begun.attempt
