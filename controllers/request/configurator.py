"""Making guests ready after they exist. The seam is here; what stands behind it comes with guests and roles."""

from __future__ import annotations

from typing import Protocol

from controllers.api.stored import ResourceRequest


class Configurator(Protocol):
    """Configures the guests of one request. A second run MUST change nothing; it MUST NOT touch OpenStack."""

    async def configure(self, request: ResourceRequest) -> str:
        """Returns a sentence saying what is configured. Raises errors of `infra.errors`."""
        ...


class NothingToConfigure:
    """For requests without roles: policy refuses the others in this release."""

    async def configure(self, request: ResourceRequest) -> str:
        return "no roles are asked for"
