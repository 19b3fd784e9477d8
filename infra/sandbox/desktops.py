"""The broker of desktops as one of the sandbox's programs."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from infra.sandbox.cluster import Cluster
from infra.sandbox.errors import failed_with_log
from infra.sandbox.guests.body import ensure_key
from infra.sandbox.guests.places import Places
from infra.sandbox.layout import Layout
from infra.sandbox.ports import Ports
from infra.sandbox.processes import ProcessTable, Program
from infra.sandbox.waiting import wait_until

BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Serving:
    """Of one sandbox."""

    layout: Layout
    ports: Ports
    cluster: Cluster

    def start(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        """The broker runs with a key and a service account of its own, and browsers can reach it."""
        processes, log = ProcessTable(self.layout.run), self.layout.log(BROKER)
        ensure_key(Places(self.layout, self.ports.base).broker_key, "kunlun-sandbox-broker")
        self.cluster.renew_broker_token()
        processes.launch(Program(BROKER, tuple(argv), log, environ, self.layout.home))

        def serves() -> bool:
            if processes.alive(BROKER) is None:
                raise failed_with_log("the broker of desktops ended while starting", log)
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.ports["broker"]), timeout=2):
                return True
            return False

        wait_until(f"the broker of desktops (log: {log})", serves, every_seconds=0.1)
