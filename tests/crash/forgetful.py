"""The operator with its recovery taken out, so that tests can show that the suite would see it.

    python -m tests.crash.forgetful run …        the words are those of `kunlun`

Nothing that exists is ever observed before a build, a removal is believed before it is seen, and a Lease is always
granted. Only `python -m tests.crash --without recovery` and its test start this; the product has no such switch.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from types import ModuleType
from typing import Any

import controllers.assembly
import controllers.request.build
import controllers.request.observe
import controllers.request.withdraw
from controllers.__main__ import main
from infra.engine import Engine
from infra.provider.observed import Observed

LEASE = "controllers.lease"


class HastyEngine(Engine):
    """Says that everything is gone when it has only begun to delete."""

    _beginnings: set[asyncio.Task[list[str]]]

    async def remove(self, *arguments: Any, **named: Any) -> list[str]:
        self._beginnings = getattr(self, "_beginnings", set())
        self._beginnings.add(asyncio.create_task(super().remove(*arguments, **named)))
        return []


async def nothing_observed(request: Any, *arguments: Any, **named: Any) -> Observed:
    """An empty cloud, whatever is in it."""
    return Observed(request.meta.uid)


def no_delay(*arguments: Any) -> float:
    """Nothing that a dead process sent is waited for."""
    return -1.0


def forget() -> None:
    """Take recovery out of this process."""
    _put(controllers.assembly, "Engine", HastyEngine)
    _put(controllers.request.build, "observe_surely", nothing_observed)
    _put(controllers.request.observe, "until_recovered", no_delay)
    _put(controllers.request.withdraw, "until_recovered", no_delay)
    if importlib.util.find_spec(LEASE) is not None:
        _grant_every_lease(importlib.import_module(LEASE))


def _put(module: ModuleType, name: str, replacement: object) -> None:
    """AttributeError when there is no such thing any more: this file has to follow."""
    getattr(module, name)
    setattr(module, name, replacement)


def _grant_every_lease(module: ModuleType) -> None:
    async def granted(lease: object) -> None:
        """At once, whoever has it."""

    async def held(lease: object) -> None:
        await asyncio.Event().wait()

    def valid(lease: object) -> bool:
        return True

    for name, replacement in (("acquire", granted), ("release", granted), ("hold", held), ("valid", valid)):
        getattr(module.Lease, name)
        setattr(module.Lease, name, replacement)


if __name__ == "__main__":
    forget()
    main()
