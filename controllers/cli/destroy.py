"""`kunlun destroy NAME...`: give test environments back, and wait until nothing of them is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import click
from rich.console import Console

from controllers.api.conditions import ConditionType
from controllers.api.environment import Environment
from controllers.api.stored import REQUESTS, ResourceRequest
from controllers.cli.awaiting import followed
from controllers.cli.environment import EXIT_CODES, State
from controllers.cli.interruption import Interrupted, interruptible
from controllers.cli.kubectl import Cause, ClusterError, Kubectl, cluster_options
from controllers.cli.reading import find_request
from controllers.cli.screen import screen
from controllers.cli.text import plain
from controllers.cli.verdict import current_conditions
from controllers.cli.wanted import files_option, read_wanted
from controllers.cli.watch import Duration


@dataclass(frozen=True, slots=True)
class Going:
    """One environment that is to go."""

    name: str
    kubectl: Kubectl


@click.command(short_help="Give test environments back.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@files_option
@click.option("--wait/--no-wait", default=True, show_default=True, help="Until nothing of them is left.")
@click.option("--timeout", type=Duration(), default="10m", show_default=True, help="How long to wait.")
@cluster_options
def command(names: tuple[str, ...], files: tuple[str, ...], wait: bool, timeout: float, kubectl: Kubectl) -> None:
    """Remove the test environments NAME, or those in FILE, with everything that was built for them.

    One that is not there is no error, so this may be repeated. Production is not removed by this command: whoever means
    it says `kubectl delete`.

    \b
    Exit code
      0    gone (with --no-wait: going)
      1    refused: it is no test environment, or you may not delete it
      2    usage
      3    failed: the API server is out of reach
      4    timed out: it goes on being removed
      129, 130, 143   interrupted by a signal: it goes on being removed
    Of several environments, the largest code counts.
    """
    going = [*(Going(name, kubectl) for name in names), *_from_files(files, kubectl)]
    if not going:
        raise click.UsageError("give the NAME of an environment, or -f FILE")
    console, until = screen(sys.stderr), time.monotonic() + timeout
    try:
        with interruptible():
            begun = [_begin(one) for one in going]
            codes = [_end(*one, until, console) if wait else _code(one[1]) for one in zip(going, begun, strict=True)]
    except Interrupted as end:
        click.echo("interrupted; what was begun to be removed goes on being removed", err=True)
        raise click.exceptions.Exit(end.exit_code) from end
    raise click.exceptions.Exit(max(codes))


def _from_files(files: tuple[str, ...], kubectl: Kubectl) -> Iterator[Going]:
    for wanted in read_wanted(files) if files else ():
        named = [problem for problem in wanted.problems if problem.where in {"kind", "metadata.name"}]
        if named:
            raise click.UsageError(f"{plain(wanted.label)}: {plain(named[0])}")
        yield Going(wanted.name, replace(kubectl, namespace=kubectl.namespace or wanted.namespace))


def _begin(going: Going) -> ResourceRequest | State | None:
    """Ask for its deletion: the request that is going, None when it is gone already, or what stood in the way."""
    name = plain(going.name)
    try:
        request = find_request(going.kubectl, going.name)
        if request is None:
            click.echo(f"{name} is not there")
            return None
        if request.spec.environment is not Environment.TEST:
            what = (
                f"is {request.spec.environment}: whoever means it says `kubectl delete rr {name}{going.kubectl.shown}`"
            )
            click.echo(f"{name} {what}", err=True)
            return State.REFUSED
        going.kubectl.delete(REQUESTS, going.name)
    except ClusterError as error:
        if error.cause is Cause.ABSENT:
            click.echo(f"{name} is not there")
            return None
        click.echo(f"{name} is not removed: {error.message}", err=True)
        return State.FAILED if error.cause is Cause.OUT_OF_REACH else State.REFUSED
    return request


def _code(begun: ResourceRequest | State | None) -> int:
    return EXIT_CODES[begun] if isinstance(begun, State) else 0


def _end(going: Going, begun: ResourceRequest | State | None, until: float, console: Console) -> int:
    """Wait for it. Returns the exit code."""
    if begun is None or isinstance(begun, State):
        return _code(begun)
    told = ""
    try:
        with closing(followed(going.kubectl, begun, until=until)) as states:
            for state in states:
                if state is None:
                    click.echo(f"{plain(going.name)} is gone")
                    return 0
                ready = current_conditions(state).get(ConditionType.READY)
                if ready is not None and ready.message not in {told, ""} and state.meta.deleting:
                    told = ready.message
                    console.print(f"{time.strftime('%H:%M:%S')} {plain(going.name)}: {plain(told)}", soft_wrap=True)
    except ClusterError as error:
        click.echo(f"{plain(going.name)} cannot be followed: {error.message}", err=True)
        return EXIT_CODES[State.FAILED]
    click.echo(f"{plain(going.name)} is not gone in time, and goes on being removed", err=True)
    return EXIT_CODES[State.TIMED_OUT]
