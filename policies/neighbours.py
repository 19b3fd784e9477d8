"""Rules about the other requests of a department that a request names."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.findings import Finding
from policies.rules import Circumstances


def flows_come_from_known_requests(case: Circumstances) -> Iterator[Finding]:
    """Another request that a flow names is there, and has the servers it names."""
    for index, flow in enumerate(case.request.flows):
        where, name = f"spec.flows[{index}].from", flow.from_.request
        if name is None:
            continue
        if name not in case.neighbours:
            what = f"no other request '{name}' in namespace '{case.namespace}'; ask for it first"
            yield Finding(f"{where}.request", what)
        elif flow.from_.servers not in (entries := case.entries.get(name, frozenset())):
            allowed = ", ".join(sorted(entries)) or "none"
            yield Finding(
                f"{where}.servers", f"request '{name}' has no servers '{flow.from_.servers}'; allowed: {allowed}"
            )
