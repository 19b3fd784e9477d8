"""Kunlun beside what people use otherwise: the same request, built and removed on the same OpenStack, in turns.

    python -m tests.bench.peers [--runs 5] [--tool-runs 2] [--dir SANDBOX] [--save FOLDER]

The baseline is the best script we know how to write (tests/bench/peer.py). It and Kunlun are warm: logged in, with the
catalogue read; tools are started for each build, as people start them. Nothing else should run on the machine: the
last column says how many cores somebody else used. Tools that are not there are named; what can be had is
installed by `python -m tests.bench.rivals.tools`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tests.bench.chart import chart
from tests.bench.meter import Doer, Meter
from tests.bench.peer import BestScript
from tests.bench.results import Results, page_with, table
from tests.bench.rivals.ansible import ansible_tool
from tests.bench.rivals.commandline import commandline_tool
from tests.bench.rivals.terraform import terraform_tool
from tests.bench.stage import Stage, a_stage, arguments
from tests.bench.whole import WholeOperator
from tests.conftest import Sandbox

SHAPES = {"standard": ("standard request", 2), "ten": ("with 10 servers", 10)}
REST_SECONDS = 1.0  # what OpenStack does after its answer is nobody's


class Job(Protocol):
    """One request, ready to be built."""

    def create(self) -> None:
        """Returns when all servers are ACTIVE and the router carries the subnet."""

    def delete(self) -> None:
        """Returns when nothing of it is left."""


class Contender(Doer, Protocol):
    """Who takes part."""

    @property
    def name(self) -> str: ...

    @property
    def absent(self) -> str:
        """Why it takes no part; empty if it does."""

    def begin(self, name: str, servers: int) -> Job:
        """Everything that is not timed."""


def main() -> None:
    """Measure, print, and keep if asked to."""
    options = _options()
    sandbox = Sandbox(options.dir.absolute())
    stage = asyncio.run(a_stage(arguments("").parse_args(["--clouds-yaml", str(sandbox.clouds)])))
    meter = Meter(sandbox)
    contenders = _contenders(sandbox, stage, meter)
    present = [one for one in contenders if not one.absent and one.name not in options.without]
    results = Results(BestScript.name, _circumstances())
    results.absent.update({one.name: one.absent for one in contenders if one.absent})
    for run in range(max(options.runs, options.tool_runs)):
        for shape in options.shapes:
            _turn(run, shape, _in_turn(present, run, options), meter, results)
    stage.clouds.close()
    print("\n" + table(results))
    if options.save:
        _save(results, options.save)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, default=Path(os.environ.get("KUNLUN_SANDBOX", ".sandbox")))
    parser.add_argument("--runs", type=int, default=5, help="of Kunlun and of the script")
    parser.add_argument("--tool-runs", type=int, default=2, help="of each tool: they are slow")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--without", nargs="+", default=[], metavar="NAME", help="who does not take part")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write the figures of benchmarks.md there")
    return parser.parse_args()


def _contenders(sandbox: Sandbox, stage: Stage, meter: Meter) -> Sequence[Contender]:
    whole, script = WholeOperator(sandbox, meter), BestScript(stage)
    return whole, script, terraform_tool(stage), ansible_tool(stage), commandline_tool(stage)


def _in_turn(present: Sequence[Contender], run: int, options: argparse.Namespace) -> list[Contender]:
    """Every other run in the opposite order, so that nobody always comes after the same one."""
    warm = (WholeOperator.name, BestScript.name)
    taking_part = [one for one in present if run < (options.runs if one.name in warm else options.tool_runs)]
    return taking_part if run % 2 == 0 else taking_part[::-1]


def _turn(run: int, shape: str, contenders: Sequence[Contender], meter: Meter, results: Results) -> None:
    title, servers = SHAPES[shape]
    for one in contenders:
        job = one.begin(f"bench-{shape}-{run}", servers)
        time.sleep(REST_SECONDS)
        created = meter.measured(one, job.create)
        time.sleep(REST_SECONDS)
        deleted = meter.measured(one, job.delete)
        results.add(title, one.name, created, deleted)
        told = f"create {created.seconds:6.2f} s, {created.calls:3} calls; delete {deleted.seconds:6.2f} s"
        print(f"{title:16} {one.name:13} {told}, {deleted.calls:3} calls; others {created.others:.2f}", flush=True)


def _circumstances() -> dict[str, object]:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _save(results: Results, folder: Path) -> None:
    """The page keeps its words; its figures are replaced."""
    page = folder / "benchmarks.md"
    page.write_text(page_with(results, page.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "benchmarks.json").write_text(results.text(), encoding="utf-8")
    (folder / "benchmarks.svg").write_text(chart(results), encoding="utf-8")


if __name__ == "__main__":
    main()
