"""Passes over a cutover: one step at a time, each written down before and after, and never both sides live."""

from __future__ import annotations

from controllers.api.cutoversteps import Side, Step
from controllers.api.recap import GuestChanges, Recap
from controllers.api.times import later_by
from controllers.cutover.runner import Outcome
from controllers.cutover.way import AFTER, SWITCH
from controllers.playbooks.moments import Course, Moment
from tests.unit.cutover_case import MORNING
from tests.unit.cutover_world import World, failed


async def test_a_cutover_goes_the_whole_way() -> None:
    """Prepared, rehearsed, tried, signed, cut over, watched, retained; every step begun and done once, in order."""
    world = World()
    await world.ready_to_cut()
    await world.settle()

    steps = ["Preflight", "Adapt", "Rehearse", "StartTrial", "StressTrial", "EndTrial", *SWITCH, *AFTER]
    assert [f"{step}/1 {event}" for step in steps for event in ("Begun", "Done")] == world.journal()
    assert (False, True, Side.TARGET) == (world.hosts.source, world.hosts.target, world.hosts.callers)
    assert "Target" == world.status()["live"]
    assert {("True", "Ready")} == {world.standing()}
    for condition in ("Prepared", "Rehearsed", "Tried", "Signed", "CutOver", "Supervised", "Retained"):
        assert ("True", condition) == world.standing(condition)
    assert ("Unknown", "NotReached") == world.standing("Released")


async def test_a_stage_goes_as_far_as_it_says() -> None:
    """Nobody is surprised by a cut."""
    world = World()
    await world.settle()
    assert ["Preflight/1 Begun", "Preflight/1 Done", "Adapt/1 Begun", "Adapt/1 Done"] == world.journal()

    await world.go(stage="Rehearse")
    assert ["Rehearse/1 Begun", "Rehearse/1 Done"] == world.journal()[4:]
    assert world.hosts.source
    assert ("True", "Ready") == world.standing()


async def test_a_settled_pass_writes_nothing() -> None:
    """Neither to the status nor to the journal."""
    world = World()
    await world.ready_to_cut()
    await world.settle()
    writes, lines = len(world.cluster.statuses), len(world.journal())
    for _ in range(3):
        assert await world.turn() is not None

    assert (writes, lines) == (len(world.cluster.statuses), len(world.journal()))


async def test_the_trial_makes_one_report() -> None:
    """However often a pass looks at it; its name is in the status, its digest says exactly this."""
    world = World()
    await world.go(stage="Trial")
    assert ("False", "TrialRunning") == world.standing("Tried")
    assert "the trial lasts 30 days; allowed from 2026-01-31T" in world.message("Tried")
    assert [] == world.reports()

    world.today = later_by(world.today, 31 * 86_400.0)
    await world.settle()
    for _ in range(3):
        await world.turn()
    assert [world.status()["report"]] == world.reports()
    assert world.status()["report"] == f"portal-moves-{world.status()['reportDigest'][:10]}"
    assert ("False", "AwaitingSignatures") == world.standing("Signed")


async def test_what_is_missing_for_a_cut_is_said_at_once() -> None:
    """Signatures and the window, in one message; and the cut begins when they are there."""
    world = World()
    await world.tried()
    opens = later_by(world.today, 7200)
    await world.go(stage="Cut", window={"opens": opens, "closes": later_by(opens, 3600)})
    assert ("False", "StepRefused") == world.standing()
    assert "not accepted yet by: department, provider" in world.message()
    assert f"the window is not open yet; allowed from {opens}" in world.message()

    world.sign("department", "li.na")
    world.sign("provider", "ops.wang")
    assert 3600.0 == await world.settle()
    assert ("False", "AwaitingWindow") == world.standing()
    assert world.hosts.source

    world.today = opens
    await world.settle()
    assert world.hosts.target


async def test_the_status_says_neither_before_the_source_is_frozen() -> None:
    """Whoever looks, or deletes, while it is being frozen, sees that it is."""
    world = World()
    await world.ready_to_cut()
    seen: list[object] = []
    world.cluster.before_create = lambda body: seen.append(
        (body["spec"]["step"], body["spec"]["event"], world.status().get("live"))
    )
    await world.settle()

    assert ("FreezeSource", "Begun", "Neither") in seen


