"""Property values of the engine, read from protobuf: secrets and unknowns stay what they are.

Nothing is ever encoded: the provider sends back what it got, so a secret keeps its wrapper.

The signatures are those of Pulumi's resource property wire format (`sdk/go/common/resource/sig`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN_SIGNATURE
from pulumi.runtime.rpc import (
    _special_output_value_sig,
    _special_resource_sig,
    _special_secret_sig,
    _special_sig_key,
)


class Unknown:
    """A value that exists only after something else was created. It has no truth and equals nothing."""

    def __repr__(self) -> str:
        return "<unknown>"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value has no truth")

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value the engine keeps encrypted."""

    value: Any

    def __repr__(self) -> str:
        return "<secret>"


def properties_from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Integral numbers become int: the wire knows only doubles."""
    return {key: _decoded(value) for key, value in struct.fields.items()}


def plain(value: Any) -> Any:
    """The value without its secret wrappers: only for comparing."""
    match value:
        case Secret(inner):
            return plain(inner)
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            return value


def _decoded(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_SIGNATURE else value.string_value
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decoded(item) for item in value.list_value.values]
        case "struct_value":
            return _decoded_struct(value.struct_value)
        case _:
            return None


def _decoded_struct(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    signature = fields[_special_sig_key].string_value if _special_sig_key in fields else ""
    if not signature:
        return properties_from_struct(struct)
    if signature == _special_secret_sig:
        return Secret(_decoded(fields["value"]))
    if signature == _special_resource_sig:
        return fields["id" if "id" in fields else "urn"].string_value
    if signature == _special_output_value_sig:
        value = _decoded(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(value) if "secret" in fields and fields["secret"].bool_value else value
    raise ValueError(f"assets and archives are not supported ({signature})")
