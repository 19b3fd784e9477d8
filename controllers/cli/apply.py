"""`kunlun apply -f FILE`: ask for environments, and with --wait until they are ready. Made for pipelines."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import click
from pydantic import TypeAdapter, ValidationError

from controllers.api.environment import Environment, TimeToLive
from controllers.api.findings import sentence
from controllers.cli.asking import Asked, ask, await_ready
from controllers.cli.environment import EXIT_CODES, EnvironmentReport, Standing, State
from controllers.cli.interruption import Interrupted, interruptible
from controllers.cli.kubectl import Kubectl, cluster_options
from controllers.cli.outputs import Destination, one_environment_for_variables, outputs_option, write_outputs
from controllers.cli.screen import screen
from controllers.cli.text import plain
from controllers.cli.wanted import Wanted, files_option, read_wanted
from controllers.cli.watch import Duration, view_on


class TimeToLiveType(click.ParamType[str]):
    """As in the request: minutes, hours or days."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(TypeAdapter(TimeToLive).validate_python(value))
        except ValidationError:
            self.fail(f"'{plain(value)}' is no time to live: write 90m, 8h or 14d", param, ctx)


@click.command(short_help="Ask for environments, and wait until they are ready.")
@files_option
@click.option("--name", metavar="NAME", help="Name of the environment, instead of the one in the file.")
@click.option("--ttl", type=TimeToLiveType(), help="`timeToLive` of test environments, instead of that in the file.")
@click.option("--wait", is_flag=True, help="Until they are ready, or cannot become it.")
@click.option("--timeout", type=Duration(), default="10m", show_default=True, help="How long to wait.")
@outputs_option
@cluster_options
def command(  # noqa: PLR0913 - one parameter for each option
    *,
    files: tuple[str, ...],
    name: str | None,
    ttl: str | None,
    wait: bool,
    timeout: float,
    outputs: tuple[Destination, ...],
    kubectl: Kubectl,
) -> None:
    """Ask for the environments in FILE, which has one or more ResourceRequests.

    The same name and content is the same environment: a job that is run again finds it, with the end it had. Another
    content changes the environment of that name, and says what; a longer --ttl extends it. One that is still
    being removed is waited for with --wait, and made anew. A job that is killed leaves it to its time to live.

    What happens is told on standard error; standard output has the result only.

    \b
    Exit code
      0    ready (without --wait: asked for)
      1    refused by the API server, policy or an officer: somebody has to change something
      2    usage: the command line, or a file that cannot be read or written
      3    failed: it cannot be built, was deleted, was changed by somebody else, or the API server is out of reach
      4    timed out: it goes on being built
      129, 130, 143   interrupted by a signal: it goes on being built
    Of several environments, the largest code counts.
    """
    if not files:
        raise click.UsageError("give the requests with -f FILE; - is standard input")
    wanted = read_wanted(files, name=name, time_to_live=ttl)
    one_environment_for_variables(outputs, len(wanted))
    asked = [Asked(one, _kubectl_for(one, kubectl)) for one in wanted]
    until = time.monotonic() + timeout
    try:
        with interruptible():
            reports = apply(asked, until=until if wait else None)
            write_outputs(reports, outputs)
    except Interrupted as end:
        say_what_goes_on(asked)
        raise click.exceptions.Exit(end.exit_code) from end
    raise click.exceptions.Exit(max(EXIT_CODES[report.state] for report in reports))


def apply(asked: list[Asked], *, until: float | None) -> list[EnvironmentReport]:
    """Ask for all, unless one of them has a fault of form; then wait for each. Keeps `asked` up to date."""
    if any(one.wanted.problems for one in asked):
        asked[:] = [replace(one, standing=_refused(one.wanted)) for one in asked]
        for one in asked:
            for problem in one.wanted.problems:
                click.echo(f"{plain(one.wanted.label)}: {plain(problem)}", err=True)
        return [one.report() for one in asked]
    for index, one in enumerate(asked):
        asked[index] = ask(one, until=until)
        _tell(asked[index])
    if until is None:
        return [one.report().model_copy(update={"state": _without_waiting(one)}) for one in asked]
    return [_awaited(one, until, len(asked)) for one in asked]


def _awaited(one: Asked, until: float, count: int) -> EnvironmentReport:
    if one.request is None:
        return one.report()
    view = view_on(screen(sys.stderr), one.wanted.name if count > 1 else "")
    report = await_ready(one, view, until=until)
    if report.state is not State.READY:
        words = {State.TIMED_OUT: "is not ready in time and goes on being built", State.REFUSED: "is refused"}
        what = words.get(report.state, "has failed")
        click.echo(f"{plain(report.name)} {what}: {plain(report.reason)}: {plain(report.message)}", err=True)
    if report.state is State.FAILED:
        click.echo(f"to begin anew: kunlun destroy {plain(report.name)}{one.kubectl.shown}", err=True)
    return report


def _without_waiting(one: Asked) -> State:
    """What was taken is asked for, whatever the operator makes of it later."""
    return one.standing.state if one.standing else State.READY if one.report().state is State.READY else State.PENDING


def _refused(wanted: Wanted) -> Standing:
    if wanted.problems:
        return Standing(State.REFUSED, "InvalidRequest", sentence(wanted.problems))
    return Standing(State.REFUSED, "NotSent", "nothing was sent: something else in these files is wrong")


def _kubectl_for(wanted: Wanted, kubectl: Kubectl) -> Kubectl:
    """In the namespace of the document; kubectl itself refuses two that contradict each other."""
    if wanted.namespace and kubectl.namespace and wanted.namespace != kubectl.namespace:
        what = f"is in namespace '{wanted.namespace}', and --namespace says '{kubectl.namespace}'"
        raise click.UsageError(f"{plain(wanted.label)} {plain(what)}")
    return replace(kubectl, namespace=kubectl.namespace or wanted.namespace)


def _tell(one: Asked) -> None:
    name = plain(one.wanted.name)
    if one.request is None:
        assert one.standing is not None  # noqa: S101 - `ask` says what it met
        click.echo(f"{name} was not taken: {plain(one.standing.message, newlines=True)}", err=True)
    elif one.request.spec.environment is Environment.TEST and one.request.spec.time_to_live is None:
        click.echo(f"{name} has no time to live: it stays until somebody destroys it", err=True)


def say_what_goes_on(asked: Sequence[Asked]) -> None:
    """Nothing that was asked for ends with this program."""
    click.echo("interrupted; what was asked for goes on without this program:", err=True)
    for one in asked:
        if one.standing is not None:
            continue
        name, rest = plain(one.wanted.name), one.kubectl.shown
        state = "is being built" if one.request is not None else "may have been asked for"
        limit = one.request.spec.time_to_live if one.request else one.wanted.body["spec"].get("timeToLive")
        end = f", and is removed {limit} after its creation" if limit else ""
        click.echo(f"  {name} {state}{end}", err=True)
        click.echo(f"    to follow it: kunlun watch {name}{rest}", err=True)
        click.echo(f"    to stop it:   kunlun destroy {name}{rest}", err=True)
