"""Bounded strings and numbers shared by the kinds. No field of the API is without a bound."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.config import JsonDict

from controllers.api.customresource import Rule, with_rules

DNS_LABEL = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"

ObjectName = Annotated[str, Field(max_length=40, pattern=DNS_LABEL)]
EntryName = Annotated[str, Field(max_length=18, pattern=DNS_LABEL)]
CatalogueName = Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$")]
# Policies name people in their messages, which must not have line breaks: Kubernetes would drop the whole message.
UserName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\x00-\x1f\x7f]+$")]
ShortText = Annotated[str, Field(max_length=256)]
LongText = Annotated[str, Field(max_length=1024)]
Identifier = Annotated[str, Field(min_length=1, max_length=64)]
CidrText = Annotated[
    str,
    Field(
        max_length=18,
        pattern=r"^[0-9.]+/[0-9]{1,2}$",
        json_schema_extra=with_rules(
            Rule(
                "isCIDR(self) && cidr(self) == cidr(self).masked()",
                "must be an IPv4 prefix with no host part, such as 10.20.0.0/16",
            )
        ),
    ),
]
Lifetime = Annotated[str, Field(max_length=5, pattern=r"^[1-9][0-9]{0,3}[smhd]$")]
MonthlyYuan = Annotated[int, Field(ge=0, le=1_000_000_000)]
Generation = Annotated[
    int, Field(ge=0, json_schema_extra={"format": "int64"}, description="The spec's generation this status is about.")
]

OBJECT_NAME_SCHEMA: JsonDict = {"type": "string", "maxLength": 40, "pattern": DNS_LABEL}

_UNITS_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def lifetime_seconds(text: str) -> int:
    """`14d` in seconds."""
    return int(text[:-1]) * _UNITS_SECONDS[text[-1]]
