"""The process that keeps the guests of one sandbox: `python -m infra.sandbox.guests FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path

from infra.sandbox.guests.keeper import keep
from infra.sandbox.guests.places import places_of
from infra.sandbox.layout import Layout


def say(text: str) -> None:
    """A line of the log."""
    sys.stderr.write(f"{datetime.now():%H:%M:%S} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    places = places_of(Layout(Path(sys.argv[1])))
    places.ensure_folders()
    asyncio.run(keep(places, say))
