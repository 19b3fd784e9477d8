"""`kubectl kunlun cutover`: the operator's own gate, told to people before they ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.api.cutoversteps import Step
from controllers.api.stored import ACCEPTANCES, CUTOVERS, PLANS, REPORTS, REQUESTS, STEPS, Kind, Meta
from infra.wire import WireModel
from tests.build import a_meta
from tests.unit.cli_stage import Stage, a_stage
from tests.unit.cutover_case import CLOSES, NAME, OPENS, PLAN, UID, Case, a_target


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A cluster that takes what it is sent."""
    stage = a_stage(tmp_path, monkeypatch)
    stage.has("answer", {"metadata": {"name": "created"}, "spec": {"signer": "li.na"}})
    return stage


def shown(stage: Stage, case: Case, **status: Any) -> Stage:
    """The cluster has the case as it is now."""
    facts = case.facts
    counted = [
        {"party": one.spec.party, "of": one.spec.of, "decision": one.spec.decision, "signer": one.spec.signer}
        for one in case.signatures
    ]
    told = {"requiredParties": list(case.parties), "acceptances": counted} | status
    stage.has(f"cutovers-{NAME}", document(CUTOVERS, facts.cutover.meta, facts.spec) | {"status": told})
    stage.has("cutovers-json", {"items": []})
    target = a_target()
    stage.has(
        "resourcerequests-permit-portal",
        document(REQUESTS, target.meta, target.spec) | {"status": wire(target.status)},
    )
    stage.has(f"plans-{PLAN.meta.name}", document(PLANS, PLAN.meta, PLAN.spec))
    stage.has("selected-cutoversteps", {"items": [document(STEPS, line.meta, line.spec) for line in case.steps]})
    if facts.report is not None:
        report = document(REPORTS, facts.report.meta, facts.report.spec)
        stage.has(f"trialreports-{facts.report.meta.name}", report)
        stage.has("selected-trialreports", {"items": [report]})
    signatures = [
        document(ACCEPTANCES, a_meta(name=one.name, created=one.created), one.spec) for one in case.signatures
    ]
    stage.has("selected-acceptances", {"items": signatures})
    return stage


def document(kind: Kind[Any, Any], meta: Meta, spec: WireModel) -> dict[str, Any]:
    metadata = {
        "name": meta.name,
        "namespace": meta.namespace,
        "uid": meta.uid,
        "generation": meta.generation,
        "creationTimestamp": meta.created,
        "resourceVersion": str(meta.version),
    }
    return {"kind": kind.name, "metadata": metadata, "spec": wire(spec)}


def wire(model: WireModel) -> dict[str, Any]:
    return dict(model.model_dump(mode="json", by_alias=True, exclude_none=True))


def patched(stage: Stage) -> list[str]:
    """The changes that were sent."""
    return [word for call in stage.calls for word in call.split(" ") if word.startswith("--patch=")]


def test_the_plan_shows_the_way_and_every_reason(stage: Stage) -> None:
    """What is done, by whom, what is next, and all that stands in the way of it."""
    shown(stage, Case().tried().sign("department", "li.na"))
    output = stage.run("cutover", "plan", NAME).output

    assert "The service lives on: Source" in output
    assert "Preflight        done at 2026-01-01T00:00:01Z by system:serviceaccount" in output
    assert "FreezeSource may not begin:" in output
    assert "  - not accepted yet by: provider" in output
    assert f"the window was over at {CLOSES}" in output


def test_a_cut_that_somebody_has_to_act_for_is_not_asked_for(stage: Stage) -> None:
    """Exit code 1, every reason, and no change."""
    shown(stage, Case(fields={"stage": "Trial"}).tried().sign("department", "li.na"))
    result = stage.run("cutover", "start", NAME, "--stage", "Cut")

    assert 1 == result.exit_code
    assert "nothing is asked for: FreezeSource may not begin:" in result.output
    assert "not accepted yet by: provider" in result.output
    assert [] == patched(stage)


