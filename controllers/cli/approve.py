"""`kubectl kunlun approve PLAN --stage S`: one officer's yes to one exact plan."""

from __future__ import annotations

import click

from controllers.api.approval import Decision
from controllers.cli.decide import decide, decision_options
from controllers.cli.kubectl import Kubectl


@click.command(short_help="Approve one stage of one exact plan.")
@decision_options
@click.option("--reason", default="", help="Why; kept with the approval.")
def command(plan: str, stage: str, reason: str, kubectl: Kubectl) -> None:
    """Approve one stage of exactly this PLAN.

    Read it first: `kubectl kunlun plan PLAN`. The approval carries the digest of the content this program
    read and verified; who approves is taken from your login by the API server. Exit code 1 means that
    nothing was approved.
    """
    click.echo(decide(kubectl, plan, stage=stage, decision=Decision.APPROVED, reason=reason))
