"""The sandbox's operator as Prometheus and a kubelet ask it."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from infra.sandbox.layout import Layout
from infra.sandbox.ports import Ports
from infra.sandbox.record import read_record
from tests.e2e.story import Sandbox

Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One scrape."""

    values: dict[Key, float]

    def sum(self, name: str, **labels: str) -> float:
        """Of all series of this name with these labels, whatever others they have."""
        wanted = frozenset(labels.items())
        return sum(value for (found, has), value in self.values.items() if found == name and wanted <= has)


def ask(sandbox: Sandbox, path: str) -> tuple[int, str]:
    """(status, text) of one of its pages."""
    base = read_record(Layout(sandbox.home)).base
    assert base is not None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(Ports(base).url("operator") + path, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def scrape(sandbox: Sandbox) -> Figures:
    """All its figures."""
    status, text = ask(sandbox, "/metrics")
    assert 200 == status
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return Figures({(one.name, frozenset(one.labels.items())): one.value for one in samples})
