"""What the evidence says, in the order in which it happened: made from the files alone, so that anybody can make it.

`callsToOpenStack` is the id that every call carried which was made for that plan alone: OpenStack's own logs have it
as the global request id, and it is computed from the digest, so nobody can have exchanged it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controllers.evidence.gathered import Document, Gathered, content_of, name_of
from infra.correlation import call_id


def summary_of(found: Gathered) -> dict[str, Any]:
    """The content of summary.json. Raises what objects that are none of ours make it raise."""
    status = (found.request or {}).get("status", {})
    return {
        "subject": found.subject.model_dump(by_alias=True),
        "asked": _asked(found),
        "plans": [_plan(document, found) for document in sorted(found.plans, key=_made)],
        "plansThatAreGone": sorted(_gone(found), key=lambda plan: str(plan["name"])),
        "decisions": [_decision(document) for document in sorted(found.decisions, key=_when)],
        "standing": standing_of(status),
        "planInForce": status.get("approvedPlan"),
        "objectsInOpenStack": status.get("resources", []),
        "project": status.get("project"),
        "guestsConfigured": status.get("configured"),
        "expires": status.get("expiryTime"),
        "deletionPolicy": status.get("deletionPolicy"),
        "removal": {"callsToOpenStack": call_id(found.subject.uid)},
    }


def summary_content(found: Gathered) -> bytes:
    """As it is in the archive."""
    return content_of(summary_of(found))


def standing_of(status: Document) -> list[dict[str, Any]]:
    """The conditions, as people read them."""
    return [
        {
            "condition": one["type"],
            "status": one["status"],
            "reason": one["reason"],
            "since": one["lastTransitionTime"],
            "message": one.get("message", ""),
        }
        for one in status.get("conditions", ())
    ]


def _asked(found: Gathered) -> dict[str, Any]:
    """By whom and when; of a request that is gone, as the record has it."""
    if found.request is None:
        return {"by": sorted({str(line["spec"].get("requestedBy")) for line in found.decisions}), "at": None}
    spec, meta = found.request["spec"], found.request["metadata"]
    fields = {key: spec.get(key) for key in ("system", "zone", "environment")}
    return {"by": [spec.get("requestedBy")], "at": meta.get("creationTimestamp"), **fields}


def _plan(document: Document, found: Gathered) -> dict[str, Any]:
    spec, name = document["spec"], name_of(document)
    return {
        "name": name,
        "digest": spec["digest"],
        "generation": spec["stack"]["origin"]["generation"],
        "drafted": _made(document),
        "monthlyYuan": spec.get("monthlyYuan"),
        "stages": [{"stage": one["stage"], "signatures": one.get("signatures", 1)} for one in spec.get("stages", ())],
        "approvedByPolicy": spec.get("approvedByPolicy") or None,
        "inForceSince": next(_in_force(name, found), None),
        "callsToOpenStack": call_id(spec["digest"]),
    }


def _gone(found: Gathered) -> Iterator[dict[str, Any]]:
    """Plans that the record names and that are not there any more: their digest and words are what is left."""
    there, told = {name_of(document) for document in found.plans}, set[str]()
    for line in found.decisions:
        spec = line["spec"]
        if spec["plan"] in there | told:
            continue
        told.add(spec["plan"])
        yield {
            "name": spec["plan"],
            "digest": spec["digest"],
            "summary": spec.get("summary"),
            "inForceSince": next(_in_force(spec["plan"], found), None),
            "callsToOpenStack": call_id(spec["digest"]),
        }


def _in_force(plan: str, found: Gathered) -> Iterator[str]:
    for line in found.decisions:
        if line["spec"]["plan"] == plan and line["spec"]["outcome"] == "InForce":
            yield str(line["metadata"]["creationTimestamp"])


def _decision(line: Document) -> dict[str, Any]:
    spec = line["spec"]
    keys = ("plan", "outcome", "stage", "approver", "counted", "reason", "note", "digest", "approval")
    return {"at": _when(line)[0], **{key: spec.get(key) for key in keys}}


def _when(line: Document) -> tuple[str, bool, str]:
    """In the same second, what was decided before what came of it."""
    spec, meta = line["spec"], line["metadata"]
    return str(spec.get("decidedAt") or meta["creationTimestamp"]), spec["outcome"] == "InForce", str(meta["name"])


def _made(document: Document) -> str:
    return str(document["metadata"]["creationTimestamp"])
