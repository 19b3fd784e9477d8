"""Why a step may not begin: one function each, named as the sentence it enforces. Pure.

A rule yields a refusal for everything that breaks it, in words for whoever asked, and says from when it holds no more
where the clock decides that. Which rules guard which step says `gates`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controllers.api.acceptance import Subject
from controllers.api.conditions import ConditionType, Reason
from controllers.api.cutover import CutoverSpec, Overrun, scope_of
from controllers.api.cutoversteps import Side, Step
from controllers.api.moves import Source
from controllers.api.times import later_by, seconds_between
from controllers.api.trialreport import report_digest, report_name
from controllers.cutover.facts import Facts, ballot
from controllers.cutover.way import before


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, and from when it is allowed if nothing but time has to pass."""

    why: str
    allowed_from: str | None = None
    reason: Reason = Reason.STEP_REFUSED

    def __str__(self) -> str:
        return f"{self.why}; allowed from {self.allowed_from}" if self.allowed_from else self.why


Refusals = Iterator[Refusal]


def the_parts_fit_each_other(step: Step, facts: Facts) -> Refusals:
    """What the spec names exists: hosts of the source, entries of the target."""
    spec = facts.spec
    hosts = _hosts(spec.source, facts)
    for where, host in _named_hosts(spec):
        if host not in hosts:
            yield Refusal(f"spec.{where}: the source has no host '{host}'; it has: {', '.join(sorted(hosts))}")
    if facts.target is not None:
        yield from _entries_exist(facts)


def the_target_stands(step: Step, facts: Facts) -> Refusals:
    """A system moves to what is approved, built, ready and compliant, now and not only when it was tried."""
    name, target = facts.spec.target, facts.target
    if target is None:
        yield Refusal(f"target: no ResourceRequest '{name}' in this namespace")
        return
    if target.meta.deleting:
        yield Refusal(f"target: request '{name}' is being deleted")
    if target.status.approved_plan is None or target.status.built_plan != target.status.approved_plan:
        yield Refusal(f"target: no approved plan of request '{name}' is built")
    for condition in (ConditionType.COMPLIANT, ConditionType.READY):
        if not facts.is_true(condition):
            yield Refusal(f"target: request '{name}' is not {condition}{_because(facts, condition)}")


def the_source_is_live(step: Step, facts: Facts) -> Refusals:
    """Preparing and trying write to the target: not while the service lives there, nor on its way there or back."""
    if facts.journal.live is not Side.SOURCE:
        yield Refusal(f"the service does not live on the source (but: {facts.journal.live})")


def nothing_else_has_moved_here(step: Step, facts: Facts) -> Refusals:
    """What prepares, tries or copies stops what runs on the target: not the service that another cutover brought."""
    for other in facts.others:
        is_another = other.meta.uid != facts.cutover.meta.uid and other.spec.target == facts.spec.target
        if is_another and other.status.live in {Side.TARGET, Side.NEITHER}:
            yield Refusal(
                f"cutover '{other.meta.name}' moves a service onto request '{facts.spec.target}', which lives on: "
                f"{other.status.live}; take another target, or delete that cutover when its original is released"
            )


def what_moves_is_what_was_frozen(step: Step, facts: Facts) -> Refusals:
    """Between freezing the source and its release nobody changes what the cutover is about."""
    frozen = facts.journal.frozen_scope
    if frozen is not None and frozen != facts.journal.scope:
        yield Refusal("what moves, from where or to where, was changed after the source was frozen: change it back")


def earlier_steps_are_done(step: Step, facts: Facts) -> Refusals:
    """One step after the other; what has been undone does not count."""
    missing = [one.value for one in before(step, facts.journal) if facts.journal.done(one) is None]
    if missing:
        yield Refusal(f"not done before it: {', '.join(missing)}")


