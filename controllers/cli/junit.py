"""Environments as a JUnit report: a suite for each, a case for each step on the way to ready. Pure.

The form is the common ground of the two schemas in use: that of Ant's JUnit task, which fixes the order of elements and
demands every attribute, and that of Jenkins' xUnit plugin. `tests/unit/junit.xsd` states it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from controllers.api.conditions import ConditionType
from controllers.api.times import seconds_between
from controllers.cli.environment import EnvironmentReport, State
from controllers.cli.text import plain
from controllers.request.status import STEPS

ASKED = "Asked"
CASES = (ASKED, *STEPS, ConditionType.READY)
KINDS = {State.REFUSED: "failure", State.FAILED: "failure", State.TIMED_OUT: "error"}


@dataclass(frozen=True, slots=True)
class Case:
    """One step. `trouble` is the element's name: empty when it passed."""

    name: str
    seconds: float
    trouble: str = ""
    reason: str = ""
    message: str = ""


def junit_text(reports: Sequence[EnvironmentReport], *, hostname: str, now: str) -> str:
    """The whole report; `now` is the time of what has none of its own, because it was never created."""
    root = ElementTree.Element("testsuites")
    for number, report in enumerate(reports):
        suite = _suite(report)
        suite.attrib |= {"id": str(number), "hostname": hostname}
        suite.attrib |= {"timestamp": (report.created_time or now).removesuffix("Z")}
        root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def cases_of(report: EnvironmentReport) -> Iterator[Case]:
    """Each step in its order: passed, or what stopped it; what comes after that was not tried."""
    reached = {step.name: step.time for step in report.steps if step.status == "True"}
    if report.uid is not None and report.created_time is not None:
        reached[ASKED] = report.created_time
    before, stopped = report.created_time, False
    for name in CASES:
        passed = name in reached and (name != ConditionType.READY or report.state is State.READY)
        if stopped or not passed:
            trouble = "skipped" if stopped else KINDS.get(report.state, "skipped")
            yield Case(name, 0.0, trouble, report.reason or report.state, report.message)
            stopped = True
            continue
        yield Case(name, max(seconds_between(before, reached[name]), 0.0) if before else 0.0)
        before = max(before or "", reached[name])


def _suite(report: EnvironmentReport) -> ElementTree.Element:
    cases = list(cases_of(report))
    troubles = [case.trouble for case in cases]
    suite = ElementTree.Element(
        "testsuite",
        {
            "package": f"kunlun.{report.namespace or 'default'}",
            "name": report.name or "unnamed",
            "tests": str(len(cases)),
            "failures": str(troubles.count("failure")),
            "errors": str(troubles.count("error")),
            "skipped": str(troubles.count("skipped")),
            "time": f"{sum(case.seconds for case in cases):.3f}",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": plain(value)})
    suite.extend(_element(case, report) for case in cases)
    ElementTree.SubElement(suite, "system-out").text = plain(report.message)
    ElementTree.SubElement(suite, "system-err")
    return suite


def _properties(report: EnvironmentReport) -> Iterator[tuple[str, str]]:
    for name in ("state", "zone", "system", "environment", "plan", "expiry_time"):
        if (value := getattr(report, name)) is not None:
            yield name, str(value)
    for server in report.servers:
        yield f"server.{server.name}", server.public_address or server.address or ""


def _element(case: Case, report: EnvironmentReport) -> ElementTree.Element:
    classname = f"kunlun.{report.namespace or 'default'}.{report.name or 'unnamed'}"
    attributes = {"name": case.name, "classname": classname, "time": f"{case.seconds:.3f}"}
    element = ElementTree.Element("testcase", attributes)
    if case.trouble == "skipped":
        ElementTree.SubElement(element, "skipped")
    elif case.trouble:
        words = {"message": plain(case.message), "type": case.reason}
        ElementTree.SubElement(element, case.trouble, words).text = plain(case.message)
    return element
