"""The checks on a cutover's objects: reports are what their digests say, the journal is sound and never had both sides
open, and what was done was signed and was in time (`cutover_signed`). The requests it is about are checked as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from controllers.api.cutoverstep import line_name
from controllers.api.cutoversteps import Event, Side, Step
from controllers.api.decision import Outcome
from controllers.api.times import seconds_between
from controllers.api.trialreport import Trialled, report_digest, report_name
from controllers.evidence.cutover import TARGET, Moved, line_of
from controllers.evidence.cutover_case import CutoverCase, parsed_case
from controllers.evidence.cutover_signed import (
    cuts_were_in_their_window,
    cuts_were_signed,
    signatures_name_a_report,
    the_original_was_kept,
    the_trial_has_lasted,
)
from controllers.evidence.cutover_summary import retain_until
from controllers.evidence.gathered import name_of
from controllers.evidence.request_checks import Found, check_request

NOT_YET_SECONDS = 120.0  # what was just written in the journal may not be in the status yet
Mark = tuple[Step, Event]
FROZEN: Mapping[Mark, Side] = {
    (Step.FREEZE_SOURCE, Event.DONE): Side.SOURCE,
    (Step.FREEZE_TARGET, Event.DONE): Side.TARGET,
}
OPENED: Mapping[Mark, Side] = {
    (Step.UNFREEZE_SOURCE, Event.BEGUN): Side.SOURCE,
    (Step.UNFREEZE_TARGET, Event.BEGUN): Side.TARGET,
}


def check_cutover(found: Moved, time: str) -> Found:
    """All checks on objects gathered at `time`. Raises what objects that are none of ours make it raise."""
    case = parsed_case(found, time)
    wrong = [said for check in CHECKS for said in check(case)]
    sides = {side: check_request(gathered, time) for side, gathered in found.sides.items()}
    wrong += [f"{side}: {said}" for side, its in sides.items() for said in its.wrong]
    released = len(list(case.each(Step.RELEASE)))
    checked = (
        f"{len(case.reports)} trial reports are what their digests say, and what the journal says",
        f"{len(case.signatures)} signatures each name one of them, and its content",
        f"{len(case.lines)} lines of the journal fit together; at no time were both sides open",
        f"{len(list(case.cuts()))} cuts began, each accepted by every party before",
        f"{released} releases began, each after the retention and accepted by every party",
        *(f"{side}: {said}" for side, its in sides.items() for said in its.checked),
    )
    told = (*_untold(case), *(f"{side}: {said}" for side, its in sides.items() for said in its.told))
    return Found(tuple(wrong), checked, told)


def everything_is_of_this_cutover(case: CutoverCase) -> Iterator[str]:
    """The very one that the manifest names."""
    subject, cutover = case.found.subject, case.found.cutover
    if cutover is not None and cutover["metadata"].get("uid") != subject.uid:
        yield "the cutover is another one than the manifest names"
    if cutover is None and subject.living:
        yield "the cutover was there, and is not in the archive"
    yield from (
        f"line {name_of(one)} is of another cutover"
        for one in case.found.steps
        if one["spec"]["cutoverUid"] != subject.uid
    )
    yield from (
        f"report {one.name} is of another cutover"
        for one in case.reports.values()
        if one.spec.cutover_uid != subject.uid
    )


def reports_are_what_their_digests_say(case: CutoverCase) -> Iterator[str]:
    """SHA-256 over the canonical JSON, computed anew; and each step of it is in the journal, word for word."""
    for report in case.reports.values():
        digest = report_digest(report.spec)
        if digest != report.spec.digest or report.name != report_name(report.spec.cutover, digest):
            yield f"report {report.name} does not contain what its digest says: it is {digest}"
        for step in report.spec.steps:
            if not _is_in_the_journal(step, case):
                yield f"report {report.name} says of step {step.step} what the journal does not say"


def reports_tried_what_was_in_force(case: CutoverCase) -> Iterator[str]:
    """The plan that was tried is one of the target's own, with this digest, and had come into force."""
    target = case.found.sides.get(TARGET)
    if target is None:
        return
    plans = {name_of(plan): plan["spec"]["digest"] for plan in target.plans}
    in_force = {line["spec"]["digest"] for line in target.decisions if line["spec"]["outcome"] == Outcome.IN_FORCE}
    for report in case.reports.values():
        name, digest = report.spec.plan, report.spec.plan_digest
        if plans.get(name, digest) != digest:
            yield f"report {report.name} tried another content of plan {name} than the target's"
        if digest not in in_force:
            yield f"report {report.name} tried plan {name}, which by the record was never in force"


