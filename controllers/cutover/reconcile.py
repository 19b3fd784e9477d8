"""The story of a cutover, on one screen.

prepare -> rehearse -> try -> sign -> cut -> watch -> retain -> release, and the way back beside it: which step comes
next is decided purely, from the journal. A pass writes down what has ended, says what it is about to do, and begins it.
"""

from __future__ import annotations

import structlog

from controllers.api import OPERATOR_USER
from controllers.api.cutoversteps import Side
from controllers.api.stored import CUTOVERS, Cutover
from controllers.cutover.decide import Run, Stop, decide
from controllers.cutover.facts import Facts
from controllers.cutover.gather import gather
from controllers.cutover.parts import CutoverParts
from controllers.cutover.record import ensure_report, write_begun, write_ended
from controllers.cutover.runner import Errand, Outcome
from controllers.cutover.status import pause_seconds, status_of
from controllers.publish import drop_finalizer, ensure_finalizer, publish
from infra.errors import EngineInterrupted, KunlunError

log = structlog.get_logger(__name__)


async def reconcile(cutover: Cutover, parts: CutoverParts) -> float | None:
    """One pass. Returns the seconds after which another is wanted, None to wait for an event."""
    if cutover.meta.deleting:
        return await _let_go(cutover, parts)
    await ensure_finalizer(parts, cutover)
    facts = await gather(cutover, parts)
    if await _end_is_written(facts, parts):
        return 0.0
    facts = await ensure_report(facts, parts)
    decision = decide(facts, operator=OPERATOR_USER, running=_is_at_it(facts, parts))
    if not await publish(parts, cutover, status_of(facts, decision)):
        return None
    match decision:
        case Run() if _is_as_it_was(cutover, parts):
            errand = Errand(cutover.meta.uid, decision.step, facts.journal.key(decision.step), decision.attempt)
            await _begin(errand, facts, parts)
            return 0.0
        case Stop():
            await _stop(facts, parts)
            return 0.0
        case _:
            return pause_seconds(facts, decision)


async def _begin(errand: Errand, facts: Facts, parts: CutoverParts) -> None:
    """The line first: from it on, whatever the step does counts as done, until it is known better."""
    seconds = parts.runner.deadline_seconds(errand.step, facts)
    await write_begun(errand, facts, seconds=seconds, parts=parts)
    log.info("step begun", cutover=facts.cutover.meta.name, step=errand.step.value, attempt=errand.attempt)
    try:
        await parts.runner.begin(errand, facts)
    except KunlunError as error:
        await write_ended(errand, Outcome(failure=error), facts, parts)


async def _end_is_written(facts: Facts, parts: CutoverParts) -> bool:
    """Whether a step had ended; it is written down now, and the facts are others."""
    uid = facts.cutover.meta.uid
    errand, outcome = parts.runner.at_work(uid), parts.runner.outcome(uid)
    if errand is None or outcome is None:
        return False
    await write_ended(errand, outcome, facts, parts)
    parts.runner.take_off(uid)
    why = outcome.failure.message if outcome.failure else ""
    log.info("step ended", cutover=facts.cutover.meta.name, step=errand.step.value, attempt=errand.attempt, failure=why)
    return True


async def _stop(facts: Facts, parts: CutoverParts) -> None:
    uid = facts.cutover.meta.uid
    errand = parts.runner.at_work(uid)
    await parts.runner.stop(uid)
    if errand is not None:
        stopped = EngineInterrupted(f"stopped: {facts.spec.asked_by} asked for {facts.spec.stage}")
        await write_ended(errand, Outcome(failure=stopped), facts, parts)
    parts.runner.take_off(uid)


def _is_at_it(facts: Facts, parts: CutoverParts) -> bool:
    """Whether this operator is at the attempt that is open; after a restart it is at none."""
    errand, attempt = parts.runner.at_work(facts.cutover.meta.uid), facts.journal.open()
    if errand is None or attempt is None:
        return False
    return (errand.key, errand.attempt) == (attempt.begun.spec.key, attempt.begun.spec.attempt)


def _is_as_it_was(cutover: Cutover, parts: CutoverParts) -> bool:
    """Whether nobody has changed the spec since it was read; the answer to our status tells."""
    body = parts.cache.body(CUTOVERS, cutover.meta.namespace, cutover.meta.name)
    return body is not None and body["metadata"].get("generation", 1) == cutover.meta.generation


async def _let_go(cutover: Cutover, parts: CutoverParts) -> float | None:
    """Admission lets a Cutover go only when the service is on its source or the original is released, or with its
    namespace. Nothing on the hosts is touched: in the last case they stay as they are, frozen or not.
    """
    await parts.runner.stop(cutover.meta.uid)
    parts.runner.take_off(cutover.meta.uid)
    if cutover.status.live not in (None, Side.SOURCE) and cutover.status.released_time is None:
        meta, live = cutover.meta, cutover.status.live
        log.warning("cutover goes with its namespace", cutover=meta.name, namespace=meta.namespace, live=live)
    await drop_finalizer(parts, cutover)
    return None
