"""The checks on who agreed to what, and when it was done: signatures, trial, window, retention. Each is one sentence.

Whether a signer was entitled to sign is the API server's word of that moment, and is not in the archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.acceptance import Subject
from controllers.api.cutover import DAY_SECONDS, LEAST_RETENTION_DAYS
from controllers.api.cutoversteps import Step
from controllers.api.times import later_by, seconds_between
from controllers.cutover.facts import Ballot, tally
from controllers.cutover.journal import Line
from controllers.evidence.cutover_case import CutoverCase, Report

LEAST_PARTIES = 2  # the procedure may ask for more; for fewer it cannot


def signatures_name_a_report(case: CutoverCase) -> Iterator[str]:
    """Each is under a report of this cutover, and under the content that was read."""
    for one in case.signatures:
        report = case.reports.get(one.spec.report)
        if report is None:
            yield f"signature {one.name} names report {one.spec.report}, which is not of this cutover"
        elif one.spec.digest != report.spec.digest:
            yield f"signature {one.name} is under another content of report {one.spec.report}"


def cuts_were_signed(case: CutoverCase) -> Iterator[str]:
    """No source was frozen before every party had accepted the newest report of exactly what was to move."""
    for line in case.cuts():
        report = case.report_at(line)
        if report is None:
            yield f"the cut of {line.time} began without a trial report of what was to move"
            continue
        yield from _lacking(case, line, _votes(case, line, report, Subject.TRIAL), f"the cut of {line.time}")


def cuts_were_in_their_window(case: CutoverCase) -> Iterator[str]:
    """As far as the window is still the one of that time."""
    window = case.spec.window if case.spec else None
    for line in case.cuts():
        if window is None or not case.has_window_of(line):
            continue
        if not window.opens <= line.time <= window.closes:
            yield f"the cut of {line.time} began outside its window, {window.opens} to {window.closes}"


def the_trial_has_lasted(case: CutoverCase) -> Iterator[str]:
    """As long as the status says it has to: of the report that is signed now."""
    status = case.status
    report = case.reports.get(status.report or "") if status else None
    if status is None or report is None or status.trial_days is None:
        return
    lasted, day = seconds_between(report.spec.begun, report.spec.ended), status.trial_day_seconds or DAY_SECONDS
    if lasted < status.trial_days * day:
        yield f"the trial of report {report.name} lasted {int(lasted)} seconds, not {status.trial_days} days"


def the_original_was_kept(case: CutoverCase) -> Iterator[str]:
    """Nothing was released before its retention was over, nor without every party's word after that."""
    days = case.spec.retention.days if case.spec else LEAST_RETENTION_DAYS
    for line, before in case.each(Step.RELEASE):
        if before.switched_time is None:
            yield f"the release of {line.time} began although the service did not live on the target"
            continue
        until = later_by(before.switched_time, days * DAY_SECONDS)
        if line.time < until:
            yield f"the release of {line.time} began before the retention was over, {until}"
        report = case.report_at(line)
        if report is None:
            yield f"the release of {line.time} began without a trial report"
            continue
        votes = _votes(case, line, report, Subject.RELEASE, release_from=until)
        yield from _lacking(case, line, votes, f"the release of {line.time}")


def _votes(
    case: CutoverCase, line: Line, report: Report, subject: Subject, *, release_from: str | None = None
) -> Ballot:
    """As they stood when the line was written."""
    until_then = [one for one in case.signatures if one.created <= line.time]
    return tally(until_then, subject, under=(report.name, report.spec.digest), release_from=release_from)


def _lacking(case: CutoverCase, line: Line, votes: Ballot, what: str) -> Iterator[str]:
    for party, signer in votes.rejected.items():
        yield f"{what} began although party {party} had rejected it (by {signer})"
    required = case.status.required_parties if case.status else ()
    missing = [party for party in votes.missing(required) if party not in votes.rejected]
    if missing:
        yield (
            f"{what} began without the signature of: {', '.join(missing)} "
            "(by the procedure as it is now: look whether it was another one then)"
        )
    elif len(votes.accepted) < LEAST_PARTIES and not votes.rejected:
        yield f"{what} began with {len(votes.accepted)} signatures, not {LEAST_PARTIES}"
