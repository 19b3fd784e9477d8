"""What was read about one cutover: its own objects, and the whole evidence of the requests it is about.

Journal, reports and signatures outlive their cutover; the requests may be gone, or others of the same name by now.
What is not there is said as a gap, never made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.api.cutoverstep import CutoverStepSpec
from controllers.api.stored import REQUESTS, meta_of
from controllers.cutover.journal import Journal, Line, sound
from controllers.evidence.archive import Gap, Subject
from controllers.evidence.gathered import SUMMARY, Document, Gathered, content_of, documents_of, gathered_from, name_of

CUTOVER = "cutover.json"
TARGET, SOURCE = "target", "source"
SIDES = (TARGET, SOURCE)


@dataclass(frozen=True, slots=True)
class Moved:
    """`sides` has the evidence of the request it moves to, and of the one it moves from where that is one."""

    subject: Subject
    cutover: Document | None = None
    steps: tuple[Document, ...] = ()
    reports: tuple[Document, ...] = ()
    acceptances: tuple[Document, ...] = ()
    sides: Mapping[str, Gathered] = field(default_factory=dict)
    context: Mapping[str, Document] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    def files(self) -> dict[str, bytes]:
        """Without the summary, which is made from them."""
        found = {CUTOVER: content_of(self.cutover)} if self.cutover is not None else {}
        folders = (("journal", self.steps), ("reports", self.reports), ("acceptances", self.acceptances))
        for folder, documents in folders:
            found |= {f"{folder}/{name_of(document)}.json": content_of(document) for document in documents}
        found |= {f"context/{name}.json": content_of(document) for name, document in self.context.items()}
        for side, gathered in self.sides.items():
            found |= {f"{side}/{path}": content for path, content in gathered.files().items()}
        return found

    @property
    def status(self) -> Mapping[str, Any]:
        """As the operator left it; empty when the cutover is gone."""
        return (self.cutover or {}).get("status") or {}

    @property
    def lines(self) -> tuple[Line, ...]:
        """The journal in the order in which the API server took it. Raises ValueError for a line that is none."""
        return tuple(sorted(map(line_of, self.steps), key=lambda line: line.version))

    @property
    def journal(self) -> Journal:
        """As the operator reads it, but for the keys of steps to come: what those are made of is not there."""
        return Journal(self.subject.uid, scope="", lines=tuple(sound(self.lines)))


def moved_from(subject: Subject, files: Mapping[str, bytes], gaps: tuple[Gap, ...] = ()) -> Moved:
    """The other way round. Raises ValueError for a file that is no JSON object."""
    sides = {side: _side(side, files) for side in SIDES if any(path.startswith(f"{side}/") for path in files)}
    own = {path: content for path, content in files.items() if path.partition("/")[0] not in SIDES}
    read = documents_of({path: content for path, content in own.items() if path != SUMMARY})

    def of(folder: str) -> tuple[Document, ...]:
        return tuple(document for path, document in sorted(read.items()) if path.startswith(f"{folder}/"))

    context = {path[len("context/") : -len(".json")]: read[path] for path in read if path.startswith("context/")}
    return Moved(
        subject,
        read.get(CUTOVER),
        steps=of("journal"),
        reports=of("reports"),
        acceptances=of("acceptances"),
        sides=sides,
        context=context,
        gaps=gaps,
    )


def line_of(document: Document) -> Line:
    """A line of the journal, fields of a later release left out."""
    meta = meta_of(document)
    return Line(CutoverStepSpec.model_validate(document["spec"], extra="ignore"), meta.created, meta.version)


def of_cutover(documents: list[Document], uid: str) -> Iterator[Document]:
    """Lines and reports that are about this very cutover, not about another of its name."""
    return (document for document in documents if document["spec"].get("cutoverUid") == uid)


def _side(side: str, files: Mapping[str, bytes]) -> Gathered:
    """A request's evidence within the archive; which request it is say its own objects."""
    own = {path.partition("/")[2]: content for path, content in files.items() if path.startswith(f"{side}/")}
    nobody = Subject(kind=REQUESTS.name, namespace="", name="", uid="", living=False)
    found = gathered_from(nobody, own)
    return Gathered(subject_of(found), found.request, found.plans, found.approvals, found.decisions, found.context)


def subject_of(found: Gathered) -> Subject:
    """The request that is there, or else the one that the record is about."""
    if found.request is not None:
        meta = meta_of(found.request)
        return found.subject.model_copy(
            update={"namespace": meta.namespace, "name": meta.name, "uid": meta.uid, "living": True}
        )
    for line in found.decisions:
        spec, namespace = line["spec"], line["metadata"]["namespace"]
        return found.subject.model_copy(
            update={"namespace": namespace, "name": spec["request"], "uid": spec["requestUid"]}
        )
    return found.subject
