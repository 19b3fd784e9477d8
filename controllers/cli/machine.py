"""The same for programs: YAML and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import yaml


class Output(StrEnum):
    """How to print: for people, or for programs."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


def machine_text(document: Mapping[str, Any], output: Output) -> str:
    """One document. Text that a terminal would act on is escaped, as both formats allow."""
    if output is Output.JSON:
        return json.dumps(document, indent=2) + "\n"
    return str(yaml.safe_dump(dict(document), sort_keys=False, explicit_start=True, width=120))