def the_trial_has_lasted(step: Step, facts: Facts) -> Refusals:
    """A trial lasts as many days as the spec and the procedure ask."""
    begun = facts.journal.done(Step.START_TRIAL)
    if begun is None or begun.end is None:
        yield Refusal("the trial has not begun")
        return
    over = later_by(begun.end.time, facts.trial_days * facts.trial_day_seconds)
    if seconds_between(facts.now, over) > 0:
        yield Refusal(f"the trial lasts {facts.trial_days} days", over, Reason.TRIAL_RUNNING)


def the_report_is_of_this_target(step: Step, facts: Facts) -> Refusals:
    """The report says what was tried: exactly this system onto exactly this plan, unchanged since."""
    report, plan = facts.report, facts.target.status.approved_plan if facts.target else None
    if report is None:
        yield Refusal(f"no trial report of plan '{plan}', as things are now")
        return
    name, said = report.meta.name, report.spec
    if said.digest != report_digest(said) or name != report_name(facts.cutover.meta.name, said.digest):
        yield Refusal(f"report '{name}' is not what its digest says: it was changed")
    if said.cutover_uid != facts.cutover.meta.uid:
        yield Refusal(f"report '{name}' is about another cutover of this name")
    if said.scope != scope_of(facts.spec):
        yield Refusal(f"what moves, from where or to where, was changed after report '{name}': try it again")
    if (said.plan, said.plan_digest) != (plan, facts.plan_digest):
        yield Refusal(f"report '{name}' tried plan '{said.plan}', and '{plan}' is in force now: try that")


def every_party_accepts_the_trial(step: Step, facts: Facts) -> Refusals:
    """Both sides sign, and whoever else the procedure names; one who rejects is enough to stop it."""
    yield from _accepted(facts, Subject.TRIAL)


def the_window_is_open(step: Step, facts: Facts) -> Refusals:
    """No step of the cut begins outside its window. Once callers are switched, the spec may ask to complete it."""
    window, journal = facts.spec.window, facts.journal
    if journal.switched_time is not None:
        return
    if window is None:
        yield Refusal("there is no window: say when it opens and closes")
    elif seconds_between(facts.now, window.opens) > 0:
        yield Refusal("the window is not open yet", window.opens, Reason.AWAITING_WINDOW)
    elif window_is_over(facts):
        yield Refusal(f"the window was over at {window.closes}; nothing begins after it: agree on another")


def window_is_over(facts: Facts) -> bool:
    """For a cut that is not through: what is not switched goes back, what is switched does as the spec says.

    What would lose more than the spec allows is completed all the same.
    """
    window = facts.spec.window
    if window is None or seconds_between(window.closes, facts.now) < 0:
        return window is None
    switched = facts.journal.begun_since_frozen(Step.SWITCH_CALLERS)
    return not facts.is_barred and not (switched and window.overrun is Overrun.COMPLETE)


def it_is_asked_anew(step: Step, facts: Facts) -> Refusals:
    """What went back to the source stays there until somebody changes the spec: a new window, say."""
    returned = facts.journal.returned_generation
    if returned is not None and facts.cutover.meta.generation <= returned:
        yield Refusal("it went back to the source; to cut over again, ask again: change the window, for one")


def the_other_side_is_frozen(step: Step, facts: Facts) -> Refusals:
    """Never are both live: a side is opened only while neither is. The hosts are asked once more in the step."""
    other = Side.SOURCE if step is Step.UNFREEZE_TARGET else Side.TARGET
    if facts.journal.live is other:
        yield Refusal(f"the {other.lower()} takes writes: both sides are never live")


def the_losses_are_named(step: Step, facts: Facts) -> Refusals:
    """What a rollback loses is counted, and whoever asks for it names it; none lost needs no word."""
    if not facts.journal.begun_since_frozen(Step.UNFREEZE_TARGET):
        return
    losses = facts.losses
    if losses is None:
        yield Refusal("the writes since the switch have not been counted")
    elif facts.is_barred:
        yield Refusal(
            f"{losses.writes} writes since the switch would be lost, see `status.losses`; "
            f"whoever wants that says so in `spec.rollBack.loses`: {losses.digest}"
        )


