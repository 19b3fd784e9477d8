"""A cutover's evidence, parsed: what the checks on it have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from controllers.api.acceptance import AcceptanceSpec
from controllers.api.cutover import CutoverSpec
from controllers.api.cutoverstatus import CutoverStatus
from controllers.api.cutoversteps import Event, Side, Step
from controllers.api.trialreport import TrialReportSpec
from controllers.cutover.facts import Signature
from controllers.cutover.journal import Journal, Line
from controllers.evidence.cutover import Moved
from controllers.evidence.gathered import Document, name_of


@dataclass(frozen=True, slots=True)
class Report:
    """A trial report as it lies there; `created` is the API server's word."""

    name: str
    created: str
    spec: TrialReportSpec


@dataclass(frozen=True, slots=True)
class CutoverCase:
    """`spec` and `status` are None when the cutover is gone. `lines` are all, `journal` has those that count."""

    found: Moved
    time: str
    lines: tuple[Line, ...]
    journal: Journal
    reports: Mapping[str, Report]
    signatures: tuple[Signature, ...]
    spec: CutoverSpec | None = None
    status: CutoverStatus | None = None
    generation: int = 0

    def cuts(self) -> Iterator[Line]:
        """The lines by which a cut began: the source was live, and was about to be frozen."""
        for line, before in self.each(Step.FREEZE_SOURCE):
            if before.live is Side.SOURCE:
                yield line

    def has_window_of(self, cut: Line) -> bool:
        """Whether the spec still has the window of that cut: admission keeps it while the service is away."""
        away = self.journal.live is not Side.SOURCE and cut == list(self.cuts())[-1]
        return self.spec is not None and (away or cut.spec.generation == self.generation)

    def each(self, step: Step) -> Iterator[tuple[Line, Journal]]:
        """Each beginning of the step, with the journal as it was before."""
        for number, line in enumerate(self.journal.lines):
            if line.mark == (step, Event.BEGUN):
                yield line, replace(self.journal, lines=self.journal.lines[:number])

    def report_at(self, line: Line) -> Report | None:
        """The newest report of what was to move, when the line was written."""
        known = [one for one in self.reports.values() if one.created <= line.time and one.spec.scope == line.spec.scope]
        return max(known, key=lambda one: (one.created, one.name), default=None)


def parsed_case(found: Moved, time: str) -> CutoverCase:
    """Raises ValueError for what is none of ours."""
    spec = status = None
    if found.cutover is not None:
        spec = CutoverSpec.model_validate(found.cutover["spec"], extra="ignore")
        status = CutoverStatus.model_validate(found.status, extra="ignore")
    return CutoverCase(
        found,
        time,
        found.lines,
        found.journal,
        {name_of(document): _report(document) for document in found.reports},
        tuple(_signature(document) for document in found.acceptances),
        spec,
        status,
        int((found.cutover or {}).get("metadata", {}).get("generation", 0)),
    )


def _report(document: Document) -> Report:
    spec = TrialReportSpec.model_validate(document["spec"], extra="ignore")
    return Report(name_of(document), str(document["metadata"]["creationTimestamp"]), spec)


def _signature(document: Document) -> Signature:
    """Taken for one by somebody entitled: whether he was is the API server's word of that moment."""
    spec = AcceptanceSpec.model_validate(document["spec"], extra="ignore")
    return Signature(name_of(document), spec, str(document["metadata"]["creationTimestamp"]), entitled=True)
