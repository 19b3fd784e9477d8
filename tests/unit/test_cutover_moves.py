"""What a cutover may be told to move: the target's folder is replaced, and the source's is erased one day."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from controllers.api.moves import FileMove


def a_move(path: str) -> FileMove:
    return FileMove.model_validate({"name": "uploads", "host": "old-web", "to": "web", "path": path})


@pytest.mark.parametrize("path", ["/srv", "/srv/uploads", "/home/app/.cache", "/srv/a..b", "/opt/_x-1"])
def test_a_folder_is_named_by_its_own_path(path: str) -> None:
    """Absolute, with names that say where it is."""
    assert path == a_move(path).path


@pytest.mark.parametrize("path", ["/", "/srv/", "/srv//uploads", "/srv/../etc", "/srv/.", "/..", "srv", "/srv/a b"])
def test_the_root_and_what_leads_elsewhere_is_no_folder(path: str) -> None:
    """Whatever is written there goes with it: nobody moves a whole host by a slash too many."""
    with pytest.raises(ValidationError):
        a_move(path)
