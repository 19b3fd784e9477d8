"""`kunlun completion bash|zsh|fish`: click's own completion scripts."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "kunlun"


@click.command(short_help="Print the shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL; for bash: `source <(kunlun completion bash)`."""
    completion = get_completion_class(shell)
    if completion is None:
        raise click.ClickException(f"no completion for {shell}")
    click.echo(completion(ctx.find_root().command, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())
