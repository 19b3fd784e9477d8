"""`kubectl kunlun probe`: real packets from everybody to everybody, held against what was declared and approved."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from controllers.cli.kubectl import Kubectl, cluster_options
from controllers.cli.participants import cluster_case, namespace_case
from controllers.cli.probing import Findings, probe
from controllers.cli.sandbox import folder_option, layout_from, progress
from controllers.cli.screen import grid, lines, screen, section
from controllers.cli.text import counted
from controllers.probe.verdict import Measured, Row
from infra.sandbox.guests.places import places_of
from infra.sandbox.packages import ensure_root

EXIT_MISMATCH = 1
COLUMNS = ("WHO", "WHOM", "OPEN, AS DECLARED", "CLOSED", "MISMATCHES")


@click.command(short_help="Prove with packets that what is declared is what the wire does.")
@click.argument("name", required=False)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--all", "every", is_flag=True, help="Show every pair, also those with nothing open between them.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Every request of every department.")
@folder_option
@cluster_options
def command(name: str | None, output: str, folder: Path | None, kubectl: Kubectl, **chosen: bool) -> None:
    """Send packets between the servers of request NAME (without it: of every request of the namespace, or of all
    departments), all other servers, hosts beyond each zone's uplink and the operator's side of each management
    network; compare what passed with what requests declare and plans permit.

    Also tries what no honest guest does: others' addresses, a second address, false DHCP, ARP and IPv6. In the
    sandbox only, with guests (`kunlun sandbox guest`), and as root. Exit code 1 on any mismatch.
    """
    if chosen["everywhere"] and name is not None:
        raise click.UsageError("NAME is a request of one namespace: leave it out, or --all-namespaces")
    ensure_root()
    case = cluster_case(kubectl) if chosen["everywhere"] else namespace_case(kubectl)
    findings = probe(case, places_of(layout_from(folder)), name, progress())
    if output == "json":
        click.echo(json.dumps(document(findings), indent=1, ensure_ascii=False))
    else:
        show(findings, every=chosen["every"])
    raise click.exceptions.Exit(EXIT_MISMATCH if findings.mismatches else 0)


def show(findings: Findings, *, every: bool) -> None:
    """The page: pairs, attacks, and every mismatch in words."""
    page = screen()
    page.print(section("Packets", grid(COLUMNS, list(pair_lines(findings.rows, every=every)), right=("CLOSED",))))
    page.print(section("What no honest guest does", grid(("WHAT", "TRIED", "ARRIVED"), attack_lines(findings))))
    wrong = list(mismatches(findings))
    if wrong:
        page.print(section("Mismatches", lines(*wrong)))
    page.print(section("In all", lines(summary(findings))))


def pair_lines(rows: Sequence[Row], *, every: bool) -> Iterator[tuple[str, ...]]:
    """One line for each two stations between which something is open or wrong, one for the rest of each source."""
    ends: dict[tuple[str, str], list[Row]] = {}
    for each in rows:
        ends.setdefault((each.pair.source.name, each.pair.target.name), []).append(each)
    quiet: dict[str, list[Row]] = {}
    silent: Counter[str] = Counter()
    for (source, target), own in ends.items():
        if every or any(each.declared or each.mismatch for each in own):
            yield source, target, *cells(own)
        else:
            quiet.setdefault(source, []).extend(own)
            silent[source] += 1
    for source, own in quiet.items():
        yield source, f"{counted(silent[source], 'other')}", *cells(own)


def cells(rows: Sequence[Row]) -> tuple[str, str, str]:
    opened = [each.pair.service for each in rows if each.declared and not each.mismatch]
    closed = sum(not each.declared and not each.mismatch for each in rows)
    wrong = [f"{each.pair.service} {each.measured}" for each in rows if each.mismatch]
    return " ".join(opened) or "-", str(closed), ", ".join(wrong) or "-"


def attack_lines(findings: Findings) -> list[tuple[str, str, str]]:
    """By kind of attack."""
    kinds = [each.attack.kind for each in findings.attempted]
    tried = Counter(kinds)
    arrived = Counter(kind for kind, each in zip(kinds, findings.attempted, strict=True) if each.arrived_at)
    return [(kind, str(count), str(arrived[kind])) for kind, count in tried.items()]


def mismatches(findings: Findings) -> Iterator[str]:
    """Everything that does not agree, one sentence each."""
    for each in findings.rows:
        if each.mismatch:
            yield f"{each.pair.source.name} -> {each.pair.target.name} {each.pair.service}: {each.mismatch}"
    for tried in findings.attempted:
        if tried.arrived_at:
            what = f"{tried.attack.attacker.name}, {tried.attack.kind} {tried.attack.name}"
            yield f"{what}: arrived at {', '.join(tried.arrived_at)}"
    yield from (f"{name} was not offered its own address by DHCP" for name in findings.unaddressed)
    yield from (f"{name} has no body to send from: `kunlun sandbox guest`" for name in findings.missing)


def summary(findings: Findings) -> str:
    declared = sum(bool(each.declared) for each in findings.rows)
    closed = len(findings.rows) - declared
    tried = f"{declared} declared, {closed} undeclared, {len(findings.attempted)} attacks"
    return f"{tried}; mismatches: {findings.mismatches}"


def document(findings: Findings) -> dict[str, Any]:
    """The same for programs."""
    return {
        "rows": [
            {
                "from": each.pair.source.name,
                "to": each.pair.target.name,
                "service": each.pair.service,
                "declared": each.declared,
                "planned": each.planned,
                "measured": each.measured.value,
                "mismatch": each.mismatch,
            }
            for each in findings.rows
        ],
        "attacks": [
            {
                "by": each.attack.attacker.name,
                "what": f"{each.attack.kind} {each.attack.name}",
                "arrivedAt": list(each.arrived_at),
            }
            for each in findings.attempted
        ],
        "addressed": list(findings.addressed),
        "summary": {
            "declared": sum(bool(each.declared) for each in findings.rows),
            "undeclared": sum(not each.declared for each in findings.rows),
            "open": sum(each.measured is Measured.OPEN for each in findings.rows),
            "attacks": len(findings.attempted),
            "mismatches": findings.mismatches,
        },
        "mismatches": list(mismatches(findings)),
    }
