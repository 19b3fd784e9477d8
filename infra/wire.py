"""The base of every model that crosses a boundary: frozen, closed, camelCase outside, snake_case inside."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


def wire_name(field_name: str) -> str:
    """`boot_volume_gib` -> `bootVolumeGiB`: camelCase, with binary units as people write them."""
    return to_camel(field_name).replace("Gib", "GiB").replace("Mib", "MiB")


class WireModel(BaseModel):
    """Parsed once at the edge; unknown fields are errors, so nothing anybody wrote is silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=wire_name, populate_by_name=True)
