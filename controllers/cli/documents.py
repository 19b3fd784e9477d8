"""Files that people wrote, read with suspicion: YAML in, plain JSON-like values out, or a reason why not.

YAML can be larger than it looks (aliases), deeper than any program (recursion) and say one thing twice
(duplicate keys). None of it reaches a model: each is one clear sentence naming the file and the document.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import yaml

from controllers.cli.text import plain

BYTES_LIMIT = 1024 * 1024  # the API server takes about as much for one object
VALUES_LIMIT = 50_000
DEPTH_LIMIT = 32
DOCUMENTS_LIMIT = 200
LARGEST_WHOLE = 2**53  # beyond it a floating-point number no longer tells one whole number from the next


class Unreadable(Exception):
    """This text is not something the program will look at; the message says why."""


@dataclass(frozen=True, slots=True)
class Document:
    """One mapping of a file. `label` is how to tell a person which: `request.yaml #2`."""

    label: str
    body: dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Scalars as the API server reads them: a date stays text, a key said twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        _refuse_keys_given_twice(node)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def _refuse_keys_given_twice(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable(f"line {line}: a key must be a word")
        if key.value in seen:
            raise Unreadable(f"line {line}: key '{plain(key.value)[:80]}' is given twice")
        seen.add(key.value)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_documents(stream: BinaryIO, name: str) -> list[Document]:
    """Every mapping in the file, `kind: List` opened. Raises Unreadable for hostile or broken text."""
    raw = stream.read(BYTES_LIMIT + 1)
    if len(raw) > BYTES_LIMIT:
        raise Unreadable(f"{name}: larger than {BYTES_LIMIT // 1024} KiB")
    try:
        return list(_documents(raw.decode("utf-8-sig"), name))
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name}: not UTF-8 text (byte {error.start})") from error


def _documents(text: str, name: str) -> Iterator[Document]:
    for index, value in enumerate(_values(text, name), start=1):
        if value is None:
            continue
        if not isinstance(value, dict):
            raise Unreadable(f"{name} #{index}: must be a mapping of fields, not {_called(value)}")
        if value.get("kind") == "List" and isinstance(value.get("items"), list):
            for number, item in enumerate(value["items"], start=1):
                yield _document(item, f"{name} #{index}.{number}")
        else:
            yield Document(f"{name} #{index}", value)


def _document(item: object, label: str) -> Document:
    if not isinstance(item, dict):
        raise Unreadable(f"{label}: must be a mapping of fields, not {_called(item)}")
    return Document(label, item)


def _values(text: str, name: str) -> Iterator[object]:
    """The documents' values; whatever goes wrong is said with the file's name."""
    try:
        yield from _built(_Loader(text))
    except Unreadable as error:
        raise Unreadable(f"{name}: {error}") from error
    except yaml.YAMLError as error:
        raise Unreadable(f"{name}: not YAML: {_yaml_problem(error)}") from error
    except RecursionError as error:
        raise Unreadable(f"{name}: nested more than {DEPTH_LIMIT} levels deep") from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise Unreadable(f"{name}: {plain(error)[:200]}") from error


def _built(loader: _Loader) -> Iterator[object]:
    """Each document is measured before it is built."""
    seen = 0
    while loader.check_node():
        node = loader.get_node()
        seen += 1
        if seen > DOCUMENTS_LIMIT:
            raise Unreadable(f"more than {DOCUMENTS_LIMIT} documents")
        if node is not None:
            measure(node)
            yield _jsonlike(loader.construct_document(node))


def measure(node: yaml.Node) -> None:
    """Raises Unreadable when the node, its aliases written out, stands for too much or goes too deep."""
    _extent(node, {})


@dataclass(frozen=True, slots=True)
class _Extent:
    values: int
    levels: int


ENDLESS = _Extent(VALUES_LIMIT, DEPTH_LIMIT)  # an alias to something around itself


def _extent(node: yaml.Node, known: dict[int, _Extent]) -> _Extent:
    if id(node) not in known:
        known[id(node)] = ENDLESS
        inside = [_extent(child, known) for child in _children(node)]
        known[id(node)] = _Extent(
            1 + sum(extent.values for extent in inside),
            1 + max((extent.levels for extent in inside), default=0),
        )
    if known[id(node)].values > VALUES_LIMIT:
        raise Unreadable(f"stands for more than {VALUES_LIMIT:,} values once its aliases are written out")
    if known[id(node)].levels > DEPTH_LIMIT:
        raise Unreadable(f"nested more than {DEPTH_LIMIT} levels deep")
    return known[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _jsonlike(value: object) -> object:
    """What JSON can carry, as the API server reads it: `28.0` is a whole number, a field of nothing is left out."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return _whole_characters(value)
        case float() if math.isfinite(value):
            return int(value) if value.is_integer() and abs(value) < LARGEST_WHOLE else value
        case list():
            return [_jsonlike(item) for item in value]
        case dict():
            return {str(key): _jsonlike(item) for key, item in value.items() if item is not None}
        case _:
            raise Unreadable(f"a value of type {type(value).__name__} (infinite, binary, a set) has no place here")


def _whole_characters(text: str) -> str:
    """JSON writes a character beyond the first 65,536 as two halves, and YAML reads them as two; one alone is none."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _called(value: object) -> str:
    names = {
        str: "text",
        int: "a number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        type(None): "empty",
    }
    return names.get(type(value), f"of type {type(value).__name__}")


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = plain(getattr(error, "problem", None) or getattr(error, "reason", None) or error)[:200]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem
