"""Why a step of a cutover may not begin: every refusal, and that what is in order is let through."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controllers.api.cutover import CutoverSpec
from controllers.api.cutoverstatus import CutoverStatus
from controllers.api.cutoversteps import Side, Step
from controllers.api.stored import CUTOVERS, Stored
from controllers.cutover.gates import gate, opens_at
from controllers.cutover.way import PREPARE, SWITCH
from tests.build import a_meta
from tests.unit.cutover_case import CLOSES, DAY, OPENS, Case, a_condition, a_cutover_spec, a_target, told

Change = Callable[[Case], object]


@pytest.mark.parametrize(
    ("step", "case"),
    [
        pytest.param(Step.PREFLIGHT, Case(), id="the first step"),
        pytest.param(Step.REHEARSE, Case().did(*PREPARE), id="a rehearsal of what is prepared"),
        pytest.param(Step.FREEZE_SOURCE, Case().ready_to_cut(), id="a cut that is signed, in its window"),
        pytest.param(
            Step.UNFREEZE_TARGET, Case().cut(Step.VERIFY_ZONES), id="opening the target while neither is live"
        ),
        pytest.param(Step.WATCH, Case().cut(Step.UNFREEZE_TARGET).at(CLOSES), id="watching after the window"),
        pytest.param(Step.FREEZE_TARGET, Case().cut().later(80 * DAY), id="going back within the retention"),
        pytest.param(Step.FREEZE_TARGET, Case().cut().later(400 * DAY), id="and after it, until it is released"),
        pytest.param(Step.RETURN_CALLERS, Case().cut().count(0), id="going back without losing anything"),
        pytest.param(Step.UNFREEZE_SOURCE, Case().cut(Step.VERIFY_COPY), id="going back before callers were switched"),
        pytest.param(
            Step.RELEASE, Case().cut().later(90 * DAY).signed(of="Release"), id="a release that is signed, in time"
        ),
    ],
)
def test_what_is_in_order_may_begin(step: Step, case: Case) -> None:
    """A gate without a reason to be closed is open."""
    assert "" == told(step, case)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param({"approvedPlan": None, "builtPlan": None}, "no approved plan of request", id="nothing approved"),
        pytest.param({"builtPlan": None}, "no approved plan of request 'permit-portal' is built", id="not built"),
        pytest.param(
            {"conditions": [a_condition("Compliant"), a_condition("Ready", "False", "drifted: port web-1")]},
            "request 'permit-portal' is not Ready: drifted: port web-1",
            id="not ready",
        ),
        pytest.param(
            {"conditions": [a_condition("Ready"), a_condition("Compliant", "False", "image debian-12 is withdrawn")]},
            "is not Compliant: image debian-12 is withdrawn",
            id="no longer compliant",
        ),
        pytest.param({"conditions": []}, "is not Ready", id="never looked at"),
    ],
)
@pytest.mark.parametrize("step", [Step.PREFLIGHT, Step.END_TRIAL, *SWITCH])
def test_nothing_moves_onto_a_target_that_does_not_stand(step: Step, status: dict[str, object], words: str) -> None:
    """Neither to try nor for good; a target that lost compliance after the trial is none."""
    case = Case().cut(Step.VERIFY_ZONES) if step in SWITCH else Case()
    case.target = a_target(**status)

    assert words in told(step, case)


@pytest.mark.parametrize("step", [Step.PREFLIGHT, Step.FREEZE_SOURCE])
def test_a_target_that_is_not_there_is_named(step: Step) -> None:
    """A spelling mistake says so, and nothing else breaks."""
    case = Case()
    case.target = None

    assert "no ResourceRequest 'permit-portal' in this namespace" in told(step, case)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"moves": {"files": [{"name": "u", "host": "older", "path": "/u", "to": "web"}]}},
            "spec.moves.files[u].host: the source has no host 'older'; it has: old-db, old-web",
        ),
        (
            {"moves": {"databases": [{"name": "p", "database": "p", "host": "old-db", "to": "dbs"}]}},
            "spec.moves.databases[p].to: the target has no servers 'dbs'; it has: db, web",
        ),
        (
            {"moves": {"databases": [{"name": "p", "database": "p", "host": "old-db", "to": "web"}]}},
            "spec.moves.databases[p].to: has to be one server, and 'web' is 2",
        ),
        ({"source": {"request": "elsewhere"}}, "the source has no host 'old-web'"),
    ],
)
def test_parts_that_do_not_fit_are_named_with_their_place(fields: dict[str, object], words: str) -> None:
    """Before anything is touched."""
    assert words in told(Step.PREFLIGHT, Case(fields=fields))


def test_a_step_comes_after_those_before_it() -> None:
    """All that are missing are named."""
    assert "not done before it: Preflight, Adapt" in told(Step.REHEARSE, Case())
    assert "not done before it: FinalSync" in told(Step.VERIFY_COPY, Case().cut(Step.FREEZE_SOURCE))


def test_nothing_is_tried_on_a_target_that_lives() -> None:
    """A rehearsal copies onto the target: after the switch it would overwrite what people wrote."""
    case = Case().cut()
    case.ask(trial={"days": 31})

    assert "the service does not live on the source (but: Target)" in told(Step.PREFLIGHT, case)
    assert "the service does not live on the source (but: Target)" in told(Step.REHEARSE, case)


@pytest.mark.parametrize(
    ("live", "target", "refused"),
    [("Target", "permit-portal", True), ("Neither", "permit-portal", True), ("Source", "permit-portal", False),
     ("Target", "another", False)],
)  # fmt: skip
def test_a_service_that_another_cutover_brought_is_left_alone(*, live: str, target: str, refused: bool) -> None:
    """A rehearsal would stop it and copy over what people wrote; a cut would freeze it."""
    spec = CutoverSpec.model_validate(a_cutover_spec(target=target))
    other = Stored(CUTOVERS, a_meta(name="older", uid="uid-of-the-older"), spec, CutoverStatus(live=Side(live)))
    for step, case in ((Step.REHEARSE, Case().did(*PREPARE)), (Step.FREEZE_SOURCE, Case().ready_to_cut())):
        case.others = (other, case.cutover)
        assert refused == ("cutover 'older' moves a service onto request 'permit-portal'" in told(step, case))


def test_a_trial_lasts_as_long_as_was_agreed() -> None:
    """By the spec or by the procedure, whichever is longer; the refusal says from when."""
    case = Case(least_trial_days=40).did(*PREPARE, Step.REHEARSE, Step.START_TRIAL, Step.STRESS_TRIAL)
    case.later(-1)  # the trial began before the stress test, which took a second
    begun = case.now
    refusals = gate(Step.END_TRIAL, case.later(39 * DAY).facts)

    assert ["the trial lasts 40 days"] == [refusal.why for refusal in refusals]
    assert Case().at(begun).later(40 * DAY).now == opens_at(refusals)
    assert "" == told(Step.END_TRIAL, case.at(begun).later(40 * DAY))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            lambda case: setattr(case, "tampered", {"days": 300}),
            "is not what its digest says: it was changed",
            id="its words",
        ),
        pytest.param(lambda case: setattr(case, "tampered", {"digest": "0" * 64}), "it was changed", id="its digest"),
        pytest.param(lambda case: case.ask(target="permit-archive"), "no trial report of plan", id="what moves"),
        pytest.param(lambda case: case.ask(trial={"days": 60}), "no trial report of plan", id="the trial's terms"),
    ],
)
def test_a_report_that_is_not_what_was_signed_opens_nothing(change: Change, words: str) -> None:
    """Changed words, and words about something else."""
    case = Case().ready_to_cut()
    change(case)

    assert words in told(Step.FREEZE_SOURCE, case)


def test_another_plan_of_the_target_is_tried_anew() -> None:
    """What was tried was exactly one plan; the journal's steps are about that one."""
    case = Case().ready_to_cut()
    other = "permit-portal-0123456789"
    case.target, case.plan_digest = a_target(approvedPlan=other, builtPlan=other), "0" * 64

    assert "not done before it: Preflight, Adapt, Rehearse, StartTrial" in told(Step.FREEZE_SOURCE, case)
    assert f"no trial report of plan '{other}', as things are now" in told(Step.FREEZE_SOURCE, case)


