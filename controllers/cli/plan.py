"""`kunlun plan`: what would be built, before it is asked for (-f FILE) or before it is approved (NAME)."""

from __future__ import annotations

from pathlib import Path

import click

from controllers.cli.kubectl import Kubectl, cluster_options
from controllers.cli.machine import Output, machine_text
from controllers.cli.planpage import plan_page
from controllers.cli.reading import read
from controllers.cli.screen import screen


@click.command(short_help="Show what would be built, and what approving means.")
@click.argument("name", required=False)
@click.option("-f", "--filename", "files", multiple=True, metavar="FILE", help="Requests to plan; - is standard input.")
@click.option(
    "--zones",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Zones to plan against, with -f. Default: those shipped with this program.",
)
@click.option("-o", "--output", type=click.Choice([output.value for output in Output]), default=Output.TABLE.value)
@cluster_options
def command(name: str | None, files: tuple[str, ...], zones: Path | None, output: str, kubectl: Kubectl) -> None:
    """Show a plan: what will exist, what changes, what it costs, who has to approve.

    NAME is a Plan, or a ResourceRequest whose newest plan is meant. The digest is computed anew from what
    is shown. With -f nothing is asked of any cluster: the requests in the files are validated and evaluated,
    and every problem is reported at once (exit code 1).
    """
    if bool(name) == bool(files):
        raise click.UsageError("give either the NAME of a plan or request, or -f FILE")
    if files:
        from controllers.cli.offline import preview

        raise click.exceptions.Exit(preview(files, zones, Output(output)))
    if zones is not None:
        raise click.UsageError("--zones goes with -f: a plan of the cluster was made from the cluster's zones")
    show_plan(kubectl, name or "", Output(output))


def show_plan(kubectl: Kubectl, name: str, output: Output = Output.TABLE) -> None:
    """Print the plan. Raises ClusterError when there is none, PlanForged when it is not what it says."""
    reading = read(kubectl, name)
    if output is Output.TABLE:
        page = screen()
        for part in plan_page(reading, kubectl.shown):
            page.print(part)
    else:
        click.echo(machine_text(reading.document, output), nl=False)
