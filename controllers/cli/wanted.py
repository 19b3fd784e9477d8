"""What the files of a command ask for: requests, each with everything that is wrong about it. Nothing is sent yet."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

import click

from controllers.api.environment import Environment
from controllers.api.findings import Finding
from controllers.api.stored import REQUESTS
from controllers.cli.documents import Document, Unreadable, read_documents
from controllers.cli.form import form_findings
from controllers.cli.text import plain

STANDARD_INPUT = "-"
files_option = click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE", help="ResourceRequests in YAML; - is standard input."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request of a file, as it would be applied."""

    label: str
    body: Mapping[str, Any]
    problems: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        return str(_metadata(self.body).get("name", ""))

    @property
    def namespace(self) -> str | None:
        return _metadata(self.body).get("namespace") or None


def read_wanted(files: Sequence[str], *, name: str | None = None, time_to_live: str | None = None) -> list[Wanted]:
    """Every request of the files, in order, with the name and the time to live that the command gives.

    Raises UsageError for what cannot be read, for files without a request, and for one name for several requests.
    """
    documents = [document for file in files for document in _documents(file)]
    if not documents:
        raise click.UsageError(f"{', '.join(map(_label, files))}: there is no {REQUESTS.name} in it")
    if name is not None and len(documents) > 1:
        raise click.UsageError(f"--name names one environment, and the files have {len(documents)}")
    wanted = [_wanted(document, name, time_to_live) for document in documents]
    return list(_named_once(wanted))


def _documents(file: str) -> list[Document]:
    label = _label(file)
    try:
        with click.open_file(file, "rb") as stream:
            return read_documents(cast(BinaryIO, stream), label)
    except Unreadable as error:
        raise click.UsageError(plain(error)) from error
    except OSError as error:
        raise click.UsageError(f"{plain(label)}: {error.strerror}") from error


def _label(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file


def _wanted(document: Document, name: str | None, time_to_live: str | None) -> Wanted:
    body, kind = copy.deepcopy(document.body), document.body.get("kind")
    if kind != REQUESTS.name:
        what = f"must be {REQUESTS.name}, not {kind or 'nothing'}: `kubectl apply` takes other kinds"
        return Wanted(document.label, body, (Finding("kind", what),))
    if name is not None and isinstance(body.setdefault("metadata", {}), dict):
        body["metadata"]["name"] = name
    spec = body.get("spec")
    if time_to_live is not None and isinstance(spec, dict):
        spec["timeToLive"] = time_to_live
    return Wanted(document.label, body, (*form_findings(body), *_life_findings(spec)))


def _life_findings(spec: object) -> Iterator[Finding]:
    limited = isinstance(spec, dict) and spec.get("timeToLive") is not None
    if limited and cast(dict[str, Any], spec).get("environment") != Environment.TEST:
        yield Finding("spec.environment", f"must be {Environment.TEST} for a time to live")


def _named_once(wanted: Sequence[Wanted]) -> Iterator[Wanted]:
    times = Counter((one.namespace, one.name) for one in wanted)
    for one in wanted:
        if times[one.namespace, one.name] > 1 and one.name:
            problem = Finding("metadata.name", f"'{one.name}' is asked for twice in these files")
            yield replace(one, problems=(*one.problems, problem))
        else:
            yield one


def _metadata(body: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
