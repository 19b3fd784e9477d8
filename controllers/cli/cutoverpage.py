"""A cutover as people read it: where the service lives, what is done, what is next and why it may not begin. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.cutoversteps import Step
from controllers.cutover import decide
from controllers.cutover.decide import Decision
from controllers.cutover.facts import Facts
from controllers.cutover.status import now_found
from controllers.cutover.way import way_forward

NAME_WIDTH = 16


def page(facts: Facts, decision: Decision) -> Iterator[str]:
    """Line by line."""
    meta, spec, journal = facts.cutover.meta, facts.spec, facts.journal
    yield f"Cutover {meta.name}: onto {spec.target}, asked for by {spec.asked_by}: {spec.stage}"
    yield f"The service lives on: {journal.live}"
    if facts.retain_until is not None:
        yield f"Switched at {journal.switched_time}; the original stays until {facts.retain_until}"
    if spec.window is not None and journal.switched_time is None:
        yield f"Window: {spec.window.opens} to {spec.window.closes}"
    yield ""
    steps = decision.course.steps or way_forward(spec.stage, journal)
    yield "The way back:" if decision.course.back else f"The way to {spec.stage}:"
    for step in steps:
        yield f"  {step.value:<{NAME_WIDTH}} {_told(step, facts)}".rstrip()
    yield ""
    yield from _next(facts, decision)
    if (losses := facts.losses) is not None:
        yield from ("", f"A rollback loses {losses.writes} writes ({losses.digest}):")
        yield from (f"  {line.name}: {line.value}" for line in losses.lines)


def refusals(decision: Decision) -> list[str]:
    """Why the next step may not begin, if it may not."""
    return [str(refusal) for refusal in decision.refusals] if isinstance(decision, decide.Closed) else []


def _told(step: Step, facts: Facts) -> str:
    done = facts.journal.done(step)
    if done is not None and done.end is not None:
        return f"done at {done.end.time} by {done.end.spec.by}"
    attempts = facts.journal.attempts(step)
    if not attempts:
        return ""
    last = attempts[-1]
    ended = f"failed at {last.end.time}: {last.end.spec.note}" if last.end else f"begun at {last.begun.time}"
    return f"attempt {len(attempts)} by {last.begun.spec.by} {ended}"


def _next(facts: Facts, decision: Decision) -> Iterator[str]:
    if isinstance(decision, decide.Closed):
        yield f"{decision.step} may not begin:"
        yield from (f"  - {text}" for text in refusals(decision))
    elif isinstance(decision, decide.Run):
        yield f"Next: {decision.step}. Its gate is open."
    else:
        yield f"Now: {now_found(facts, decision).message}"
