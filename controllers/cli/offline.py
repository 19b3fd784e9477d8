"""`kunlun plan -f`: the whole judgement of a request without any cluster, for people and for pipelines."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import click
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from controllers.api.findings import Finding, findings_of
from controllers.api.plan import PlanContent
from controllers.api.stored import REQUESTS, ZONES
from controllers.api.zone import ZoneSpec
from controllers.cli.documents import Document, Unreadable, read_documents
from controllers.cli.form import form_findings
from controllers.cli.machine import Output, machine_text
from controllers.cli.planpage import content_sections
from controllers.cli.screen import facts, grid, screen
from controllers.cli.signatures import standings
from controllers.cli.text import counted, plain
from controllers.request.offline import plan_offline

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Judged:
    """One request of a file: either what is wrong with it, or the plan it would become."""

    label: str
    name: str
    problems: tuple[Finding, ...]
    content: PlanContent | None


def preview(files: Sequence[str], zones_file: Path | None, output: Output) -> int:
    """Judge every request in the files and print the result. Returns the exit code: 1 when anything is wrong."""
    zones = load_zones(zones_file)
    judged = [result for file in files for result in judge_file(file, zones)]
    if output is Output.TABLE:
        for result in judged:
            _show(result, screen())
    else:
        click.echo(machine_text({"items": [_machine(result) for result in judged]}, output), nl=False)
    return 1 if any(result.problems for result in judged) else 0


def judge_file(file: str, zones: Mapping[str, ZoneSpec]) -> list[Judged]:
    """The requests in one file, judged; a file that cannot be read or holds none is a problem itself."""
    label = "standard input" if file == STANDARD_INPUT else file
    try:
        with click.open_file(file, "rb") as stream:
            documents = read_documents(cast(BinaryIO, stream), label)
    except Unreadable as error:
        return [Judged(label, "", (Finding("file", str(error)),), None)]
    except OSError as error:
        return [Judged(label, "", (Finding("file", f"{label}: {error.strerror}"),), None)]
    requests = [document for document in documents if document.body.get("kind") == REQUESTS.name]
    if not requests:
        kinds = sorted({str(document.body.get("kind", "none")) for document in documents})
        what = f"holds no {REQUESTS.name}; its kinds: {', '.join(kinds) or 'none'}"
        return [Judged(label, "", (Finding("file", what),), None)]
    return [judge(document, zones) for document in requests]


def judge(document: Document, zones: Mapping[str, ZoneSpec]) -> Judged:
    """One request."""
    form = form_findings(document.body)
    if form:
        return Judged(document.label, _name(document.body), tuple(form), None)
    result = plan_offline(document.body, zones)
    return Judged(document.label, _name(document.body), tuple(result.problems), result.content)


def load_zones(path: Path | None) -> dict[str, ZoneSpec]:
    """Zones by name from a file of Zone objects; those shipped with the program when None."""
    source = path or importlib.resources.files("policies") / "zones.yaml"
    try:
        with source.open("rb") as stream:
            documents = read_documents(cast(BinaryIO, stream), str(source))
    except Unreadable as error:
        raise click.ClickException(plain(error)) from error
    zones = dict(_zone(document) for document in documents if document.body.get("kind") == ZONES.name)
    if not zones:
        raise click.ClickException(f"{source} holds no {ZONES.name}")
    return zones


def _zone(document: Document) -> tuple[str, ZoneSpec]:
    name = _name(document.body)
    try:
        return name, ZoneSpec.model_validate(document.body.get("spec"))
    except ValidationError as error:
        problems = "\n".join(plain(finding) for finding in findings_of(error, "spec"))
        raise click.ClickException(f"{document.label}, zone '{plain(name)}' is not a zone:\n{problems}") from error


def _name(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _show(result: Judged, console: Console) -> None:
    title = f"{result.label}: request {result.name}" if result.name else result.label
    console.print(Text(plain(title), style="bold"))
    if result.problems:
        console.print(Text(f"refused: {counted(len(result.problems), 'problem')}", style="red"))
        console.print(grid(("WHERE", "WHAT"), [(finding.where, finding.what) for finding in result.problems]))
    elif result.content is not None:
        for part in _plan_parts(result.content):
            console.print(part)
    console.print()


def _plan_parts(content: PlanContent) -> Iterator[Any]:
    stages = [(one.needed.stage, one.needed.because, one.form) for one in standings(content, ())]
    yield facts(
        [
            ("Zone", content.stack.zone),
            ("Addresses", "as in an empty zone: the operator assigns the real ones"),
            ("Checked", "form, consistency and the zone's rules; the registry, quota and budget are the operator's"),
        ]
    )
    yield from content_sections(content)
    yield Text("\nStages that have to approve", style="bold")
    yield grid(("STAGE", "BECAUSE", "ASKS FOR"), stages)


def _machine(result: Judged) -> dict[str, Any]:
    problems = [{"where": finding.where, "what": finding.what} for finding in result.problems]
    entry: dict[str, Any] = {"source": result.label, "request": result.name, "problems": problems}
    if result.content is not None:
        entry["plan"] = result.content.model_dump(mode="json", by_alias=True, exclude_none=True)
    return entry
