"""What a counter has counted, as tests ask for it."""

from __future__ import annotations

from prometheus_client.registry import Collector


def counted(family: Collector) -> dict[tuple[str, ...], float]:
    """The values of a counter, or how often a histogram was told something, by its labels."""
    samples = [sample for metric in family.collect() for sample in metric.samples]
    return {tuple(one.labels.values()): one.value for one in samples if one.name.endswith(("_total", "_count"))}
