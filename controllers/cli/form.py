"""The form of a request, judged as strictly as the API server does, in words that say what is allowed.

The words come from the model's own JSON schema, which is also what the API server enforces: a bound that
changes there changes here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from controllers.api import API_VERSION
from controllers.api.fields import ObjectName
from controllers.api.findings import Finding
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.cli.text import listed

Schema = Mapping[str, Any]
VALUE_SHOWN = 60
FORMS: Mapping[str, str] = {
    r"^[a-z]([-a-z0-9]*[a-z0-9])?$": "lower-case letters, digits and hyphens, a letter first",
    r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$": "letters, digits, hyphens, dots and underscores",
    r"^[0-9.]+/[0-9]{1,2}$": "a prefix such as 10.20.0.0/16",
    r"^(tcp|udp)/[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$": "a port such as tcp/443 or udp/5000-5010",
    r"^[1-9][0-9]{0,3}[mhd]$": "a time such as 90m, 8h or 14d",
}
STAMPED = {"requestedBy": "you"}  # the API server fills it in


def form_findings(body: Mapping[str, Any]) -> list[Finding]:
    """Everything about the form of a ResourceRequest that the API server would refuse."""
    findings = []
    if body.get("apiVersion") != API_VERSION:
        findings.append(Finding("apiVersion", f"must be {API_VERSION}, not {_shown(body.get('apiVersion'))}"))
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not _fits(TypeAdapter(ObjectName), name):
        allowed = allowed_words(TypeAdapter(ObjectName).json_schema())
        findings.append(Finding("metadata.name", f"must be {allowed}, not {_shown(name)}"))
    findings += [Finding(key, "is not a field of a request") for key in sorted(set(body) - _TOP_FIELDS)]
    return findings + _spec_findings(body.get("spec"))


_TOP_FIELDS = {"apiVersion", "kind", "metadata", "spec", "status"}


def _spec_findings(spec: object) -> list[Finding]:
    if not isinstance(spec, dict):
        return [Finding("spec", f"must be {allowed_words(request_schema())}, not {_shown(spec)}")]
    try:
        # From JSON and strict: "3" is no number here, just as it is none to the API server.
        ResourceRequestSpec.model_validate_json(json.dumps({**STAMPED, **spec}), strict=True)
    except ValidationError as error:
        return [_finding(item) for item in error.errors(include_url=False) if not _is_an_echo(item)]
    return []


def _is_an_echo(item: ErrorDetails) -> bool:
    """A list is called too short when its entries were refused; those are reported anyway."""
    value = item["input"]
    return item["type"] == "too_short" and isinstance(value, list) and len(value) >= item["ctx"]["min_length"]


def _finding(item: ErrorDetails) -> Finding:
    location, value = item["loc"], item["input"]
    match item["type"]:
        case "missing":
            what = f"is required: {allowed_words(schema_at(location))}"
        case "extra_forbidden":
            what = _unknown_field(str(location[-1]), list(schema_at(location[:-1]).get("properties", ())))
        case _:
            what = f"must be {allowed_words(schema_at(location))}, not {_shown(value)}"
    return Finding(path(location), what, rule="form")


def _unknown_field(name: str, fields: Sequence[str]) -> str:
    close = get_close_matches(name, fields, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f"is not a field here{meant}; the fields are {listed(fields)}"


def path(location: tuple[int | str, ...]) -> str:
    """'spec.servers[0].bootVolumeGiB'."""
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


@cache
def request_schema() -> Schema:
    """The JSON schema of a request's spec."""
    return ResourceRequestSpec.model_json_schema()


def schema_at(location: tuple[int | str, ...]) -> Schema:
    """The part of the schema a value at this place has to fit; empty when there is none."""
    schema = _resolved(request_schema())
    for part in location:
        inner = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        schema = _resolved(inner)
    return schema


def _resolved(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return _resolved(next(option for option in schema["anyOf"] if option.get("type") != "null"))
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return _resolved(request_schema()["$defs"][name])
    return schema


def allowed_words(schema: Schema) -> str:
    """What fits the schema: 'a whole number from 1 to 20', 'Production or Test'."""
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    match schema.get("type"):
        case "integer":
            return f"a whole number{_from_to(schema.get('minimum'), schema.get('maximum'))}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list{_from_to(schema.get('minItems'), schema.get('maxItems'), 'entries')}"
        case "object":
            return f"a mapping of {listed(schema.get('properties', ()))}"
        case _:
            return _text_words(schema)


def _text_words(schema: Schema) -> str:
    length = _from_to(schema.get("minLength"), schema.get("maxLength"), "characters")
    pattern = schema.get("pattern")
    return f"text{length}" + (f": {FORMS.get(pattern, f'of the form {pattern}')}" if pattern else "")


def _from_to(least: int | None, most: int | None, unit: str = "") -> str:
    unit = f" {unit}" if unit else ""
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}{unit}" if not unit else f" of {least:,} to {most:,}{unit}"
    if most is not None:
        return f" of at most {most:,}{unit}"
    return "" if least is None else f" of at least {least:,}{unit}"


def _fits(adapter: TypeAdapter[str], value: object) -> bool:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _shown(value: object) -> str:
    """The offending value, bounded."""
    match value:
        case None:
            return "nothing"
        case str():
            text = f"'{value}'"
        case list():
            return f"a list of {len(value):,}"
        case dict():
            return "a mapping"
        case _:
            text = json.dumps(value, default=str)
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}... ({len(text):,} characters)"
