"""What was read about one request: the objects as the API server has them, each in a file of its own.

A request that is gone has left only its decisions, its plans' digests among them; what is not there is said as a gap,
never made up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controllers.evidence.archive import Gap, Subject

Document = Mapping[str, Any]
SUMMARY = "summary.json"
REQUEST = "request.json"
FOLDERS = ("plans", "approvals", "decisions", "context")


@dataclass(frozen=True, slots=True)
class Gathered:
    """`context` is what the request refers to, by file name: its system, its zone, its events."""

    subject: Subject
    request: Document | None = None
    plans: tuple[Document, ...] = ()
    approvals: tuple[Document, ...] = ()
    decisions: tuple[Document, ...] = ()
    context: Mapping[str, Document] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    def files(self) -> dict[str, bytes]:
        """Without the summary, which is made from them."""
        found = {REQUEST: content_of(self.request)} if self.request is not None else {}
        for folder, documents in (("plans", self.plans), ("approvals", self.approvals), ("decisions", self.decisions)):
            found |= {f"{folder}/{name_of(document)}.json": content_of(document) for document in documents}
        return found | {f"context/{name}.json": content_of(document) for name, document in self.context.items()}


def gathered_from(subject: Subject, files: Mapping[str, bytes], gaps: tuple[Gap, ...] = ()) -> Gathered:
    """The other way round. Raises ValueError for a file that is no JSON object."""
    read = documents_of({path: content for path, content in files.items() if path != SUMMARY})

    def of(folder: str) -> tuple[Document, ...]:
        return tuple(document for path, document in sorted(read.items()) if path.startswith(f"{folder}/"))

    context = {path[len("context/") : -len(".json")]: read[path] for path in read if path.startswith("context/")}
    return Gathered(subject, read.get(REQUEST), of("plans"), of("approvals"), of("decisions"), context, gaps)


def documents_of(files: Mapping[str, bytes]) -> dict[str, Document]:
    """Each file read. Raises ValueError for one that is no JSON object."""
    return {path: _document(path, content) for path, content in files.items()}


def of_request(documents: Sequence[Document], uid: str) -> list[Document]:
    """The lines of the record that are about this very request, not about another of its name. Pure."""
    return [document for document in documents if document["spec"].get("requestUid") == uid]


def name_of(document: Document) -> str:
    return str(document["metadata"]["name"])


def content_of(document: Document) -> bytes:
    """Readable, and the same for the same object; who wrote which field is left out."""
    meta = {key: value for key, value in document.get("metadata", {}).items() if key != "managedFields"}
    body = {**document, "metadata": meta} if "metadata" in document else document
    return (json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _document(path: str, content: bytes) -> Document:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no JSON object")  # noqa: TRY004  one error for whoever reads the archive
    return found
