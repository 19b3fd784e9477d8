"""What a cutover's evidence is made of, read through `kubectl`: its own objects, and the requests it is about."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.stored import ACCEPTANCES, CUTOVERS, DECISIONS, REPORTS, STEPS
from controllers.cli.gathering import events_of, gathered
from controllers.cli.kubectl import ClusterError, Document, Kubectl
from controllers.evidence.archive import Gap, Subject
from controllers.evidence.cutover import SOURCE, TARGET, Moved, of_cutover
from controllers.evidence.gathered import Gathered, name_of


def gathered_cutover(kubectl: Kubectl, name: str, uid: str | None) -> Moved:
    """Everything there is. Raises ClusterError when nothing is, or when it is not clear which cutover is meant.

    The cutover is read before its journal: what it says is never newer than that.
    """
    cutover = kubectl.find(CUTOVERS, name)
    journal, written = (kubectl.select(kind, f"spec.cutover={name}") for kind in (STEPS, REPORTS))
    subject = _subject(cutover, [*journal, *written], name, uid)
    cutover = cutover if subject.living else None
    steps, reports = (tuple(of_cutover(documents, subject.uid)) for documents in (journal, written))
    acceptances = [one for report in reports for one in kubectl.select(ACCEPTANCES, f"spec.report={name_of(report)}")]
    gaps: list[Gap] = []
    if cutover is None:
        gaps.append(Gap(what="cutover, state", because="the cutover is gone; its journal outlives it"))
    sides = dict(_sides(kubectl, cutover, reports, gaps))
    context = _events(kubectl, subject.uid, gaps)
    return Moved(subject, cutover, steps, reports, tuple(acceptances), sides, context, tuple(gaps))


def _subject(cutover: Document | None, left: list[Document], name: str, uid: str | None) -> Subject:
    living = str(cutover["metadata"]["uid"]) if cutover is not None else None
    last = max(left, key=lambda one: str(one["metadata"]["creationTimestamp"]), default=None)
    wanted = uid or living or (str(last["spec"]["cutoverUid"]) if last is not None else None)
    known = {str(one["spec"]["cutoverUid"]) for one in left} | ({living} if living else set())
    if wanted is None or wanted not in known:
        others = f"; there were: {', '.join(sorted(known))}" if known else ": is the namespace right?"
        raise ClusterError(
            f"there is no cutover '{name}'{f' of uid {uid}' if uid else ''}, and no journal of one{others}"
        )
    document = cutover if cutover is not None and living == wanted else left[0]
    namespace = str(document["metadata"]["namespace"])
    return Subject(kind=CUTOVERS.name, namespace=namespace, name=name, uid=wanted, living=living == wanted)


def _sides(
    kubectl: Kubectl, cutover: Document | None, reports: tuple[Document, ...], gaps: list[Gap]
) -> Iterator[tuple[str, Gathered]]:
    """The evidence of the target, and of a source that is a request."""
    spec = cutover["spec"] if cutover is not None else {}
    newest = max(reports, key=lambda one: str(one["metadata"]["creationTimestamp"]), default=None)
    named = {TARGET: spec.get("target") or (newest["spec"]["target"] if newest is not None else None)}
    named[SOURCE] = spec.get("source", {}).get("request")
    for side, name in named.items():
        if name is None:
            continue
        try:
            uid = _tried(kubectl, name, newest) if side == TARGET and newest is not None else None
            found = gathered(kubectl, name, uid)
        except ClusterError as error:
            gaps.append(Gap(what=f"{side}: request {name}", because=error.message[:500]))
            continue
        gaps.extend(Gap(what=f"{side}: {gap.what}", because=gap.because) for gap in found.gaps)
        yield side, found


def _tried(kubectl: Kubectl, name: str, report: Document) -> str | None:
    """The uid of the request whose plan the report tried: by now there may be another of its name."""
    digest = report["spec"]["planDigest"]
    lines = (line["spec"] for line in kubectl.select(DECISIONS, f"spec.request={name}"))
    return next((str(line["requestUid"]) for line in lines if line["digest"] == digest), None)


def _events(kubectl: Kubectl, uid: str, gaps: list[Gap]) -> dict[str, Document]:
    try:
        found = events_of(kubectl, uid)
    except ClusterError as error:
        gaps.append(Gap(what="events", because=error.message[:500]))
        return {}
    return {"events": found} if found is not None else {}
