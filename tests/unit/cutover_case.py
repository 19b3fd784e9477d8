"""A cutover at any point of its story: tests say what was done when, and vary one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controllers.api.acceptance import AcceptanceSpec
from controllers.api.cutover import CutoverSpec, scope_of
from controllers.api.cutoverstatus import CutoverStatus
from controllers.api.cutoverstep import CutoverStepSpec, Measure
from controllers.api.cutoversteps import Event, Step
from controllers.api.stored import (
    CUTOVERS,
    REPORTS,
    STEPS,
    Cutover,
    CutoverStep,
    NoStatus,
    ResourceRequest,
    Stored,
    TrialReport,
)
from controllers.api.times import later_by
from controllers.api.trialreport import report_name, sealed
from controllers.cutover.facts import Facts, Signature
from controllers.cutover.gates import gate
from controllers.cutover.journal import Journal, journal_of
from controllers.cutover.report import content_of, signed_report
from controllers.cutover.way import AFTER, PREPARE, REHEARSE, SWITCH
from tests.build import a_meta, a_plan, a_request, a_server, a_spec

OPERATOR = "system:serviceaccount:kunlun-system:kunlun-operator"
MORNING = "2026-01-01T00:00:00Z"
OPENS, CLOSES = "2026-03-01T20:00:00Z", "2026-03-01T23:00:00Z"
UID, NAME = "uid-of-the-cutover", "portal-moves"
DAY, HOUR = 86_400.0, 3600.0
PLAN = a_plan()


def a_cutover_spec(**fields: Any) -> dict[str, Any]:
    """A web server and a database, behind a proxy."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"
    body: dict[str, Any] = {
        "target": "permit-portal",
        "source": {
            "hosts": [
                {"name": "old-web", "address": "10.9.0.2", "hostKey": key},
                {"name": "old-db", "address": "10.9.0.3", "hostKey": key},
            ]
        },
        "moves": {
            "files": [{"name": "uploads", "host": "old-web", "path": "/srv/uploads", "to": "web"}],
            "databases": [{"name": "permits", "database": "permits", "host": "old-db", "to": "db"}],
        },
        "service": {
            "source": [{"host": "old-web", "unit": "portal"}],
            "target": [{"servers": "web", "unit": "portal"}],
            "switch": {"proxy": {"host": "old-web", "port": 80, "fromPort": 8080, "to": "web", "toPort": 8080}},
        },
        "trial": {"days": 30},
        "window": {"opens": OPENS, "closes": CLOSES},
        "stage": "Cut",
        "askedBy": "li.na",
    }
    return body | fields


def a_target(**status: Any) -> ResourceRequest:
    """Two web servers and a database: approved, built, ready, compliant."""
    spec = a_spec(servers=[a_server(roles=["baseline"]), a_server(name="db", count=1, roles=["baseline"])])
    plan = {"plan": PLAN.meta.name, "approvedPlan": PLAN.meta.name, "builtPlan": PLAN.meta.name}
    return a_request(spec, status=plan | {"conditions": [a_condition("Compliant"), a_condition("Ready")]} | status)


def a_condition(name: str, status: str = "True", message: str = "") -> dict[str, Any]:
    return {
        "type": name,
        "status": status,
        "reason": name,
        "message": message,
        "lastTransitionTime": MORNING,
        "observedGeneration": 1,
    }


