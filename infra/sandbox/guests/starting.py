"""Starting the keeper, and ending it with all that it keeps."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from infra.sandbox.errors import failed_with_log
from infra.sandbox.guests import body
from infra.sandbox.guests.clearing import clear_guests
from infra.sandbox.guests.packages import ensure_layer
from infra.sandbox.guests.places import Places
from infra.sandbox.layout import Layout, cache_folder
from infra.sandbox.processes import ProcessTable, Program
from infra.sandbox.waiting import wait_until

KEEPER = "guests"
GRACE_SECONDS = 2.0
LONGEST_PASS_SECONDS = 120.0  # dozens of guests at once


@dataclass(frozen=True, slots=True)
class Keeping:
    """The keeper of one sandbox, as one of its programs."""

    layout: Layout
    places: Places

    @property
    def processes(self) -> ProcessTable:
        return ProcessTable(self.layout.run)

    def start(self, environ: Mapping[str, str]) -> None:
        """The keeper runs and has seen the whole cloud once: every server that was switched on is plugged."""
        log = self.layout.log(KEEPER)
        self.places.ensure_folders()
        body.ensure_key(self.places.ssh_key, "kunlun-sandbox")
        if self.processes.alive(KEEPER) is None:
            ensure_layer(cache_folder(environ), self.places.packages, environ)
            self.places.seen.unlink(missing_ok=True)
        argv = (sys.executable, "-m", "infra.sandbox.guests", str(self.layout.home))
        self.processes.launch(Program(KEEPER, argv, log, environ, self.layout.home))

        def holds() -> bool:
            if self.processes.alive(KEEPER) is None:
                raise failed_with_log("the keeper of guests ended while starting", log)
            return self.places.seen.exists()

        wait_until(f"the guests (log: {log})", holds, every_seconds=0.05)

    def end_keeper(self) -> None:
        """Guests stay as they are; nobody follows the cloud until the keeper is started again."""
        self.processes.end(KEEPER, grace_seconds=GRACE_SECONDS)

    def end(self) -> None:
        """Keeper, guests and outside hosts are gone; the guests' disks stay."""
        self.processes.end(KEEPER, grace_seconds=GRACE_SECONDS)
        clear_guests(self.places)

    def works(self) -> bool:
        """Whether the keeper has seen the whole cloud lately."""
        with suppress(FileNotFoundError):
            return time.time() - self.places.seen.stat().st_mtime < LONGEST_PASS_SECONDS
        return False
