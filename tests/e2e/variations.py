"""Objects that differ from a valid one in a single place, so that a table of them reads as a list of differences."""

from __future__ import annotations

from typing import Any

from tests.e2e.office import Document, a_flow, a_request, a_server


def a_named(document: Document, name: str) -> Document:
    """The same object under another name."""
    return document | {"metadata": {"name": name}}


def on_networks(*networks: Any) -> Document:
    """A request with these networks."""
    return a_request(networks=list(networks))


def with_server(**changed: Any) -> Document:
    """A request of one server entry that differs so."""
    return a_request(servers=[a_server(**changed)])


def with_volumes(*volumes: Any) -> Document:
    """A request of one server entry with these data volumes."""
    return with_server(volumes=list(volumes))


def with_flow(**changed: Any) -> Document:
    """A request of one flow that differs so."""
    return a_request(flows=[a_flow(**changed)])


def with_source(**source: Any) -> Document:
    """A request of one flow that comes from there."""
    return with_flow(**{"from": source})


def with_desktops(**changed: Any) -> Document:
    """A request with a batch of ten desktops that differs so."""
    batch = {"name": "counter", "count": 10, "flavor": "d1.small", "image": "desktop-12", "network": "app", **changed}
    return a_request(desktops=[batch])
