"""Where a program of ours listens, as an option: HOST:PORT, and [HOST]:PORT for IPv6."""

from __future__ import annotations

import click

HIGHEST_PORT = 65535


class ListenAddress(click.ParamType["tuple[str, int]"]):
    """(host, port)."""

    name = "HOST:PORT"

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Any other form is a usage error."""
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or (":" in bare and bare == host) or not port.isascii() or not port.isdigit():
            self.fail(f"'{value}' is not HOST:PORT", param, ctx)
        if not 0 < int(port) <= HIGHEST_PORT:
            self.fail(f"'{port}' is no port", param, ctx)
        return bare, int(port)