def test_a_cut_needs_every_party() -> None:
    """The provider and the department, and whom the procedure names besides."""
    case = Case(parties=("department", "provider", "resource-office")).tried().at(OPENS)
    assert "not accepted yet by: department, provider, resource-office" in told(Step.FREEZE_SOURCE, case)

    case.sign("department", "li.na")
    assert "not accepted yet by: provider, resource-office" in told(Step.FREEZE_SOURCE, case)

    case.sign("provider", "ops.wang").sign("resource-office", "zhang.wei")
    assert "" == told(Step.FREEZE_SOURCE, case)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            lambda case: case.sign("provider", "li.na"), "'li.na', who has signed for party 'department'", id="for both"
        ),
        pytest.param(
            lambda case: case.sign("provider", "ops.wang", entitled=False),
            "'ops.wang', who may not sign for party 'provider'",
            id="without the right",
        ),
        pytest.param(
            lambda case: case.sign("provider", "ops.wang", digest="0" * 64),
            "is under another report",
            id="another report",
        ),
        pytest.param(
            lambda case: case.sign("provider", "ops.wang", of="Release"),
            "not accepted yet by: provider",
            id="the release",
        ),
        pytest.param(
            lambda case: case.sign("provider", "ops.wang", decision="Rejected", reason="too slow"),
            "party 'provider' rejects the trial (by ops.wang)",
            id="a rejection",
        ),
        pytest.param(
            lambda case: (
                case.sign("provider", "ops.wang")
                .later(1)
                .sign("provider", "ops.li", decision="Rejected", reason="seen too late")
            ),
            "party 'provider' rejects the trial (by ops.li)",
            id="a rejection after all",
        ),
    ],
)
def test_a_signature_counts_or_it_is_said_why_not(change: Change, words: str) -> None:
    """Who may not sign, signs twice, or signs something else, has not signed."""
    case = Case().tried().sign("department", "li.na").later(1)
    change(case)

    assert words in told(Step.FREEZE_SOURCE, case.at(OPENS))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-03-01T19:59:59Z", f"the window is not open yet; allowed from {OPENS}"),
        (CLOSES, f"the window was over at {CLOSES}"),
        ("2026-03-05T00:00:00Z", "nothing begins after it"),
    ],
)
def test_a_cut_has_its_window(now: str, words: str) -> None:
    """To the second, at both ends."""
    assert words in told(Step.FREEZE_SOURCE, Case().tried().signed().at(now))