def every_line_is_in_its_place(case: CutoverCase) -> Iterator[str]:
    """Named after what it says; ended by who began it; and nothing was done twice under one key."""
    for document in case.found.steps:
        spec = line_of(document).spec
        if name_of(document) != line_name(spec.cutover, spec.key, spec.attempt, spec.event):
            yield f"line {name_of(document)} says something else than its name"
    for line in case.lines:
        if line not in case.journal.lines:
            attempt = f"step {line.spec.step}, attempt {line.spec.attempt}"
            yield f"{attempt}, was ended by {line.spec.by}, who had not begun it"
    done = Counter((line.spec.step, line.spec.key) for line in case.journal.lines if line.spec.event is Event.DONE)
    yield from (
        f"step {step} was done {times} times under key {key}" for (step, key), times in done.items() if times > 1
    )


def both_sides_are_never_open(case: CutoverCase) -> Iterator[str]:
    """A side is opened only when freezing the other was done; what was begun counts as open."""
    open_now = {Side.SOURCE}
    for line in case.journal.lines:
        if (frozen := FROZEN.get(line.mark)) is not None:
            open_now.discard(frozen)
        if (opened := OPENED.get(line.mark)) is not None:
            if others := open_now - {opened}:
                yield f"the {opened.lower()} was opened at {line.time} while the {others.pop().lower()} took writes"
            open_now.add(opened)


def the_status_says_what_the_journal_says(case: CutoverCase) -> Iterator[str]:
    """Where the service lives, since when, how long there was none, until when the original stays."""
    status, journal = case.status, case.journal
    if status is None or not journal.lines:
        return
    if seconds_between(journal.lines[-1].time, case.time) < NOT_YET_SECONDS:
        return
    frozen, switched = journal.frozen_time, journal.first_switched_time
    downtime = int(seconds_between(frozen, switched)) if frozen and switched else None
    for what, said, known in (
        ("live", status.live, journal.live),
        ("switchedTime", status.switched_time, journal.switched_time),
        ("downtimeSeconds", status.downtime_seconds, downtime),
        ("retainUntil", status.retain_until, retain_until(case.found)),
    ):
        if said != known:
            yield f"status.{what} is {said}, and by the journal it is {known} (has the operator worked since?)"


CHECKS: tuple[Callable[[CutoverCase], Iterator[str]], ...] = (
    everything_is_of_this_cutover,
    reports_are_what_their_digests_say,
    reports_tried_what_was_in_force,
    every_line_is_in_its_place,
    both_sides_are_never_open,
    the_status_says_what_the_journal_says,
    signatures_name_a_report,
    cuts_were_signed,
    cuts_were_in_their_window,
    the_trial_has_lasted,
    the_original_was_kept,
)


def _is_in_the_journal(step: Trialled, case: CutoverCase) -> bool:
    return any(
        (line.mark, line.time, line.spec.by, line.spec.measured)
        == ((step.step, Event.DONE), step.done, step.by, step.measured)
        for line in case.journal.lines
    )


def _untold(case: CutoverCase) -> Iterator[str]:
    """What the archive cannot show."""
    if case.spec is None:
        yield "the cutover is gone: what was agreed and which parties had to sign is not known, two at least"
    if TARGET not in case.found.sides and case.reports:
        yield "nothing is left of the target: that its plans were approved cannot be checked"
    if case.spec is not None and not all(map(case.has_window_of, case.cuts())):
        yield "the spec was changed after a cut: whether that cut was in its window cannot be checked"
    if case.signatures:
        yield "whether each signer was entitled to sign for his party is the API server's word, not the archive's"
