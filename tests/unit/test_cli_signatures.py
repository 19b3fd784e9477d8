"""`kubectl kunlun plan`, `approve` and `deny` where several persons sign, in an order, for a time, or nobody has to."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.api.plan import RequiredStage
from tests.unit.cli_stage import Stage, a_condition, a_content, a_plan, a_request, a_stage


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A cluster that takes decisions."""
    stage = a_stage(tmp_path, monkeypatch)
    stage.has("answer", {"spec": {"approver": "zhang.wei"}})
    return stage


TWO_STAGES = (
    RequiredStage(stage="security", because="Crosses zones.", signatures=2, expires="14d"),
    RequiredStage(stage="finance", because="Amount.", after=("security",)),
)


def a_signed_stage(stage: Stage, *approvers: str, **status: object) -> str:
    """A plan of two stages, decided by these security officers so far; returns its name."""
    plan = a_plan(a_content().model_copy(update={"stages": TWO_STAGES}))
    name = str(plan["metadata"]["name"])
    until = {"stage": "security", "decision": "Approved", "until": "2026-01-15T00:00:00Z"}
    given = [{**until, "approver": approver} for approver in approvers]
    stage.has(f"plans-{name}", plan)
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": name, "approvals": given, **status}))
    return name


def test_the_page_says_whose_signatures_are_missing_in_which_order_and_for_how_long(stage: Stage) -> None:
    """Only commands that could count are offered; a denial always can."""
    said = a_condition(
        "Approved", "False", "AwaitingApproval", "awaits: finance (not counted: approval 'x' came early)"
    )
    name = a_signed_stage(stage, "chen.jing", conditions=[said])
    output = stage.run("plan", name).output

    for words in (
        "not decided yet by security (1 of 2 signatures given) and finance (after security)",
        "2 persons, counts for 14d",
        "Approved until 2026-01-15T00:00:00Z",
        "not counted: approval 'x' came early",
        f"kubectl kunlun approve {name} --stage security",
        f"kubectl kunlun deny {name} --stage finance",
    ):
        assert words in output
    assert f"kubectl kunlun approve {name} --stage finance" not in output


def test_an_approval_before_its_turn_is_not_sent(stage: Stage) -> None:
    """It would not count; a denial would."""
    name = a_signed_stage(stage, "chen.jing")
    refused = stage.run("approve", name, "--stage", "finance")

    assert (1, {}) == (refused.exit_code, stage.created)
    assert "stage 'finance' decides after security" in refused.output
    assert 0 == stage.run("deny", name, "--stage", "finance", "--reason", "no").exit_code


def test_a_second_signature_is_sent_and_a_third_is_not(stage: Stage) -> None:
    """As many as the plan asks for."""
    assert 0 == stage.run("approve", a_signed_stage(stage, "chen.jing"), "--stage", "security").exit_code
    result = stage.run("approve", a_signed_stage(stage, "chen.jing", "wu.lei"), "--stage", "security")

    assert "approved already for stage security by chen.jing and wu.lei" in result.output


def test_a_plan_that_policy_approves_is_nobody_s_to_decide(stage: Stage) -> None:
    """The page says why nobody has to sign."""
    plan = a_plan(a_content().model_copy(update={"stages": (), "approved_by_policy": "A small test."}))
    name = str(plan["metadata"]["name"])
    stage.has(f"plans-{name}", plan)
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": name, "approvedPlan": name}))

    assert "approved by policy, nobody has to sign: A small test." in stage.run("plan", name).output
    assert "approved by policy" in stage.run("approve", name, "--stage", "resource-office").output
