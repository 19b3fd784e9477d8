"""What a request's evidence is made of, read through `kubectl`; what this reader may not see is said as a gap."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from controllers.api.stored import APPROVALS, DECISIONS, PLANS, REQUESTS, SYSTEMS, ZONES
from controllers.cli.kubectl import ClusterError, Document, Kubectl
from controllers.evidence.archive import Gap, Subject
from controllers.evidence.gathered import Gathered, name_of, of_request


def gathered(kubectl: Kubectl, name: str, uid: str | None) -> Gathered:
    """Everything there is. Raises ClusterError when nothing is, or when it is not clear which request is meant."""
    request = kubectl.find(REQUESTS, name)
    record = kubectl.select(DECISIONS, f"spec.request={name}")
    subject = _subject(request, record, name, uid)
    request = request if subject.living else None
    plans = [one for one in kubectl.select(PLANS, f"spec.stack.origin.name={name}") if _origin(one) == subject.uid]
    decisions = of_request(record, subject.uid)
    named = {name_of(plan) for plan in plans} | {str(line["spec"]["plan"]) for line in decisions}
    approvals = [one for one in kubectl.listed(APPROVALS) if one["spec"]["plan"] in named]
    context, gaps = _context(kubectl, request, subject.uid)
    if request is None:
        gaps.insert(0, Gap(what="request, plans, state", because="the request is gone; the record outlives it"))
    return Gathered(subject, request, tuple(plans), tuple(approvals), tuple(decisions), context, tuple(gaps))


def _subject(request: Document | None, record: list[Document], name: str, uid: str | None) -> Subject:
    living = str(request["metadata"]["uid"]) if request is not None else None
    last = max(record, key=lambda line: str(line["metadata"]["creationTimestamp"]), default=None)
    wanted = uid or living or (str(last["spec"]["requestUid"]) if last is not None else None)
    known = {str(line["spec"]["requestUid"]) for line in record} | ({living} if living else set())
    if wanted is None or wanted not in known:
        others = f"; there were: {', '.join(sorted(known))}" if known else ": is the namespace right?"
        raise ClusterError(
            f"there is no request '{name}'{f' of uid {uid}' if uid else ''}, and no record of one{others}"
        )
    document = request if request is not None and living == wanted else record[0]
    namespace = str(document["metadata"]["namespace"])
    return Subject(kind=REQUESTS.name, namespace=namespace, name=name, uid=wanted, living=living == wanted)


def _context(kubectl: Kubectl, request: Document | None, uid: str) -> tuple[dict[str, Document], list[Gap]]:
    """What the request refers to; what this reader may not see is a gap."""
    found: dict[str, Document] = {}
    gaps: list[Gap] = []

    def take(what: str, read: Callable[[], Document | None]) -> None:
        try:
            document = read()
        except ClusterError as error:
            gaps.append(Gap(what=what, because=error.message[:500]))
            return
        if document is not None:
            found[what] = document

    if request is not None:
        take("system", lambda: kubectl.find(SYSTEMS, str(request["spec"]["system"])))
        take("zone", lambda: kubectl.find(ZONES, str(request["spec"]["zone"])))
    take("events", lambda: events_of(kubectl, uid))
    return found, gaps


def events_of(kubectl: Kubectl, uid: str) -> Document | None:
    """The cluster keeps them for an hour or so."""
    listed: dict[str, Any] = json.loads(
        kubectl.run("get", "events", f"--field-selector=involvedObject.uid={uid}", "-o", "json")
    )
    items = sorted(listed.get("items", ()), key=lambda event: str(event["metadata"]["name"]))
    return {"kind": "List", "items": items} if items else None


def _origin(plan: Document) -> str:
    return str(plan["spec"]["stack"]["origin"]["uid"])