@dataclass
class Case:
    """What was done until now, and who signed. Every method returns the case, changed."""

    fields: dict[str, Any] = field(default_factory=dict)
    now: str = MORNING
    target: ResourceRequest | None = field(default_factory=a_target)
    plan_digest: str = PLAN.spec.digest
    generation: int = 1
    steps: list[CutoverStep] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    tampered: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Cutover, ...] = ()
    reports: dict[str, TrialReport] = field(default_factory=dict)  # made until now
    parties: tuple[str, ...] = ("department", "provider")
    least_trial_days: int = 1

    @property
    def cutover(self) -> Cutover:
        spec = CutoverSpec.model_validate(a_cutover_spec(**self.fields))
        return Stored(CUTOVERS, a_meta(name=NAME, uid=UID, generation=self.generation), spec, CutoverStatus())

    @property
    def journal(self) -> Journal:
        return journal_of(self.cutover, self.plan_digest, self.steps)

    @property
    def facts(self) -> Facts:
        """As they would be gathered now."""
        facts = Facts(
            self.cutover,
            self.now,
            self.journal,
            target=self.target,
            plan_digest=self.plan_digest,
            signatures=tuple(self.signatures),
            others=self.others,
            parties=self.parties,
            least_trial_days=self.least_trial_days,
        )
        report = self._report(facts)
        if report is not None:
            report = replace(report, spec=report.spec.model_copy(update=self.tampered))
        return replace(facts, report=report)

    def _report(self, facts: Facts) -> TrialReport | None:
        if facts.journal.frozen_time is not None:
            return signed_report(self.reports.values(), facts.journal)
        if (content := content_of(facts)) is None:
            return None
        spec = sealed(content)
        name = report_name(NAME, spec.digest)
        made = Stored(REPORTS, a_meta(name=name, created=self.now), spec, NoStatus())
        return self.reports.setdefault(name, made)

    def ask(self, **fields: Any) -> Case:
        """Somebody changes the spec."""
        self.fields |= fields
        self.generation += 1
        return self

    def at(self, time: str) -> Case:
        """Time goes by until then."""
        self.now = time
        return self

    def later(self, seconds: float) -> Case:
        return self.at(later_by(self.now, seconds))

    def line(self, step: Step, event: Event, **fields: Any) -> Case:
        """A line of the journal, written now."""
        attempts = self.journal.attempts(step)
        number = len(attempts) + (1 if event is Event.BEGUN else 0)
        usual: dict[str, Any] = {
            "cutover": NAME,
            "cutover_uid": UID,
            "generation": self.generation,
            "scope": scope_of(self.cutover.spec),
            "step": step,
            "key": self.journal.key(step),
            "attempt": max(number, 1),
            "event": event,
            "by": OPERATOR,
            "until": later_by(self.now, HOUR) if event is Event.BEGUN else None,
        }
        spec = CutoverStepSpec(**(usual | fields))
        meta = a_meta(name=f"line-{len(self.steps)}", created=self.now, version=len(self.steps) + 1)
        self.steps.append(Stored(STEPS, meta, spec, NoStatus()))
        return self

    def begin(self, step: Step, **fields: Any) -> Case:
        return self.line(step, Event.BEGUN, **fields)

    def end(self, step: Step, event: Event = Event.DONE, *, by: str = OPERATOR, **measured: Any) -> Case:
        """The attempt that was begun ends; its key is that of its beginning."""
        begun = next(one.spec for one in reversed(self.steps) if one.spec.step is step)
        told = tuple(Measure(name=name.replace("_", " "), value=str(value)) for name, value in measured.items())
        same = {"key": begun.key, "attempt": begun.attempt, "scope": begun.scope}
        return self.line(step, event, measured=told, by=by, **same)

    def did(self, *steps: Step) -> Case:
        """Begun and done, a second each."""
        for step in steps:
            self.begin(step).later(1).end(step)
        return self

    def tried(self) -> Case:
        """Prepared, rehearsed, and tried for thirty days."""
        self.did(*PREPARE, *REHEARSE, Step.START_TRIAL, Step.STRESS_TRIAL)
        return self.later(30 * DAY).did(Step.END_TRIAL)

    def sign(self, party: str, signer: str, **fields: Any) -> Case:
        """Somebody signs the report as it is now."""
        entitled = fields.pop("entitled", True)
        report = self.facts.report
        assert report is not None
        usual = {"report": report.meta.name, "digest": report.spec.digest, "party": party, "decision": "Accepted"}
        spec = AcceptanceSpec.model_validate(usual | {"signer": signer} | fields)
        self.signatures.append(Signature(f"signature-{len(self.signatures)}", spec, self.now, entitled))
        return self

    def signed(self, **fields: Any) -> Case:
        """By both sides."""
        return self.sign("department", "li.na", **fields).sign("provider", "ops.wang", **fields)

    def ready_to_cut(self) -> Case:
        """Signed, and the window has just opened."""
        return self.tried().signed().at(OPENS)

    def cut(self, until: Step = Step.RETAIN) -> Case:
        """Cut over, up to and including a step."""
        steps: Sequence[Step] = (*SWITCH, *AFTER)
        return self.ready_to_cut().did(*steps[: steps.index(until) + 1])

    def count(self, writes: int) -> Case:
        """The target is frozen, and its writes since the switch are counted."""
        self.did(Step.FREEZE_TARGET).begin(Step.COUNT_LOSSES)
        return self.end(Step.COUNT_LOSSES, writes=writes, table_permits=writes)


def told(step: Step, case: Case) -> str:
    """All refusals, as people read them."""
    return "; ".join(str(refusal) for refusal in gate(step, case.facts))
