"""What people type: one module per verb, each with a click command named `command`.

Modules are imported only when their verb is used, so that `kubectl kunlun approve` does not pay for Pulumi.
"""

from __future__ import annotations

import importlib
from typing import ClassVar

import click

from infra.errors import KunlunError


class Verbs(click.Group):
    """A group whose commands live in modules of this package and are imported on use."""

    VERBS: ClassVar[dict[str, str]] = {
        "plan": "Show what would be built, and what approving means.",
        "approve": "Approve one stage of one exact plan.",
        "deny": "Deny one stage of one exact plan.",
        "decisions": "Show who decided what about a request, and what came of it.",
        "evidence": "Everything about a request or cutover in one archive; check one.",
        "watch": "Follow a request until it is ready.",
        "apply": "Ask for environments, and wait until they are ready.",
        "get": "Show environments: for people, programs, shells and test reports.",
        "destroy": "Give test environments back.",
        "cutover": "Move a live system onto the cloud, and back if need be.",
        "abandon": "Give up a request whose removal cannot be carried out.",
        "orphans": "Find what the cloud has without a request, or lacks; delete on command.",
        "desktop": "Open your own desktop in a browser; have one built anew.",
        "probe": "Prove with packets that what is declared is what the wire does.",
        "run": "Run the operator.",
        "broker": "Let browsers to desktops.",
        "manifests": "Write the Kubernetes manifests made from the API models.",
        "sandbox": "A whole cloud on this machine: control plane, OpenStack, zones, personas.",
        "demo": "One request from `kubectl apply` to running servers, in the sandbox.",
        "completion": "Print the shell completion script.",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.VERBS:
            return None
        command = importlib.import_module(f"controllers.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.VERBS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Every error reported on purpose ends as one sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except KunlunError as error:
            raise click.ClickException(f"{error.reason}: {error.message}") from error


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kunlun")
def root() -> None:
    """Kunlun: approved plans, exactly built.

    A department applies a ResourceRequest; officers approve one exact plan; the operator builds it on
    OpenStack, and nothing else.
    """