async def test_a_spec_that_was_changed_meanwhile_begins_nothing() -> None:
    """What is begun is what was read; the next pass reads anew."""
    world = World()
    await world.ready_to_cut()
    written = world.cluster.apply_status

    async def changed(*arguments: object) -> object:
        world.ask(retention={"days": 120})
        return await written(*arguments)  # type: ignore[arg-type]

    object.__setattr__(world.parts, "cluster", _Between(world, changed))
    before = world.journal()
    await world.turn()

    assert before == world.journal()


async def test_a_failed_step_is_tried_again_after_a_rest() -> None:
    """Longer each time; the message says why it failed and when it goes on."""
    world = World()
    world.runner.failing[Step.PREFLIGHT] = failed("old-db: 2 GiB free, 9 needed")
    assert 4.0 == await world.settle()  # five, and one has passed
    assert ("False", "StepFailed") == world.standing("Prepared")
    assert "old-db: 2 GiB free, 9 needed" in world.message()

    world.today = later_by(world.today, 5)
    assert 14.0 == await world.settle()
    world.runner.failing.clear()
    world.today = later_by(world.today, 15)
    await world.settle()
    assert ("True", "Prepared") == world.standing("Prepared")
    assert ["Preflight/3 Begun", "Preflight/3 Done"] == world.journal()[4:6]


async def test_a_release_needs_its_time_its_signatures_and_a_word() -> None:
    """In that order; and it is the end of the way back."""
    world = World()
    await world.ready_to_cut()
    await world.settle()
    await world.go(stage="Release")
    assert not world.hosts.released
    assert "the original is kept for 90 days from the switch" in world.message()

    world.today = world.status()["retainUntil"]
    await world.settle()
    assert ("True", "RetentionOver") == world.standing("Retained")
    assert "not accepted yet by: department, provider" in world.message()
    world.sign("department", "li.na", of="Release")
    world.sign("provider", "ops.wang", of="Release")
    await world.settle()
    assert world.hosts.released
    assert ("True", "Released") == world.standing("Released")

    await world.go(stage="RollBack")
    assert world.hosts.target
    assert "False" == world.standing()[0] and "there is no way back" in world.message()


async def test_a_target_that_lost_compliance_is_not_cut_over_to() -> None:
    """At the moment of each step, whatever the trial showed."""
    world = World()
    await world.ready_to_cut()
    world.runner.held.add(Step.FREEZE_SOURCE)
    await world.settle()
    world.lose_compliance()
    world.runner.finish()
    await world.settle()

    assert "request 'permit-portal' is not Compliant: its image was withdrawn" in world.message()
    world.today = later_by(world.today, 3600)
    await world.settle()
    assert world.hosts.source


async def test_a_signer_without_the_right_does_not_count() -> None:
    """Asked at the moment of the step: who has left the office has left."""
    world = World()
    await world.ready_to_cut()
    world.cluster.entitled = False
    await world.settle()

    assert world.hosts.source
    assert "who may not sign for party" in world.message()


class _Between:
    """A cluster with something happening between reading and writing the status."""

    def __init__(self, world: World, apply_status: object) -> None:
        self._cluster, self.apply_status = world.cluster, apply_status

    def __getattr__(self, name: str) -> object:
        return getattr(self._cluster, name)


async def test_how_a_run_went_is_in_the_journal() -> None:
    """Beside what was measured: tasks, seconds, and where something was changed."""
    world = World()
    recap = Recap(time=MORNING, seconds=7, tasks=12, changes=(GuestChanges(guest="source.old-web", changed=2),))
    world.runner.failing[Step.PREFLIGHT] = Outcome(recap=recap)
    await world.settle()
    lines = [body["spec"] for (plural, _), body in world.cluster.bodies.items() if plural == "cutoversteps"]

    assert "recap" not in lines[0]
    assert recap == Recap.model_validate(lines[1]["recap"])


def test_a_recap_names_the_hosts_on_which_something_changed() -> None:
    """And counts the tasks that were begun."""
    course = Course(0).after(Moment(what="task", task="Ask")).after(Moment(what="changes", host="old-web", changes=2))
    course = course.after(Moment(what="changes", host="old-db", changes=0))

    changes = (GuestChanges(guest="old-web", changed=2),)
    assert Recap(time=MORNING, seconds=8, tasks=1, changes=changes) == course.recap(MORNING, 7.6)
