"""`kubectl kunlun watch NAME`: follow one request until there is nothing left to wait for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from controllers.api.stored import REQUESTS, ResourceRequest, stored
from controllers.cli.kubectl import ClusterError, Kubectl, cluster_options
from controllers.cli.screen import screen
from controllers.cli.stream import events
from controllers.cli.text import plain
from controllers.cli.verdict import Snapshot, Verdict, news, snapshot

EXIT_READY = 0
EXIT_STUCK = 1
EXIT_TIMEOUT = 124  # as `timeout` of coreutils
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m or h."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not isinstance(value, str):
            return float(value)
        match = re.fullmatch(r"([0-9]{1,6})([smh]?)", value)
        if match is None:
            self.fail(f"'{plain(value)}' is not a duration: write 90, 90s, 10m or 2h", param, ctx)
        return float(int(match[1]) * UNITS[match[2]])


@click.command(short_help="Follow a request until it is ready.")
@click.argument("name")
@click.option("--timeout", type=Duration(), default="1h", show_default=True, help="Give up after this time.")
@cluster_options
def command(name: str, timeout: float, kubectl: Kubectl) -> None:
    """Follow the ResourceRequest NAME: one line per step, and a bar while it is being built.

    Exit code 0: ready, in its current generation. 1: stuck, denied or deleted; somebody has to act.
    124: the time is over.
    """
    raise click.exceptions.Exit(follow(kubectl, name, timeout_seconds=timeout))


def follow(kubectl: Kubectl, name: str, *, timeout_seconds: float) -> int:
    """Show the request's progress until it is ready, stuck or out of time. Returns the exit code."""
    console = screen()
    until = time.monotonic() + timeout_seconds
    with view_on(console) as view, closing(states(kubectl, name, until=until)) as requests:
        seen = _last_seen(view, requests)
    if seen is None:
        console.print(f"request {name} is not ready after {timeout_seconds:.0f} seconds: {plain(view.last_message)}")
        return EXIT_TIMEOUT
    if seen.verdict is Verdict.READY:
        return EXIT_READY
    console.print(f"request {name} cannot go on: {plain(seen.message)}")
    return EXIT_STUCK


def _last_seen(view: View, requests: Iterable[ResourceRequest]) -> Snapshot | None:
    """The first snapshot after which there is nothing to wait for; None when time ended before."""
    for request in requests:
        seen = snapshot(request)
        view.show(seen)
        if seen.verdict is not Verdict.WAITING:
            return seen
    return None


def states(
    kubectl: Kubectl, name: str, *, until: float, now: Callable[[], float] = time.monotonic
) -> Generator[ResourceRequest]:
    """The request now, and after every change, until the time is over. Raises ClusterError when it is deleted."""
    while now() < until:
        heard = False
        with closing(events(kubectl, REQUESTS, name, until=until, now=now)) as stream:
            for kind, document in stream:
                heard = True
                if kind == "DELETED":
                    raise ClusterError(f"request '{name}' was deleted")
                yield stored(REQUESTS, document)
        if not heard and now() < until:
            raise ClusterError(f"the watch on request '{name}' ended without a word")


class View(Protocol):
    """Something that shows snapshots as they come."""

    last_message: str

    def __enter__(self) -> View: ...
    def __exit__(self, *raised: object) -> None: ...
    def show(self, seen: Snapshot) -> None:
        """MUST tolerate the same snapshot twice."""


def view_on(console: Console, title: str = "") -> View:
    """A bar on a terminal, lines elsewhere; `title` tells several requests apart."""
    return BarView(console, title) if console.is_terminal else LineView(console, title)


class LineView:
    """A line for each thing that changed: for logs and pipes."""

    def __init__(self, console: Console, title: str = "") -> None:
        self.console, self.title = console, f"{plain(title)}: " if title else ""
        self.before: Snapshot | None = None
        self.last_message = "no answer yet"

    def __enter__(self) -> LineView:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def show(self, seen: Snapshot) -> None:
        for line in news(self.before, seen):
            self.console.print(f"{time.strftime('%H:%M:%S')} {self.title}{plain(line)}", soft_wrap=True)
        self.before, self.last_message = seen, seen.message


class BarView(LineView):
    """The same lines, above a bar that shows the present step, how far it is, and how long the rest will take."""

    def __init__(self, console: Console, title: str = "") -> None:
        super().__init__(console, title)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[count]}"))
        times = (TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn())
        self.progress = Progress(*columns, *times, console=console, transient=True)
        self.task = self.progress.add_task("waiting for the operator", total=None, count="")

    def __enter__(self) -> BarView:
        self.progress.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.progress.stop()

    def show(self, seen: Snapshot) -> None:
        super().show(seen)
        description = f"{self.title}{seen.step}: {plain(seen.message)[:80]}"
        count = f"{seen.done}/{seen.total}" if seen.total else ""
        self.progress.update(
            self.task, description=description, completed=seen.done, total=seen.total or None, count=count
        )
