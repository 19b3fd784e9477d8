"""Production or Test, and how long a test environment lives.

A module of its own, because requests ask for both and zones bound both.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field


class Environment(StrEnum):
    """Test environments may carry a `timeToLive`."""

    PRODUCTION = "Production"
    TEST = "Test"


TimeToLive = Annotated[str, Field(max_length=5, pattern=r"^[1-9][0-9]{0,3}[mhd]$")]
