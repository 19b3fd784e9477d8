"""A step of a cutover run by hand: the operator's gate is asked, and the journal written under one's own name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from controllers.api import API_VERSION
from controllers.api.cutoverstep import line_name
from controllers.api.cutoversteps import Event, Step
from controllers.api.stored import STEPS
from controllers.api.times import later_by
from controllers.cli.cutoverfacts import read_facts
from controllers.cli.cutoverpage import refusals
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cutover.decide import Closed, Decision, Run, decide
from controllers.cutover.facts import Facts
from controllers.cutover.runner import Begun, Errand
from controllers.cutover.status import now_found

TAKEN = "already exists"


def begin_by_hand(kubectl: Kubectl, name: str, step: Step, *, now: str, seconds: float) -> Begun:
    """Ask the gate, and write the line before the step. Raises ClusterError with every reason why not.

    It has to be the very next step of the way that the spec asks for. `seconds` is how long others wait for its end.
    """
    facts = read_facts(kubectl, name, now=now)
    decision = decide(facts, operator=_own_name(kubectl))
    if not isinstance(decision, Run) or decision.step is not step:
        raise ClusterError(_why_not(step, facts, decision))
    errand = Errand(facts.cutover.meta.uid, step, facts.journal.key(step), decision.attempt)
    begun = Begun.of(errand, facts)
    try:
        kubectl.create(_line(begun, Event.BEGUN, until=later_by(now, seconds)))
    except ClusterError as error:
        if TAKEN in error.message:
            raise ClusterError(f"somebody else has begun step {step} at this moment") from error
        raise
    return begun


def end_by_hand(kubectl: Kubectl, begun: Begun, event: Event, *, measured: Mapping[str, str], note: str = "") -> None:
    """Write the line after it. Raises ClusterError when it could not be written; writing it again is safe."""
    told = [{"name": name, "value": value} for name, value in measured.items()]
    try:
        kubectl.create(_line(begun, event, measured=told, note=note))
    except ClusterError as error:
        if TAKEN not in error.message:
            raise


def _why_not(step: Step, facts: Facts, decision: Decision) -> str:
    if isinstance(decision, Closed) and decision.step is step:
        return f"{step} may not begin:\n" + "\n".join(f"  - {text}" for text in refusals(decision))
    if isinstance(decision, Run | Closed):
        return f"{step} is not the next step: that is {decision.step}"
    return f"{step} is not the next step: {now_found(facts, decision).message}"


def _own_name(kubectl: Kubectl) -> str:
    """As the API server knows me: attempts of mine that were cut off are mine to begin anew."""
    answer = json.loads(kubectl.run("auth", "whoami", "-o", "json") or "{}")
    return str(answer.get("status", {}).get("userInfo", {}).get("username", ""))


def _line(begun: Begun, event: Event, **fields: Any) -> dict[str, Any]:
    """`by` is left to the API server."""
    spec = {
        "cutover": begun.cutover,
        "cutoverUid": begun.uid,
        "generation": begun.generation,
        "scope": begun.scope,
        "step": begun.step.value,
        "key": begun.key,
        "attempt": begun.attempt,
        "event": event.value,
        **fields,
    }
    meta = {"name": line_name(begun.cutover, begun.key, begun.attempt, event)}
    return {"apiVersion": API_VERSION, "kind": STEPS.name, "metadata": meta, "spec": spec}
