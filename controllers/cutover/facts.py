"""Everything a gate is decided from, gathered beforehand: by the operator, by the command line, by a playbook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controllers.api.acceptance import AcceptanceSpec, Subject, Verdict
from controllers.api.conditions import ConditionType
from controllers.api.cutover import DAY_SECONDS, CutoverSpec, Stage
from controllers.api.cutoverstatus import Losses
from controllers.api.cutoverstep import CutoverStepSpec
from controllers.api.cutoversteps import Step
from controllers.api.stored import Cutover, Plan, ResourceRequest, TrialReport
from controllers.api.times import later_by
from controllers.cutover.journal import Journal
from infra.stackplan import canonical_digest

WRITES = "writes"  # the measure of CountLosses that sums up the others


@dataclass(frozen=True, slots=True)
class Signature:
    """An Acceptance, and whether its signer may sign for the party right now."""

    name: str
    spec: AcceptanceSpec
    created: str
    entitled: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """The cutover and what it depends on; what does not exist is None. `now` is the clock of who asks."""

    cutover: Cutover
    now: str
    journal: Journal
    target: ResourceRequest | None = None
    plan_digest: str = ""
    target_plan: Plan | None = None
    source: ResourceRequest | None = None
    source_plan: Plan | None = None
    report: TrialReport | None = None
    others: tuple[Cutover, ...] = ()
    signatures: tuple[Signature, ...] = ()
    parties: tuple[str, ...] = ()
    least_trial_days: int = 1
    trial_day_seconds: float = DAY_SECONDS

    @property
    def spec(self) -> CutoverSpec:
        return self.cutover.spec

    @property
    def trial_days(self) -> int:
        """How long the trial lasts at least, by the spec and by the procedure."""
        return max(self.spec.trial.days, self.least_trial_days)

    @property
    def retain_until(self) -> str | None:
        """When the retention ends; None before the switch, and after a rollback."""
        switched = self.journal.switched_time
        return later_by(switched, self.spec.retention.days * DAY_SECONDS) if switched else None

    @property
    def losses(self) -> Losses | None:
        """What a rollback loses, once it is counted on the frozen target."""
        counted = self.journal.done(Step.COUNT_LOSSES)
        return losses_of(counted.end.spec) if counted and counted.end else None

    @property
    def is_barred(self) -> bool:
        """The way back would lose more than the spec allows, and nobody has named that: it is not gone by itself."""
        losses, asked = self.losses, self.spec.roll_back
        if losses is None or losses.writes == 0 or (asked is not None and asked.loses == losses.digest):
            return False
        return self.spec.stage is Stage.ROLL_BACK or losses.writes > self.spec.supervision.may_lose_writes

    def is_true(self, condition: ConditionType) -> bool:
        """Whether the target's condition holds, of its spec as it is."""
        if self.target is None:
            return False
        known = {item.type: item for item in self.target.status.conditions}
        found = known.get(condition)
        return (
            found is not None
            and found.status == "True"
            and (found.observed_generation in (None, self.target.meta.generation))
        )


@dataclass(frozen=True, slots=True)
class Ballot:
    """What the parties have said of one subject. `ignored` are signatures that do not count, with the reason."""

    accepted: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)

    def missing(self, parties: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(party for party in parties if party not in self.accepted)


def losses_of(counted: CutoverStepSpec) -> Losses:
    """The list, its sum, and the digest that names exactly this list, of exactly this way back.

    Of another cut the same numbers are other writes: a word that was given then says nothing now.
    """
    lines = tuple(item for item in counted.measured if item.name != WRITES)
    writes = next((int(item.value) for item in counted.measured if item.name == WRITES), 0)
    listed = {item.name: item.value for item in lines}
    digest = canonical_digest({"counted": counted.key, "writes": writes, "lines": listed})
    return Losses(digest=digest, writes=writes, lines=lines)


def ballot(facts: Facts, subject: Subject) -> Ballot:
    """What the parties have said of the current report."""
    report = facts.report
    under = (report.meta.name, report.spec.digest) if report is not None else None
    return tally(facts.signatures, subject, under=under, release_from=facts.retain_until)


def tally(
    signatures: Iterable[Signature], subject: Subject, *, under: tuple[str, str] | None, release_from: str | None
) -> Ballot:
    """Count the signatures under one report, by name and digest: each party's latest word, no person for two parties.

    A release is signed from `release_from` on.
    """
    accepted: dict[str, str] = {}
    rejected: dict[str, str] = {}
    ignored: dict[str, str] = {}
    spoken: dict[str, str] = {}  # signer -> party
    for one in sorted(signatures, key=lambda item: (item.created, item.name)):
        if why := _why_not(one, under, spoken, release_from):
            ignored[one.name] = why
            continue
        spoken[one.spec.signer] = one.spec.party
        if one.spec.of is not subject:
            continue
        for side in (accepted, rejected):
            side.pop(one.spec.party, None)
        side = accepted if one.spec.decision is Verdict.ACCEPTED else rejected
        side[one.spec.party] = one.spec.signer
    return Ballot(accepted, rejected, ignored)


def _why_not(one: Signature, under: tuple[str, str] | None, spoken: Mapping[str, str], release_from: str | None) -> str:
    """Why a signature does not count; empty when it does."""
    if (one.spec.report, one.spec.digest) != under:
        return "is under another report"
    if not one.entitled:
        return f"is by '{one.spec.signer}', who may not sign for party '{one.spec.party}'"
    known = spoken.get(one.spec.signer)
    if known is not None and known != one.spec.party:
        return f"is by '{one.spec.signer}', who has signed for party '{known}'"
    if one.spec.of is Subject.RELEASE and (release_from is None or one.created < release_from):
        return "was made before the retention was over"
    return ""
