"""`kubectl kunlun deny PLAN --stage S --reason R`: one officer's no to one exact plan."""

from __future__ import annotations

import click

from controllers.api.approval import Decision
from controllers.cli.decide import decide, decision_options
from controllers.cli.kubectl import Kubectl


@click.command(short_help="Deny one stage of one exact plan.")
@decision_options
@click.option("--reason", required=True, help="Why; the requester reads it.")
def command(plan: str, stage: str, reason: str, kubectl: Kubectl) -> None:
    """Deny one stage of exactly this PLAN, with a reason the requester can act on.

    What is already built and approved stays as it is. Exit code 1 means that nothing was recorded.
    """
    if not reason.strip():
        raise click.BadParameter("must say why; the requester reads it", param_hint="--reason")
    click.echo(decide(kubectl, plan, stage=stage, decision=Decision.DENIED, reason=reason))
