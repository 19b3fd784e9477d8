"""Drift in words: what differs, object by object and field by field, and what would put it right."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from controllers.request.actions import routes_in_words, rule_in_words
from infra.provider.observed import Deviation, Difference
from infra.stackplan import Kind

SHOWN = 10
LONGEST_VALUE = 80
LONGEST_TEXT = 1500


def told(found: Collection[Difference]) -> str:
    """Differences in words, bounded so that a condition has room for what would put them right."""
    text = _bounded([_in_words(item) for item in found], "; ")
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def _in_words(found: Difference) -> str:
    subject = f"{found.kind} {found.name}"
    match found.deviation:
        case Deviation.CHANGED:
            return f"{subject} is changed: {_changes(found)}"
        case Deviation.UNEXPECTED:
            return f"{subject} ({found.id}) carries the mark of this request and is in no plan"
        case Deviation.TWIN:
            return f"{subject} is there twice ({found.id} is not in use)"
        case _:
            fault = f" ({found.fault})" if found.fault else ""
            return f"{subject} is {found.deviation.lower()}{fault}"


def _changes(found: Difference) -> str:
    if found.kind is Kind.SECURITY_GROUP_RULES and found.fields == ("rules",):
        return _rule_changes(found.wanted["rules"], found.found["rules"])
    return ", ".join(_change(key, found.wanted.get(key), found.found.get(key)) for key in found.fields)


def _change(key: str, wanted: Any, found: Any) -> str:
    if key == "may_spoof":
        return "it may send from addresses that are not its own"
    return f"{key} is {_value(found)}, approved is {_value(wanted)}"


def _rule_changes(wanted: list[Mapping[str, Any]], found: list[Mapping[str, Any]]) -> str:
    added = [f"{rule_in_words(rule)} was added" for rule in found if rule not in wanted]
    lost = [f"{rule_in_words(rule)} is missing" for rule in wanted if rule not in found]
    return _bounded([*added, *lost], ", ")


def _bounded(phrases: list[str], joint: str) -> str:
    more = f" and {len(phrases) - SHOWN} more" if len(phrases) > SHOWN else ""
    return joint.join(phrases[:SHOWN]) + more


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return "none"
        case [{"destination": _}, *_]:
            text = routes_in_words(value)
        case list():
            text = ", ".join(str(item).removeprefix("@") for item in value)
        case _:
            text = str(value).removeprefix("@")
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
