"""`kubectl kunlun decisions NAME`: the record of decisions about a request, also when the request is long gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from controllers.api.decision import DecisionSpec, Outcome
from controllers.api.stored import DECISIONS
from controllers.cli.kubectl import ClusterError, Kubectl, cluster_options
from controllers.cli.machine import Output, machine_text
from controllers.cli.screen import grid, screen

COLUMNS = ("TIME", "PLAN", "OUTCOME", "STAGE", "BY", "REASON", "NOTE")
OUTPUTS = click.Choice([output.value for output in Output])


@click.command(short_help="Show who decided what about a request, and what came of it.")
@click.argument("name")
@click.option("-o", "--output", type=OUTPUTS, default=Output.TABLE.value)
@cluster_options
def command(name: str, output: str, kubectl: Kubectl) -> None:
    """Show the record of decisions about the ResourceRequest NAME, oldest first.

    Nobody can change or remove a line of it; it outlives the request and goes with the namespace. Requests of the same
    name that followed each other are told apart by their plans (-o json shows the uid).
    """
    lines = kubectl.select(DECISIONS, f"spec.request={name}")
    if not lines:
        raise ClusterError(f"no decision about a request named '{name}' is recorded here: is the namespace right?")
    lines.sort(key=_order)
    if Output(output) is Output.TABLE:
        screen().print(grid(COLUMNS, rows(lines)))
    else:
        click.echo(machine_text({"apiVersion": "v1", "kind": "List", "items": lines}, Output(output)), nl=False)


def rows(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    """One for each line of the record; a decision has the time of its Approval."""
    for line in lines:
        spec = DecisionSpec.model_validate(line["spec"], extra="ignore")
        outcome = spec.outcome if spec.counted else f"{spec.outcome}, not counted"
        note = "; ".join(filter(None, [spec.note, spec.summary if spec.outcome is Outcome.IN_FORCE else ""]))
        yield _time(line), spec.plan, outcome, spec.stage or "", spec.approver or "", spec.reason, note


def _order(line: Mapping[str, Any]) -> tuple[str, bool]:
    """In the same second, what was decided before what came of it."""
    return _time(line), line["spec"]["outcome"] == Outcome.IN_FORCE


def _time(line: Mapping[str, Any]) -> str:
    return str(line["spec"].get("decidedAt") or line["metadata"]["creationTimestamp"])