def test_what_only_time_opens_is_asked_for(stage: Stage) -> None:
    """A trial is, whose end is weeks away; the uid names this very cutover."""
    case = Case(fields={"stage": "Rehearse"}).did(Step.PREFLIGHT, Step.ADAPT, Step.REHEARSE)
    shown(stage, case)
    result = stage.run("cutover", "start", NAME, "--stage", "Trial")

    assert (0, f"asked for: Trial of cutover {NAME}\n") == (result.exit_code, result.output)
    assert [
        '--patch={"metadata":',
    ] == [patched(stage)[0].split(" ")[0]]
    assert f'"uid": "{UID}"' in stage.calls[-1]
    assert '"stage": "Trial"' in stage.calls[-1]


def test_a_rollback_needs_something_to_roll_back(stage: Stage) -> None:
    """And a yes."""
    shown(stage, Case().ready_to_cut())
    assert "there is nothing to roll back" in stage.run("cutover", "rollback", NAME, "--yes").output

    shown(stage, Case().cut())
    assert 1 == stage.run("cutover", "rollback", NAME, stdin="n\n").exit_code
    assert 0 == stage.run("cutover", "rollback", NAME, stdin="y\n").exit_code
    assert '"stage": "RollBack"' in stage.calls[-1]


def test_a_rollback_names_what_it_loses(stage: Stage) -> None:
    """The list is shown with its digest; naming it needs a reason."""
    case = Case().cut().ask(stage="RollBack").count(7)
    losses = case.facts.losses
    assert losses is not None
    shown(stage, case)
    assert f"A rollback loses 7 writes ({losses.digest}):" in stage.run("cutover", "plan", NAME).output
    assert "name both" in stage.run("cutover", "rollback", NAME, "--yes", "--loses", losses.digest).output
    unnamed = stage.run("cutover", "rollback", NAME, stdin="y\n")
    assert (1, []) == (unnamed.exit_code, patched(stage))
    assert "7 writes since the switch would be lost" in unnamed.output and losses.digest in unnamed.output

    asked = ("--loses", losses.digest, "--reason", "the portal is down")
    assert 0 == stage.run("cutover", "rollback", NAME, "--yes", *asked).exit_code
    assert losses.digest in stage.calls[-1]


def test_a_release_is_refused_with_every_reason(stage: Stage) -> None:
    """A day early, and unsigned: nothing is asked for."""
    shown(stage, Case().cut(), trialDays=30)
    result = stage.run("cutover", "release", NAME)

    assert 1 == result.exit_code
    assert "not accepted yet by: department, provider" in result.output
    assert [] == patched(stage)


def test_a_signature_is_under_what_was_read(stage: Stage) -> None:
    """The digest is computed from the content; a report that was changed is not signed."""
    case = Case().tried()
    report = case.facts.report
    assert report is not None
    shown(stage, case)
    result = stage.run("cutover", "sign", report.meta.name, "--party", "department")
    assert f"Accepted by li.na for department: trial of report {report.meta.name}\n" == result.output
    assert report.spec.digest == stage.created["spec"]["digest"]
    assert "signer" not in stage.created["spec"]

    case.tampered = {"days": 300}
    shown(stage, case)
    assert "do not sign it" in stage.run("cutover", "sign", report.meta.name, "--party", "department").output


@pytest.mark.parametrize(
    ("ready", "code"),
    [
        pytest.param({"status": "True", "reason": "Ready"}, 0, id="reached"),
        pytest.param({"status": "False", "reason": "StepRefused"}, 1, id="somebody has to act"),
    ],
)
def test_a_watch_ends_when_there_is_nothing_to_wait_for(stage: Stage, ready: dict[str, str], code: int) -> None:
    """A line for each change, and the exit code says which end it was."""
    facts = Case().facts
    body = document(CUTOVERS, facts.cutover.meta, facts.spec)
    running = condition("Ready", status="False", reason="StepRunning")
    stalled = [condition("Stalled", status="True", reason=ready["reason"])] if code else []
    ended = {"live": "Source", "conditions": [condition("Ready", **ready), *stalled]}
    stage.watches(
        ("ADDED", body),
        ("MODIFIED", body | {"status": {"conditions": [running]}}),
        ("MODIFIED", body | {"status": ended}),
    )
    result = stage.run("cutover", "watch", NAME)

    assert code == result.exit_code
    assert f"live on Source: {ready['reason']}" in result.output
    assert "StepRunning" in result.output


def condition(name: str, **fields: str) -> dict[str, Any]:
    return {"type": name, "lastTransitionTime": OPENS, "observedGeneration": 1, "message": "so it is"} | fields