def test_a_cut_without_a_window_does_not_begin() -> None:
    """The API server asks for one; who got past it is told here."""
    assert "there is no window" in told(Step.FREEZE_SOURCE, Case().ready_to_cut().ask(stage="Trial", window=None))


def test_the_end_of_the_window_stops_new_steps() -> None:
    """Unless callers are switched already, and that is to be completed."""
    complete = {"opens": OPENS, "closes": CLOSES, "overrun": "Complete"}

    assert "was over" in told(Step.FINAL_SYNC, Case().cut(Step.FREEZE_SOURCE).at(CLOSES))
    assert "was over" in told(Step.UNFREEZE_TARGET, Case().cut(Step.VERIFY_ZONES).at(CLOSES))
    assert "was over" in told(Step.FINAL_SYNC, Case(fields={"window": complete}).cut(Step.FREEZE_SOURCE).at(CLOSES))
    assert "" == told(Step.UNFREEZE_TARGET, Case(fields={"window": complete}).cut(Step.VERIFY_ZONES).at(CLOSES))


def test_what_moves_stays_what_it_was_while_it_moves() -> None:
    """Else a source would be frozen, and another one opened."""
    case = Case().cut(Step.FREEZE_SOURCE)
    case.ask(moves={})

    for step in (Step.FINAL_SYNC, Step.UNFREEZE_SOURCE):
        assert "was changed after the source was frozen" in told(step, case)


def test_a_side_is_opened_only_while_neither_is_live() -> None:
    """The source while the target lives, above all."""
    assert "the target takes writes: both sides are never live" in told(Step.UNFREEZE_SOURCE, Case().cut())
