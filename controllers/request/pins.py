"""Public keys in files of OpenSSH's; those of guests are in a folder that has `<server id>/host_key.pub` for each."""

from __future__ import annotations

from pathlib import Path

from controllers.request.configuration import Configuration


def pinned(folder: Path, wanted: Configuration) -> dict[str, str]:
    """The known keys by the ids of servers; one that is not there yet, or unreadable, is left out."""
    found = {}
    for guest in wanted.guests:
        try:
            found[guest.server] = public_key(folder / guest.server / "host_key.pub")
        except (OSError, ValueError):
            continue
    return found


def public_key(file: Path) -> str:
    """Type and key, without the comment. Raises OSError, and ValueError for what is no such file."""
    kind, key, *_ = file.read_text("ascii").split()
    return f"{kind} {key}"
