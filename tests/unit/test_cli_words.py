"""The words on the pages: rules, servers, sums, and text that cannot act."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from controllers.api.plan import Action, Operation
from controllers.api.resourcerequest import FlowSource
from controllers.cli import root
from controllers.cli.demo import Cast, approve, file_system, what_to_try
from controllers.cli.kubectl import Kubectl
from controllers.cli.planpage import signed_sentence, summary
from controllers.cli.reported import rows
from controllers.cli.screen import grid, screen
from controllers.cli.text import counted, listed, plain
from controllers.cli.traffic import port_words, source_words, traffic
from infra.sandbox.layout import Layout
from infra.stackplan import GroupPlan, Kind, RulePlan
from tests.unit.cli_stage import a_content, a_plan, a_request, a_stage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("永久许可 portal – é", "永久许可 portal – é"),
        ("a\x1b[31mb", r"a\u{001b}[31mb"),
        ("10.0.0.1\u202e9.9", r"10.0.0.1\u{202e}9.9"),
        ("zero\u200bwidth", r"zero\u{200b}width"),
        ("\ud800", r"\u{d800}"),
        ("line\nline", r"line\u{000a}line"),
    ],
    ids=["people's own letters", "escape", "direction", "zero width", "half a character", "line feed"],
)
def test_what_a_terminal_would_act_on_becomes_visible(text: str, expected: str) -> None:
    """Letters of every script stay; whatever has no shape of its own is shown as its code."""
    assert expected == plain(text)


def test_lists_and_counts_read_as_sentences() -> None:
    """One thing, two things, many things, none."""
    assert ["none", "a", "a and b", "a, b and c"] == [listed("abc"[:number]) for number in range(4)]
    assert ["1 server", "2 servers"] == [counted(number, "server") for number in (1, 2)]


def test_traffic_is_told_by_servers_direction_and_counterpart() -> None:
    """All ports of one counterpart on one line, who may come in first."""
    group = GroupPlan(
        name="web",
        rules=(
            RulePlan(direction="egress", protocol="tcp", port_first=5432, port_last=5432, remote_group="db"),
            RulePlan(direction="ingress", protocol="tcp", port_first=443, port_last=443, remote_cidr="10.0.0.0/8"),
            RulePlan(direction="ingress", protocol="tcp", port_first=80, port_last=90, remote_cidr="10.0.0.0/8"),
        ),
    )

    assert [
        ("web", "be reached by", "10.0.0.0/8", "tcp/80-90, tcp/443"),
        ("web", "reach", "servers db", "tcp/5432"),
    ] == list(traffic([group]))


def test_a_rule_without_ports_is_called_what_it_is() -> None:
    """An officer must not overlook that everything is open."""
    rules = [RulePlan(direction="ingress", protocol=protocol) for protocol in ("tcp", "icmp")]

    assert ["all tcp ports", "icmp"] == [port_words(rule) for rule in rules]
    assert "anyone" in next(traffic([GroupPlan(name="web", rules=(rules[0],))]))


def test_where_a_flow_comes_from() -> None:
    """A prefix, servers of this request, servers of another."""
    sources = [
        FlowSource(cidr="10.0.0.0/8"),
        FlowSource(servers="db"),
        FlowSource(request="permit-db", servers="db"),
    ]

    assert ["10.0.0.0/8", "servers db", "servers db of request permit-db"] == [source_words(it) for it in sources]


def test_a_summary_counts_by_what_happens() -> None:
    """In the order of how much it can hurt."""
    actions = tuple(
        Action(operation=operation, kind=Kind.SERVER, name=f"s-{number}")
        for number, operation in enumerate([Operation.DELETE, Operation.CREATE, Operation.REPLACE, Operation.CREATE])
    )
    content = a_content()

    assert "2 created, 1 replaced, 1 deleted" == summary(content.model_copy(update={"actions": actions}))
    assert "nothing changes" == summary(content.model_copy(update={"actions": ()}))
    assert "1 server in zone extranet, 1 created, 90 yuan a month" == signed_sentence(content)


def test_servers_are_listed_as_nova_answers() -> None:
    """One row per address; a server without one is not left out."""
    server = {
        "name": "web-0",
        "status": "ACTIVE",
        "id": "s1",
        "flavor": {"id": "f1"},
        "addresses": {"app": [{"addr": "10.10.1.4"}]},
    }

    assert [("web-0", "ACTIVE", "app", "10.10.1.4", "c1.small", "s1")] == list(rows(server, {"f1": "c1.small"}))
    assert [("web-0", "ACTIVE", "none", "none", "f1", "s1")] == list(rows({**server, "addresses": {}}, {}))


def test_a_page_that_is_not_a_terminal_has_no_colours_and_no_narrow_columns() -> None:
    """Pipes and logs get plain text."""
    out = io.StringIO()
    screen(out).print(grid(("A",), [("x" * 130,)]))

    assert f"A\n{'x' * 130}\n" == "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("orphans", "the projects and shares of tenants that are gone"),
        ("orphans", "For a person, or for a program."),
        ("orphans", "kunlun orphans --clouds clouds.yaml --cloud kunlun --delete ID"),
        ("abandon", 'You need the verb "abandon" on resourcerequests.kunlun.cloud'),
        ("run", "Each operator needs its own"),
        ("run", "The shipped Role covers the namespace kunlun-system only"),
    ],
)
def test_help_says_what_a_person_would_learn_too_late(command: str, words: str) -> None:
    """What is deleted, what one must be allowed, what two operators must not share."""
    result = CliRunner().invoke(root, [command, "--help"])

    assert words in " ".join(result.output.split())


def test_the_demo_files_and_approves_only_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second demo decides nothing anew."""
    stage, plan = a_stage(tmp_path, monkeypatch), a_plan()
    name = plan["metadata"]["name"]
    given = {"stage": "resource-office", "decision": "Approved", "approver": "zhang.wei"}
    stage.has(f"plans-{name}", plan)
    stage.has("resourcerequests-permit-portal", a_request(status={"plan": name, "approvals": [given]}))
    cast = Cast(clerk=Kubectl(), officer=Kubectl())

    assert f"plan {name} is decided already" == approve(cast.officer, name)
    assert "applied" == file_system(cast.clerk)
    stage.has("informationsystems-permit-portal", {"kind": "InformationSystem"})
    assert "system permit-portal is filed already" == file_system(cast.clerk)


def test_the_next_commands_name_this_sandbox(tmp_path: Path) -> None:
    """They work as they stand, wherever the sandbox is."""
    commands = "\n".join(what_to_try(Layout(tmp_path), Path("/cache/kubectl")))

    assert f"KUBECONFIG={tmp_path}/users/clerk.kubeconfig" in commands
    assert f"sandbox down --wipe --dir {tmp_path}" in commands
