"""Where the environments of a command are printed, and as what: a table, JSON, variables for a shell, a test report."""

from __future__ import annotations

import json
import platform
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import click
from click.shell_completion import CompletionItem

from controllers.api.times import FORM, parsed
from controllers.cli.environment import EnvironmentReport, Environments, State
from controllers.cli.junit import junit_text
from controllers.cli.screen import grid, screen
from controllers.cli.text import plain

COLUMNS = ("NAME", "STATE", "ZONE", "ENDS", "SERVERS", "MESSAGE")
DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86_400, 3600, 60


class Format(StrEnum):
    """What to print."""

    TABLE = "table"
    JSON = "json"
    ENV = "env"
    JUNIT = "junit"


@dataclass(frozen=True, slots=True)
class Destination:
    """A format, and the file it goes to; None is standard output."""

    format: Format
    file: Path | None = None


class DestinationType(click.ParamType[Destination]):
    """`json`, or `junit=report.xml`."""

    name = "output"

    def convert(
        self, value: str | Destination, param: click.Parameter | None, ctx: click.Context | None
    ) -> Destination:
        if isinstance(value, Destination):
            return value
        name, equals, file = value.partition("=")
        if name not in {*Format} or (equals and not file):
            self.fail(f"'{plain(value)}' must be {', '.join(Format)}, each with =FILE if you like", param, ctx)
        return Destination(Format(name), Path(file) if file else None)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in Format if name.startswith(incomplete)]


def _at_most_one_unnamed(
    context: click.Context, parameter: click.Parameter, given: tuple[Destination, ...]
) -> tuple[Destination, ...]:
    if sum(one.file is None for one in given) > 1:
        raise click.BadParameter("only one output fits standard output: give the others as FORMAT=FILE")
    return given


outputs_option = click.option(
    "-o",
    "--output",
    "outputs",
    type=DestinationType(),
    multiple=True,
    default=(Format.TABLE.value,),
    show_default=True,
    metavar="FORMAT[=FILE]",
    callback=_at_most_one_unnamed,
    help="table, json, env or junit; with =FILE into a file. May be given several times.",
)


def one_environment_for_variables(outputs: Sequence[Destination], count: int) -> None:
    """Raises UsageError for several environments and one set of variables."""
    if count != 1 and any(one.format is Format.ENV for one in outputs):
        raise click.UsageError(f"output `env` is for one environment, not {count}: name one")


def write_outputs(reports: Sequence[EnvironmentReport], outputs: Sequence[Destination]) -> None:
    """Every output that was asked for. Raises UsageError when a file cannot be written."""
    for output in outputs:
        if output.file is None:
            _write(reports, output.format, sys.stdout)
            continue
        try:
            with output.file.open("w", encoding="utf-8") as stream:
                _write(reports, output.format, stream)
        except OSError as error:
            raise click.UsageError(f"{output.file} cannot be written: {error.strerror}") from error


def _write(reports: Sequence[EnvironmentReport], output: Format, stream: TextIO) -> None:
    match output:
        case Format.TABLE:
            screen(stream).print(grid(COLUMNS, rows(reports, datetime.now(UTC))))
        case Format.JSON:
            stream.write(json_text(reports))
        case Format.JUNIT:
            now = datetime.now(UTC).strftime(FORM)
            stream.write(junit_text(reports, hostname=platform.node() or "localhost", now=now))
        case Format.ENV:
            stream.writelines(f"{key}={shlex.quote(value)}\n" for one in reports for key, value in variables(one))


def json_text(reports: Sequence[EnvironmentReport]) -> str:
    """The published form; text that a terminal would act on is escaped."""
    document = Environments(environments=tuple(reports)).model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(document, indent=2) + "\n"


def variables(report: EnvironmentReport) -> Iterator[tuple[str, str]]:
    """Names and values that need no quotes: not every CI system that reads such a file takes them off."""
    yield "KUNLUN_NAME", report.name
    yield "KUNLUN_READY", "true" if report.state is State.READY else "false"
    yield "KUNLUN_STATE", report.state
    for key, value in (
        ("KUNLUN_NAMESPACE", report.namespace),
        ("KUNLUN_ZONE", report.zone),
        ("KUNLUN_PLAN", report.plan),
        ("KUNLUN_EXPIRES", report.expiry_time),
        ("KUNLUN_SERVERS", ",".join(server.name for server in report.servers)),
    ):
        if value:
            yield key, value
    for server in report.servers:
        name = re.sub(r"[^A-Z0-9]", "_", server.name.upper())
        if server.address:
            yield f"KUNLUN_SERVER_{name}", server.address
        if server.public_address:
            yield f"KUNLUN_PUBLIC_{name}", server.public_address


def rows(reports: Sequence[EnvironmentReport], now: datetime) -> Iterator[tuple[str, ...]]:
    """One for each environment, as people read it."""
    for report in reports:
        servers = (f"{one.name} {one.public_address or one.address or ''}".strip() for one in report.servers)
        message = "" if report.state is State.READY else report.message
        yield report.name, report.state, report.zone or "", _ends(report, now), ", ".join(servers), message


def _ends(report: EnvironmentReport, now: datetime) -> str:
    if report.expiry_time is None:
        return ""
    left = max(int((parsed(report.expiry_time) - now).total_seconds()), 0)
    for unit, size in (("d", DAY_SECONDS), ("h", HOUR_SECONDS), ("m", MINUTE_SECONDS)):
        if left >= 2 * size:
            return f"in {left // size}{unit}"
    return f"in {left}s"
