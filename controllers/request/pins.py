"""The host keys of guests, as the platform gives them: a folder that has `<server id>/host_key.pub` for each."""

from __future__ import annotations

from pathlib import Path

from controllers.request.configuration import Configuration


def pinned(folder: Path, wanted: Configuration) -> dict[str, str]:
    """The known keys by the ids of servers; one that is not there yet, or unreadable, is left out."""
    found = {}
    for guest in wanted.guests:
        try:
            kind, key, *_ = (folder / guest.server / "host_key.pub").read_text("ascii").split()
        except (OSError, ValueError):
            continue
        found[guest.server] = f"{kind} {key}"
    return found
