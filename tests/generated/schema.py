"""Values that fit a schema of a CRD, made from the schema itself: a new field is generated without anybody's doing.

Own strategies, because hypothesis-jsonschema has had no release since February 2024 and knows nothing of
Kubernetes' list types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Schema = Mapping[str, Any]

CRDS = Path(__file__).parents[2] / "infra/kubernetes/crds"
MOST_ENTRIES = 4  # of a list made from the schema alone; long lists are made on purpose elsewhere
FILLERS = ("a", "0", "9", "1.", "a-")


@cache
def spec_schema(plural: str) -> Schema:
    """The schema of `spec` of a kind."""
    crd = yaml.safe_load((CRDS / f"{plural}.yaml").read_text())
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(root["properties"]["spec"])


def rule_messages(schema: Schema) -> set[str]:
    """What the rules of a schema say, without what they fill in."""
    own = {rule["message"] for rule in schema.get("x-kubernetes-validations", ())}
    parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return own.union(*(rule_messages(part) for part in parts))


def fitting(schema: Schema) -> SearchStrategy[Any]:
    """Values of every type and length that the schema allows, its edges more often than chance would have them."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            return _strings(schema)
        case "integer":
            least, most = schema["minimum"], schema.get("maximum", 2**31)
            return st.sampled_from([least, most]) | st.integers(least, most)
        case "boolean":
            return st.booleans()
        case "array":
            return _lists(schema)
        case "object":
            return _mappings(schema)
        case unknown:
            raise AssertionError(f"no strategy for type {unknown}")


def _strings(schema: Schema) -> SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema["maxLength"]
    if (pattern := schema.get("pattern")) is None:
        return st.text(min_size=least, max_size=min(most, 40)) | st.just("字" * most)
    longest = [(filler * most)[:most] for filler in FILLERS]
    edges = [text for text in longest if re.fullmatch(pattern, text)]
    made = st.from_regex(re.compile(pattern), fullmatch=True).filter(lambda text: least <= len(text) <= most)
    return made | st.sampled_from(edges) if edges else made


def _lists(schema: Schema) -> SearchStrategy[list[Any]]:
    least, most = schema.get("minItems", 0), min(schema["maxItems"], MOST_ENTRIES)
    entries = fitting(schema["items"])
    match schema.get("x-kubernetes-list-type"):
        case "map":
            keys = schema["x-kubernetes-list-map-keys"]
            return st.lists(
                entries, min_size=least, max_size=most, unique_by=lambda entry: tuple(entry[key] for key in keys)
            )
        case "set":
            return st.lists(entries, min_size=least, max_size=most, unique=True)
        case _:
            return st.lists(entries, min_size=least, max_size=most)


def _mappings(schema: Schema) -> SearchStrategy[dict[str, Any]]:
    made = {name: fitting(part) for name, part in schema.get("properties", {}).items()}
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: strategy for name, strategy in made.items() if name in required},
        optional={name: strategy for name, strategy in made.items() if name not in required},
    )
