"""Ending a sandbox: its guests, every recorded process, in an order that loses nothing, then its network namespace."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from infra.sandbox.cloud.ovn import remove_namespace
from infra.sandbox.cloud.start import GRACE_SECONDS as CLOUD_GRACE_SECONDS
from infra.sandbox.cloud.start import LAST_TO_END
from infra.sandbox.controlplane import APISERVER, ETCD
from infra.sandbox.guests.places import Places
from infra.sandbox.guests.starting import Keeping
from infra.sandbox.layout import Layout
from infra.sandbox.processes import ProcessTable
from infra.sandbox.record import read_record

OPERATOR = "operator"
# An API server asked to end waits a minute for its watches, and for ever once etcd is gone.
GRACE_SECONDS = {**CLOUD_GRACE_SECONDS, APISERVER: 0.0, OPERATOR: 10.0}
USUAL_GRACE_SECONDS = 3.0


def end_everything(layout: Layout) -> int:
    """End what the records of this folder name; the number of programs that were alive."""
    processes = ProcessTable(layout.run)
    names = processes.names()
    alive = sum(processes.alive(name) is not None for name in names)
    base = read_record(layout).base
    if base is not None:
        Keeping(layout, Places(layout, base)).end()
    early, late = {OPERATOR}, {ETCD, *(name for batch in LAST_TO_END for name in batch)}
    batches = [early, set(names) - early - late, {ETCD, *LAST_TO_END[0]}, set(LAST_TO_END[1])]
    for batch in batches:
        end_together(processes, batch & set(names))
    if base is not None:
        remove_namespace(f"kunlun-{base}")
    return alive


def end_together(processes: ProcessTable, names: Iterable[str]) -> None:
    """End programs that do not need each other, side by side."""
    threads = [threading.Thread(target=end_one, args=(processes, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def end_one(processes: ProcessTable, name: str) -> None:
    processes.end(name, grace_seconds=GRACE_SECONDS.get(name, USUAL_GRACE_SECONDS))
