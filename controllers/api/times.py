"""Times as the API writes them: RFC 3339, whole seconds, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

FORM = "%Y-%m-%dT%H:%M:%SZ"

Time = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
UtcTime = Annotated[
    str,
    Field(
        max_length=20,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        json_schema_extra={"format": "date-time"},
    ),
]


def utc_now() -> str:
    """By the clock of this machine."""
    return datetime.now(UTC).strftime(FORM)


def parsed(text: str) -> datetime:
    """Raises ValueError on any other form."""
    return datetime.strptime(text, FORM).replace(tzinfo=UTC)


def seconds_between(earlier: str, later: str) -> float:
    """Negative when they are the other way round."""
    return (parsed(later) - parsed(earlier)).total_seconds()


def later_by(text: str, seconds: float) -> str:
    return (parsed(text) + timedelta(seconds=seconds)).strftime(FORM)
