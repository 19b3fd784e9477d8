"""What a cutover's evidence says, in the order in which it happened: made from the files alone, as a request's is.

Times are the API server's: a line of the journal is as old as it says, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controllers.api.cutover import DAY_SECONDS, LEAST_RETENTION_DAYS
from controllers.api.cutoversteps import Event, Side, Step
from controllers.api.times import later_by, seconds_between
from controllers.cutover.facts import losses_of
from controllers.cutover.journal import Line
from controllers.evidence.cutover import Moved
from controllers.evidence.gathered import Document, content_of, name_of
from controllers.evidence.summary import standing_of, summary_of

CUT_OFF = "CutOff"


def cutover_summary_of(found: Moved) -> dict[str, Any]:
    """The content of summary.json. Raises what objects that are none of ours make it raise."""
    return {
        "subject": found.subject.model_dump(by_alias=True),
        "asked": _asked(found),
        "reports": [_report(document) for document in sorted(found.reports, key=_age)],
        "signatures": [_signature(document) for document in sorted(found.acceptances, key=_age)],
        "signaturesThatCount": found.status.get("acceptances", []),
        "partiesThatHaveToSign": found.status.get("requiredParties", []),
        "steps": list(attempts_of(found.lines)),
        "livesOn": found.journal.live.value,
        "withoutService": list(pauses_of(found)),
        "losses": list(_losses(found)),
        "retention": _retention(found),
        "release": _release(found),
        "standing": standing_of(found.status),
        **{side: summary_of(gathered) for side, gathered in found.sides.items()},
    }


def cutover_summary_content(found: Moved) -> bytes:
    """As it is in the archive."""
    return content_of(cutover_summary_of(found))


def pauses_of(found: Moved) -> Iterator[dict[str, Any]]:
    """When neither side took writes: from the moment a side was about to be frozen until one was open."""
    last, since = Side.SOURCE, ""
    for time, side in found.journal.turns():
        if side is Side.NEITHER:
            since = since or time
            continue
        if since:
            yield {"from": since, "until": time, "seconds": int(seconds_between(since, time)), "way": f"{last}-{side}"}
        last, since = side, ""
    if since:
        yield {"from": since, "until": None, "seconds": None, "way": f"{last}-{Side.NEITHER}"}


def attempts_of(lines: tuple[Line, ...]) -> Iterator[dict[str, Any]]:
    """Every attempt as it was begun, with its end; without one it was cut off, or goes on."""
    ends = {_attempt(line): line for line in lines if line.spec.event is not Event.BEGUN}
    for line in lines:
        if line.spec.event is Event.BEGUN:
            yield _told(line, ends.get(_attempt(line)))


def retain_until(found: Moved) -> str | None:
    """By the journal and what was agreed; the least there is, of a cutover that is gone."""
    switched = found.journal.switched_time
    retention: Mapping[str, Any] = (found.cutover or {}).get("spec", {}).get("retention") or {}
    days = int(retention.get("days", LEAST_RETENTION_DAYS))
    return later_by(switched, days * DAY_SECONDS) if switched else None


def _asked(found: Moved) -> dict[str, Any]:
    """By whoever changed it last; of a cutover that is gone nobody knows."""
    if found.cutover is None:
        return {"by": None, "at": None}
    spec, meta = found.cutover["spec"], found.cutover["metadata"]
    source = spec.get("source", {})
    fields = {key: spec.get(key) for key in ("stage", "target", "window", "trial", "supervision", "rollBack")}
    return {
        "by": spec.get("askedBy"),
        "at": meta.get("creationTimestamp"),
        "generation": meta.get("generation"),
        "from": source.get("request") or [host["name"] for host in source.get("hosts", ())],
        "moves": spec.get("moves"),
        **fields,
    }


def _report(document: Document) -> dict[str, Any]:
    spec = document["spec"]
    keys = ("digest", "scope", "target", "plan", "planDigest", "begun", "ended", "days")
    return {"name": name_of(document), "at": _age(document)[0], **{key: spec.get(key) for key in keys}}


def _signature(document: Document) -> dict[str, Any]:
    spec = document["spec"]
    keys = ("party", "signer", "decision", "report", "digest", "reason")
    return {"at": _age(document)[0], "of": spec.get("of", "Trial"), **{key: spec.get(key) for key in keys}}


def _told(begun: Line, end: Line | None) -> dict[str, Any]:
    spec = begun.spec
    return {
        "step": spec.step.value,
        "attempt": spec.attempt,
        "key": spec.key,
        "by": spec.by,
        "begun": begun.time,
        "ended": end.time if end else None,
        "seconds": int(seconds_between(begun.time, end.time)) if end else None,
        "result": end.spec.event.value if end else CUT_OFF,
        "measured": {item.name: item.value for item in end.spec.measured} if end else {},
        "recap": end.spec.recap.model_dump(mode="json", by_alias=True) if end and end.spec.recap else None,
        "note": end.spec.note if end else "",
    }


def _losses(found: Moved) -> Iterator[dict[str, Any]]:
    """Every time they were counted; what was named to be lost is in `asked.rollBack`."""
    for line in found.journal.lines:
        if line.mark == (Step.COUNT_LOSSES, Event.DONE):
            losses = losses_of(line.spec)
            listed = {item.name: item.value for item in losses.lines}
            yield {"at": line.time, "digest": losses.digest, "writes": losses.writes, "lines": listed}


def _retention(found: Moved) -> dict[str, Any]:
    agreed = (found.cutover or {}).get("spec", {}).get("retention") or {}
    return {**agreed, "switched": found.journal.switched_time, "until": retain_until(found)}


def _release(found: Moved) -> dict[str, Any]:
    journal = found.journal
    done = [line for line in journal.lines if line.mark == (Step.RELEASE, Event.DONE)]
    signed = [_signature(one) for one in sorted(found.acceptances, key=_age) if one["spec"].get("of") == "Release"]
    return {
        "begun": journal.release_time,
        "done": done[0].time if done else None,
        "by": done[0].spec.by if done else None,
        "signatures": signed,
    }


def _attempt(line: Line) -> tuple[Step, str, int]:
    return line.spec.step, line.spec.key, line.spec.attempt


def _age(document: Document) -> tuple[str, str]:
    return str(document["metadata"]["creationTimestamp"]), name_of(document)
