"""Whole documents, as text: what fits, what nearly fits, and what no form has foreseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.generated.requests import NUMBERS, TEXTS, at_the_limits, document, fitting_together
from tests.generated.schema import fitting, spec_schema

Path = tuple[str | int, ...]

DEEP = 200  # deeper things are made as text, below
OBJECT_NAMES = (
    "a",
    "a" * 40,
    "a" * 41,
    "a" * 63,
    "a" * 254,
    "0",
    "-a",
    "a-",
    "a.b",
    "A",
    "",
    "generated",
    "名",
    "a\x00",
    "../a",
)
METADATA: tuple[dict[str, Any], ...] = (
    {"labels": {"kunlun.cloud/tenant": "other"}},
    {"labels": {"": ""}},
    {"labels": {"a" * 300: "b" * 64}},
    {"annotations": {f"note-{number}": "字" * 500 for number in range(150)}},
    {"annotations": {"large": "x" * 250_000}},
    {"finalizers": ["kunlun.cloud/finalizer"]},
    {"finalizers": ["no domain"]},
    {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]},
    {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}]},
    {"uid": "11111111-1111-1111-1111-111111111111", "generation": 2**62, "resourceVersion": ""},
    {"resourceVersion": "7"},
    {"generation": -5},
    {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    {"creationTimestamp": "yesterday"},
    {"namespace": "default"},
    {"namespace": "no-such-place"},
    {"generateName": "g-"},
    {"managedFields": [{}]},
)


def scalars() -> SearchStrategy[Any]:
    return (
        st.sampled_from([None, True, False, *TEXTS, *NUMBERS])
        | st.text(max_size=30)
        | st.integers()
        | st.floats(allow_nan=False)
    )


def anything() -> SearchStrategy[Any]:
    """Any JSON value; also long and deep ones."""
    large = st.sampled_from(
        [[], {}, [None], [[]], {"": ""}, [{}] * 70, ["a"] * 2000, nested(DEEP, "a"), nested(DEEP, [])]
    )
    grown = st.recursive(
        scalars(),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
        max_leaves=6,
    )
    return scalars() | large | grown


def nested(depth: int, core: Any) -> Any:
    for level in range(depth):
        core = {"a": core} if level % 2 else [core]
    return core


def specs() -> SearchStrategy[Any]:
    """From the form, from what belongs together, and from the limits."""
    return fitting_together() | at_the_limits() | by_schema()


def by_schema() -> SearchStrategy[dict[str, Any]]:
    """The requester is stamped; whoever writes another is refused before anything else is looked at."""
    schema = dict(spec_schema("resourcerequests"))
    schema["required"] = [name for name in schema["required"] if name != "requestedBy"]
    stamped = {name: part for name, part in schema["properties"].items() if name != "requestedBy"}
    return fitting(schema | {"properties": stamped}) | fitting(schema)


@st.composite
def broken(draw: DrawFn) -> dict[str, Any]:
    """A document that fits, but for one to three places."""
    made: dict[str, Any] = document(copy.deepcopy(draw(fitting_together() | by_schema())))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(made, ())) or [("spec",)]
        _break(made, places[draw(st.integers(0, len(places) - 1))], draw)
    return made


def _places(value: Any, at: Path) -> Iterator[Path]:
    if at:
        yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in entries:
        if key not in ("apiVersion", "kind"):
            yield from _places(part, (*at, key))


def _break(made: Any, place: Path, draw: DrawFn) -> None:
    holder = made
    for key in place[:-1]:
        holder = holder[key]
    key = place[-1]
    match draw(st.sampled_from(["replace", "drop", "repeat", "unknown", "wrap", "number"])):
        case "replace":
            holder[key] = draw(anything())
        case "number":
            holder[key] = draw(st.sampled_from(NUMBERS))
        case "drop" if isinstance(holder, dict):
            holder.pop(key, None)
        case "repeat" if isinstance(holder, list) and isinstance(key, int):
            holder += [copy.deepcopy(holder[key])] * draw(st.sampled_from([1, 16, 100]))
        case "unknown" if isinstance(holder, dict):
            holder[draw(st.sampled_from(["unknown", "", "Name", "from_", "\x00", "$ref"]))] = draw(scalars())
        case _ if isinstance(holder, dict):
            holder[key] = [holder.get(key)]  # "spec" may be gone
        case _:
            holder[key] = [holder[key]]


@st.composite
def with_odd_metadata(draw: DrawFn) -> dict[str, Any]:
    made = document(draw(fitting_together()), name=draw(st.sampled_from(OBJECT_NAMES)))
    made["metadata"] |= draw(st.sampled_from(METADATA))
    return made


def texts() -> SearchStrategy[str]:
    """What is sent: mostly JSON of a document, sometimes no JSON at all."""
    written = (specs().map(document) | broken() | with_odd_metadata() | anything().map(document)).map(json.dumps)
    return st.one_of(written, written, written, written, st.sampled_from(ODD))


def _with_spec(text: str) -> str:
    return json.dumps(document({})).replace('"spec": {}', f'"spec": {text}')


ODD = (
    *("", "null", "[]", "1", '"text"', "{", _with_spec("{")),
    _with_spec("{}") * 2,
    _with_spec('{"zone": "a", "zone": "b"}'),
    _with_spec("[" * 9_000 + "]" * 9_000),
    _with_spec("[" * 20_000),
    _with_spec('{"a":' * 12_000 + "1" + "}" * 12_000),
    *(_with_spec(text) for text in ("1" * 5_000, "NaN", '"\\ud800"', f'"{"x" * 4_000_000}"')),
    _with_spec("{}").replace("ResourceRequest", "Plan"),
    _with_spec("{}").replace("v1alpha1", "v9"),
)