def the_original_is_there(step: Step, facts: Facts) -> Refusals:
    """What was released cannot be gone back to."""
    if (released := facts.journal.release_time) is not None:
        yield Refusal(f"the release of the original was begun at {released}: there is no way back")


def the_target_is_live(step: Step, facts: Facts) -> Refusals:
    """The original is needed as long as the service does not live on the target."""
    if facts.journal.live is not Side.TARGET:
        yield Refusal(f"the service does not live on the target (but: {facts.journal.live})")


def the_retention_is_over(step: Step, facts: Facts) -> Refusals:
    """The original stays as long as was agreed, three months at least."""
    until = facts.retain_until
    if until is None:
        yield Refusal("the retention of the original has not begun")
    elif seconds_between(facts.now, until) > 0:
        yield Refusal(
            f"the original is kept for {facts.spec.retention.days} days from the switch", until, Reason.RETAINED
        )


def every_party_accepts_the_release(step: Step, facts: Facts) -> Refusals:
    """The end of the retention alone releases nothing."""
    yield from _accepted(facts, Subject.RELEASE)


def _accepted(facts: Facts, subject: Subject) -> Refusals:
    votes = ballot(facts, subject)
    for party, signer in votes.rejected.items():
        yield Refusal(f"party '{party}' rejects the {subject.lower()} (by {signer})")
    if missing := [party for party in votes.missing(facts.parties) if party not in votes.rejected]:
        besides = "; ".join(f"'{name}' {why}" for name, why in votes.ignored.items())
        told = f"; does not count: {besides}" if besides else ""
        text = f"not accepted yet by: {', '.join(missing)}{told}"
        yield Refusal(text, reason=Reason.AWAITING_SIGNATURES)


def _named_hosts(spec: CutoverSpec) -> Iterator[tuple[str, str]]:
    proxy, service = spec.service.switch.proxy, spec.service
    yield from ((f"moves.files[{one.name}].host", one.host) for one in spec.moves.files)
    yield from ((f"moves.databases[{one.name}].host", one.host) for one in spec.moves.databases)
    yield from (("service.source", one.host) for one in service.source)
    yield from (("service.callers", one.host) for one in service.callers)
    yield "service.switch.proxy.host", proxy.host
    if proxy.from_host is not None:
        yield "service.switch.proxy.fromHost", proxy.from_host


def _hosts(source: Source, facts: Facts) -> set[str]:
    """Of a request, every server of its own that the operator has a way in to."""
    if source.request is None:
        return {host.name for host in source.hosts}
    entries = facts.source.spec.servers if facts.source else ()
    return {f"{entry.name}-{index}" for entry in entries if entry.roles for index in range(entry.count)}


def _entries_exist(facts: Facts) -> Refusals:
    spec, known = facts.spec, {entry.name: entry for entry in facts.target.spec.servers} if facts.target else {}
    named = [(f"moves.files[{one.name}].to", one.to) for one in spec.moves.files]
    single = [(f"moves.databases[{one.name}].to", one.to) for one in spec.moves.databases]
    named.append(("service.switch.proxy.to", spec.service.switch.proxy.to))
    named += [("service.target", one.servers) for one in spec.service.target]
    for where, entry in (*named, *single):
        if entry not in known:
            yield Refusal(f"spec.{where}: the target has no servers '{entry}'; it has: {', '.join(sorted(known))}")
        elif not known[entry].roles:
            yield Refusal(f"spec.{where}: servers '{entry}' have no roles, so nobody has a way in: name `baseline`")
    for where, entry in single:
        if entry in known and known[entry].count != 1:
            yield Refusal(f"spec.{where}: has to be one server, and '{entry}' is {known[entry].count}")


def _because(facts: Facts, condition: ConditionType) -> str:
    found = [item for item in facts.target.status.conditions if item.type == condition] if facts.target else []
    return f": {found[0].message}" if found and found[0].message and found[0].status != "True" else ""
