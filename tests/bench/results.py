"""What was measured: costs by contender, shape and operation, kept as JSON; medians, and ratios to the baseline."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.bench.meter import Cost

Operation = Literal["create", "delete"]
OPERATIONS: tuple[Operation, ...] = ("create", "delete")
FIRST_MARK, LAST_MARK = "<!-- figures: written by tests/bench/peers.py -->", "<!-- end of figures -->"
Samples = dict[Operation, list[Cost]]


@dataclass(frozen=True, slots=True)
class Results:
    """Of one run. `samples` are by shape, then by contender, in the order in which they are told."""

    baseline: str
    circumstances: Mapping[str, Any]
    samples: dict[str, dict[str, Samples]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def add(self, shape: str, contender: str, created: Cost, deleted: Cost) -> None:
        """One run of one contender."""
        found = self.samples.setdefault(shape, {}).setdefault(contender, {"create": [], "delete": []})
        found["create"].append(created)
        found["delete"].append(deleted)

    def figures(self, shape: str, operation: Operation) -> list[Figures]:
        """The contenders of a shape, each beside the baseline."""
        costs = {name: samples[operation] for name, samples in self.samples[shape].items()}
        baseline = _median(costs[self.baseline], "seconds")
        return [_figures(name, of_one, baseline) for name, of_one in costs.items()]

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self), indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of one contender; `ratio` is of its seconds to the baseline's."""

    name: str
    runs: int
    seconds: float
    fastest: float
    slowest: float
    ratio: float
    calls: float
    cpu_seconds: float
    cloud_cpu_seconds: float
    others: float


def kept_results(path: Path) -> Results:
    """From a file that `Results.text` has filled."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for contenders in content["samples"].values():
        for samples in contenders.values():
            for operation in OPERATIONS:
                samples[operation] = [Cost(**cost) for cost in samples[operation]]
    return Results(**content)


def table(results: Results) -> str:
    """Markdown: one table for each shape and operation."""
    parts = []
    for shape in results.samples:
        for operation in OPERATIONS:
            parts += [f"**{shape}: {operation}**", "", *_rows(results.figures(shape, operation), results.baseline), ""]
    parts += [f"Not present: {name} ({why})." for name, why in results.absent.items()]
    return "\n".join(parts).rstrip() + "\n"


def page_with(results: Results, page: str) -> str:
    """The page with the figures of these results in the place of whatever it had between its two marks."""
    before, _, rest = page.partition(FIRST_MARK)
    _, _, after = rest.partition(LAST_MARK)
    told = ", ".join(f"{name} {value}" for name, value in results.circumstances.items())
    return f"{before}{FIRST_MARK}\n{table(results)}\nMeasured: {told}.\n{LAST_MARK}{after}"


def _rows(figures: Sequence[Figures], baseline: str) -> list[str]:
    costs = "API calls | its CPU s | the cloud's CPU s | others' cores"
    head = f"| | runs | seconds (fastest – slowest) | × {baseline} | {costs} |"
    rule = "|---|---|---|---|---|---|---|---|"
    return [head, rule, *map(_row, figures)]


def _row(one: Figures) -> str:
    seconds = f"{one.seconds:.2f} ({one.fastest:.2f} – {one.slowest:.2f})"
    costs = f"{one.calls:.0f} | {one.cpu_seconds:.2f} | {one.cloud_cpu_seconds:.1f} | {one.others:.2f}"
    return f"| {one.name} | {one.runs} | {seconds} | {one.ratio:.2f} | {costs} |"


def _figures(name: str, costs: Sequence[Cost], baseline: float) -> Figures:
    seconds = [cost.seconds for cost in costs]
    median = statistics.median(seconds)
    return Figures(
        name=name,
        runs=len(costs),
        seconds=median,
        fastest=min(seconds),
        slowest=max(seconds),
        ratio=median / baseline,
        calls=_median(costs, "calls"),
        cpu_seconds=_median(costs, "cpu_seconds"),
        cloud_cpu_seconds=_median(costs, "cloud_cpu_seconds"),
        others=_median(costs, "others"),
    )


def _median(costs: Sequence[Cost], what: str) -> float:
    return float(statistics.median(getattr(cost, what) for cost in costs))
