"""Findings of a scan as people and programs read them, and which of them a command may delete."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

import click
from rich.console import RenderableType

from controllers.cli.kubectl import ClusterError
from controllers.cli.screen import grid
from infra.orphans.findings import Direction, Finding, Register, Survey
from infra.stackplan import Kind

COLUMNS = ("FOUND", "KIND", "NAME", "ID", "PROJECT", "OF", "AGE")
DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86400, 3600, 60


def page(findings: Sequence[Finding], now: datetime) -> RenderableType:
    """A line for each."""
    return grid(
        COLUMNS,
        [
            (one.direction, one.kind, one.name, one.id, one.project_name or one.project, _of(one), age(one, now))
            for one in findings
        ],
    )


def as_document(finding: Finding) -> dict[str, object]:
    """For programs; what is not known is left out."""
    fields: dict[str, object] = {
        "found": finding.direction.value,
        "kind": finding.kind.value,
        "name": finding.name,
        "id": finding.id,
        "project": {"id": finding.project, "name": finding.project_name},
        "uid": finding.uid,
        "of": finding.holder,
        "createdAt": finding.created_at,
    }
    return {key: value for key, value in fields.items() if value}


def age(finding: Finding, now: datetime) -> str:
    """As kubectl shows it: the largest unit only. Empty when it is not known."""
    if not finding.created_at:
        return ""
    made = datetime.fromisoformat(finding.created_at)
    made = made if made.tzinfo else made.replace(tzinfo=UTC)  # Cinder leaves the zone out
    seconds = max(int((now - made).total_seconds()), 0)
    for unit, size in (("d", DAY_SECONDS), ("h", HOUR_SECONDS), ("m", MINUTE_SECONDS)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def chosen(findings: Sequence[Finding], named: Collection[str], *, delete_all: bool) -> list[Finding]:
    """What the command means, the rules of a group with their group. Raises ClickException for what may not go.

    All orphans, or what is named by id. Data volumes and things of living requests go only by name, and those of
    a request at which the operator may be at work not even then.
    """
    by_id = {finding.id: finding for finding in findings if finding.id}
    if unknown := sorted(set(named) - by_id.keys()):
        raise click.ClickException(f"not among the findings: {', '.join(unknown)}")
    orphans = [one.id for one in findings if one.direction is Direction.ORPHAN]
    ids = {*named, *(orphans if delete_all else ())}
    for one in (by_id[identifier] for identifier in sorted(ids)):
        if one.kind is Kind.SECURITY_GROUP_RULES and one.id.rpartition("/")[0] not in ids:
            raise click.ClickException(f"{one.id}: rules go with their group: name that")
        if one.busy:
            raise click.ClickException(f"{one.id}: the operator may be at work on {one.holder}; try again later")
    groups = {f"{identifier}/rules" for identifier in ids}
    return [one for one in findings if one.id and one.id in {*ids, *groups}]


def confirmed(going: Iterable[Finding], again: Iterable[Finding]) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """What still goes after another scan, as that one found it, and what is left alone, with the reason."""
    found = {finding.key: finding for finding in again}
    goes: list[Finding] = []
    left: list[tuple[Finding, str]] = []
    for shown in going:
        finding = found.get(shown.key)
        if finding is None:
            left.append((shown, "it is not what it was when it was shown"))
        elif finding.busy:
            left.append((shown, f"the operator may be at work on {finding.holder}; try again later"))
        else:
            goes.append(finding)
    return goes, left


def refuse_strangers(register: Register, survey: Survey) -> None:
    """Raises ClusterError when this cluster and this cloud have nothing to do with each other.

    Beside the wrong cloud every request lacks everything; beside the wrong cluster everything is an orphan.
    """
    known = {text for texts in register.tenants.values() for text in texts or ()}
    there = {text for project in survey.projects for text in (project["id"], project["name"])}
    if not register.tenants:
        raise ClusterError("this cluster has no Tenant: is it the right one? Beside it everything would be an orphan")
    if not known & there:
        raise ClusterError("none of the tenants of this cluster has a project in this cloud: are both the right ones?")


def _of(finding: Finding) -> str:
    return finding.holder or finding.uid
