"""Benchmarks: what is read from the logs, how figures are made of it, and that docs/benchmarks.md shows just these."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from tests.bench.chart import chart
from tests.bench.meter import AccessLogs, Cost, calls_by
from tests.bench.results import FIRST_MARK, LAST_MARK, Results, kept_results, page_with, table

LINE = '[30/Nov/2026:10:00:00 +0000] GET /v2.0/routers? 200 12 "{}"'
SVG = "{http://www.w3.org/2000/svg}"


def a_cost(seconds: float, calls: int = 13) -> Cost:
    return Cost(seconds, cpu_seconds=0.5, calls=calls, cloud_calls=100, cloud_cpu_seconds=6.0, others=0.0)


def some_results() -> Results:
    """Two who took part three times, and one who was not there."""
    results = Results("best script", {"date": "2026-11-30"})
    for kunlun, script in ((3.0, 2.0), (9.0, 4.0), (4.0, 5.0)):
        results.add("standard request", "Kunlun", a_cost(kunlun), a_cost(1.0))
        results.add("standard request", "best script", a_cost(script, 42), a_cost(2.0))
    results.absent["ansible"] = "it is <not> there"
    return results


def test_calls_are_counted_by_how_their_agent_begins() -> None:
    """A service that names another program further on does not count for it."""
    agents = ["kunlun/0.1 keystoneauth1/5", "best-script kunlun/0.1", "kunlun-like/2"]

    assert 1 == calls_by("kunlun/", [LINE.format(agent) for agent in agents])


def test_only_what_was_logged_after_the_mark_is_read(tmp_path: Path) -> None:
    """A long log costs nothing, and a log that did not exist yet is read from its beginning."""
    log = tmp_path / "network-access.log"
    log.write_text("before\n")
    logs = AccessLogs(tmp_path)
    mark = logs.mark()
    log.write_text("before\nafter\n")
    (tmp_path / "compute-access.log").write_text("new\n")

    assert ["after", "new"] == sorted(logs.since(mark))


def test_figures_are_medians_beside_the_baselines() -> None:
    """One run that was disturbed moves nothing."""
    kunlun, script = some_results().figures("standard request", "create")

    assert (4.0, 1.0, 13.0) == (kunlun.seconds, kunlun.ratio, kunlun.calls)
    assert (4.0, 1.0, 42.0) == (script.seconds, script.ratio, script.calls)
    assert [0.5, 1.0] == [one.ratio for one in some_results().figures("standard request", "delete")]


def test_results_are_kept_whole(tmp_path: Path) -> None:
    """What is drawn later is what was measured."""
    kept = tmp_path / "benchmarks.json"
    kept.write_text(some_results().text())

    assert some_results() == kept_results(kept)


def test_the_table_names_who_was_not_there() -> None:
    """An absent tool is no tool that lost."""
    assert table(some_results()).endswith("\n\nNot present: ansible (it is <not> there).\n")


def test_a_page_keeps_its_words_and_gets_new_figures() -> None:
    """However often they are written."""
    page = f"# Before\n{FIRST_MARK}\nold\n{LAST_MARK}\nAfter\n"
    once = page_with(some_results(), page)

    assert (once.startswith("# Before\n"), once.endswith("\nAfter\n"), "old" in once) == (True, True, False)
    assert page_with(some_results(), once) == once


def test_the_chart_has_a_bar_for_everybody() -> None:
    """For each operation; one more rectangle is the ground."""
    drawing = ElementTree.fromstring(chart(some_results()))

    assert 1 + 2 * 2 == len(drawing.findall(f"{SVG}rect"))
