"""`kunlun orphans`: what is in the cloud without its request, and what a request has that the cloud lacks.

It looks twice at both sides (see `infra.orphans.scan`), so it can be run at any time. Nothing is deleted unless
it is named, or all orphans are; then everything is looked at once more before the first deletion.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from controllers.cli.clouds import cloud_options
from controllers.cli.findings import as_document, chosen, confirmed, page, refuse_strangers
from controllers.cli.kubectl import Kubectl, whole_cluster_options
from controllers.cli.register import read_register
from controllers.cli.screen import screen
from controllers.cli.text import counted, plain
from infra.cloud import Clouds
from infra.errors import KunlunError
from infra.orphans.findings import Direction, Finding
from infra.orphans.removal import remove
from infra.orphans.scan import both, in_both, scan
from infra.orphans.survey import look
from infra.provider.waiting import Patience

EXIT_FOUND = 3
SLOW_SECONDS = 2.0
DELETION_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides of a scan."""

    kubectl: Kubectl
    clouds: Path | None
    cloud: str


@click.command(short_help="Find what the cloud has without a request, or lacks; delete on command.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For a person, or for a program.",
)
@click.option("--delete", "named", multiple=True, metavar="ID", help="Delete the finding with this id; repeatable.")
@click.option(
    "--delete-all",
    is_flag=True,
    help="Delete every Orphan, the projects and shares of tenants that are gone among them. Other findings only go "
    "by --delete.",
)
@click.option("--yes", is_flag=True, help="Delete without asking.")
@cloud_options
@whole_cluster_options
def command(  # noqa: PLR0913 - one parameter for each option
    *,
    output: str,
    named: tuple[str, ...],
    delete_all: bool,
    yes: bool,
    clouds: Path | None,
    cloud: str,
    kubectl: Kubectl,
) -> None:
    """Compare everything in OpenStack that carries Kunlun's marker with the requests and tenants of the cluster.

    \b
    Orphan     its request or tenant is gone
    Surplus    a living request does not name it, or has another in its place
    Missing    the plan in force names it and was built, but the cloud lacks it
    Elsewhere  a marker of ours in a project that is not Kunlun's
    Kept       a data volume that outlived its request or server; no fault

    One Kunlun serves one OpenStack: objects of another installation would be orphans here.
    Exit code 0: nothing, or only what is kept. 3: something was found. 1: an error, or a deletion failed.

    \b
    kunlun orphans --clouds clouds.yaml --cloud kunlun
    kunlun orphans --clouds clouds.yaml --cloud kunlun --delete ID
    """
    sides = Sides(kubectl, clouds, cloud)
    with told_if_slow("looking at the cluster and at the cloud"):
        findings = find(sides)
    if not named and not delete_all:
        show(findings, output)
        raise click.exceptions.Exit(EXIT_FOUND if any(_is_fault(one) for one in findings) else 0)
    going = chosen(findings, named, delete_all=delete_all)
    if not going:
        click.echo("nothing to delete: no orphans")
        return
    if not yes:
        screen().print(page(going, datetime.now(UTC)))
        click.confirm(f"Delete {counted(len(going), 'object')} for good?", abort=True, err=True)
    raise click.exceptions.Exit(delete(sides, going))


def find(sides: Sides) -> list[Finding]:
    """A whole scan. Raises ClusterError and KunlunError."""
    return asyncio.run(_find(sides))


def delete(sides: Sides, going: Sequence[Finding]) -> int:
    """Look once more, and delete what is still found as it was. Each is reported; returns the exit code."""
    return asyncio.run(_delete(sides, going))


def show(findings: Sequence[Finding], output: str) -> None:
    """The findings, for a person or for a program."""
    if output == "json":
        click.echo(json.dumps([as_document(finding) for finding in findings], indent=1))
        return
    if findings:
        screen().print(page(findings, datetime.now(UTC)))
    faults = sum(map(_is_fault, findings))
    click.echo(counted(faults, "finding") if faults else "no orphans")


@contextlib.contextmanager
def told_if_slow(what: str) -> Iterator[None]:
    """Say on standard error what is going on, when it takes longer than a person likes to wait."""
    timer = threading.Timer(SLOW_SECONDS, click.echo, [f"{what} …"], {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_fault(finding: Finding) -> bool:
    return finding.direction is not Direction.KEPT


async def _find(sides: Sides) -> list[Finding]:
    clouds = Clouds(sides.cloud, sides.clouds)
    try:
        before = await asyncio.to_thread(read_register, sides.kubectl)
        first = await look(clouds.admin())
        refuse_strangers(before, first)
        register = both(before, await asyncio.to_thread(read_register, sides.kubectl))
        findings = scan(first, register)
        return in_both(findings, scan(await look(clouds.admin()), register)) if findings else []
    finally:
        clouds.close()


async def _delete(sides: Sides, going: Sequence[Finding]) -> int:
    present, left = confirmed(going, await _find(sides))
    failed = len(left)
    for finding, why in left:
        click.echo(f"left alone: {_named(finding)}: {plain(why)}")

    def tell(finding: Finding, error: KunlunError | None) -> None:
        nonlocal failed
        failed += error is not None
        click.echo(f"failed: {_named(finding)}: {plain(error.message)}" if error else f"deleted: {_named(finding)}")

    clouds = Clouds(sides.cloud, sides.clouds)
    try:
        await remove(clouds.admin(), present, Patience(DELETION_SECONDS), tell)
    finally:
        clouds.close()
    return 1 if failed else 0


def _named(finding: Finding) -> str:
    return plain(f"{finding.kind} {finding.name} ({finding.id})")
