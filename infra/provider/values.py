"""Property values of the engine, between protobuf and Python: secrets and unknowns stay what they are.

The signatures are those of Pulumi's resource property wire format (`sdk/go/common/resource/sig`).
"""

from __future__ import annotations

from collections.abc import Mapping
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

_FIELD_OF = {bool: "bool_value", int: "number_value", float: "number_value", str: "string_value"}


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must stay wrapped on its way back to the engine."""

    value: Any

    def __repr__(self) -> str:
        return "<secret>"


def properties_from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Integral numbers become int: the wire knows only doubles."""
    return {key: _decoded(value) for key, value in struct.fields.items()}


def struct_from_properties(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _encode(value, struct.fields[key])
    return struct


def plain(value: Any) -> Any:
    """The value without its secret wrappers: only for sending to OpenStack and for comparing."""
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


def _encode(value: Any, target: struct_pb2.Value) -> None:
    match value:
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case Unknown():
            target.string_value = UNKNOWN_SIGNATURE
        case bool() | int() | float() | str():
            setattr(target, _FIELD_OF[type(value)], value)
        case Secret():
            target.struct_value.fields[_special_sig_key].string_value = _special_secret_sig
            _encode(value.value, target.struct_value.fields["value"])
        case dict():
            target.struct_value.SetInParent()
            for key, inner in value.items():
                _encode(inner, target.struct_value.fields[key])
        case list() | tuple():
            target.list_value.SetInParent()
            for inner in value:
                _encode(inner, target.list_value.values.add())
        case _:
            raise TypeError(f"cannot send a {type(value).__name__} to the engine")
