"""`kunlun plan -f`: the whole judgement without a cluster, whatever the file holds."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from controllers.cli import root
from controllers.cli.documents import Unreadable, read_documents
from controllers.cli.form import form_findings

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def a_request(**spec: Any) -> dict[str, Any]:
    """The example request with parts of its spec replaced."""
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / "permit-portal.yaml").read_text(encoding="utf-8"))
    return {**document, "spec": {**document["spec"], **spec}}


def a_server(**changed: Any) -> list[dict[str, Any]]:
    """One server entry with something changed."""
    return [{"name": "web", "flavor": "c1.small", "image": "debian-12", "network": "app", **changed}]


def planned(text: str | bytes, *options: str) -> Result:
    """The program, reading this text."""
    return CliRunner().invoke(root, ["plan", "-f", "-", *options], input=text)


def problems(text: str | bytes) -> list[str]:
    """What the program finds, as 'where: what'."""
    found = json.loads(planned(text, "-o", "json").output)["items"]
    return [f"{problem['where']}: {problem['what']}" for item in found for problem in item["problems"]]


def test_the_example_is_a_plan() -> None:
    """What the README shows works, against the zones that are shipped."""
    result = CliRunner().invoke(root, ["plan", "-f", str(EXAMPLES / "permit-portal.yaml")])

    assert 0 == result.exit_code, result.output
    assert "web-1   c1.small   debian-12   app" in result.output
    assert "180 yuan" in result.output and "resource-office" in result.output


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"environment": "Prod"}, "spec.environment: must be Production or Test, not 'Prod'"),
        (
            {"networks": [{"name": "app", "prefixLength": 30}]},
            "spec.networks[0].prefixLength: must be a whole number from 20 to 29, not 30",
        ),
        ({"networks": []}, "spec.networks: must be a list of 1 to 8 entries, not a list of 0"),
        ({"servers": a_server(count="2")}, "spec.servers[0].count: must be a whole number from 1 to 20, not '2'"),
        ({"servers": a_server(count=True)}, "spec.servers[0].count: must be a whole number from 1 to 20, not true"),
        (
            {"servers": a_server(bootVolumeGib=3)},
            "spec.servers[0].bootVolumeGib: is not a field here (did you mean bootVolumeGiB?); the fields are name, "
            "count, flavor, image, network, bootVolumeGiB, volumes, roles and publicAddress",
        ),
        (
            {"servers": a_server(name="Wéb")},
            "spec.servers[0].name: must be text of at most 18 characters: lower-case letters, digits and hyphens, "
            "a letter first, not 'Wéb'",
        ),
        ({"zone": None}, "spec.zone: is required: text of at most 40 characters: "),
        ({"flows": "all"}, "spec.flows: must be a list of at most 64 entries, not 'all'"),
    ],
    ids=["enum", "bound", "empty list", "text for number", "truth for number", "typo", "unicode name", "null", "text"],
)
def test_a_wrong_form_says_where_what_and_what_is_allowed(spec: dict[str, Any], expected: str) -> None:
    """As strictly as the API server, in words a clerk can follow."""
    (problem,) = problems(json.dumps(a_request(**spec)))

    assert problem.startswith(expected)


def test_every_problem_is_reported_at_once() -> None:
    """Nobody corrects a file ten times."""
    bad = a_request(environment="x", zone="Y Y", servers=a_server(count=0, image=""))

    assert {"spec.environment", "spec.zone", "spec.servers[0].count", "spec.servers[0].image"} == {
        finding.where for finding in form_findings(bad)
    }


def test_policy_is_evaluated_too() -> None:
    """A well-formed request may still ask for what the zone does not offer."""
    result = planned(json.dumps(a_request(servers=a_server(image="windows"))))

    assert 1 == result.exit_code
    assert "windows" in result.output and "debian-12" in result.output


def test_other_kinds_in_the_file_are_passed_over_and_requests_are_numbered() -> None:
    """A file may hold a system and its requests; each request is told apart by file and index."""
    system = (EXAMPLES / "information-system.yaml").read_text(encoding="utf-8")
    text = f"{system}\n---\n{json.dumps(a_request())}\n---\n{json.dumps(a_request(zone='nowhere'))}"

    result = planned(text)

    assert 1 == result.exit_code
    assert "standard input #2: request permit-portal\nZone" in result.output
    assert "standard input #3: request permit-portal\nrefused: 1 problem" in result.output


def test_a_file_without_requests_is_a_mistake() -> None:
    """Silence would look like success."""
    assert ["file: holds no ResourceRequest; its kinds: none"] == problems("")


@pytest.mark.parametrize("options", [(), ("NAME", "-f", "-"), ("NAME", "--zones", "policies/zones.yaml")])
def test_contradicting_arguments_are_usage_errors(options: tuple[str, ...]) -> None:
    """Either a name in the cluster or a file."""
    assert 2 == CliRunner().invoke(root, ["plan", *options]).exit_code


def test_zones_that_are_no_zones_are_refused(tmp_path: Path) -> None:
    """The provider's file is read with the same care."""
    zones = tmp_path / "zones.yaml"
    zones.write_text("kind: Zone\nmetadata: {name: a}\nspec: {class: Moon}", encoding="utf-8")

    result = planned(json.dumps(a_request()), "--zones", str(zones))

    assert 1 == result.exit_code
    assert "zone 'a' is not a zone" in result.output and "Extranet" in result.output


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "x0: &x0 [1]\n" + "".join(f"x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 300))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"- 1", "f #1: must be a mapping of fields, not a list"),
        (b"kind: List\nitems: [3]", "f #1.1: must be a mapping of fields, not a number"),
        (b"a: 1\na: 2", "f: line 2: key 'a' is given twice"),
        (b"? [1]\n: 2", "f: line 1: a key must be a word"),
        (ALIASES.encode(), "f: stands for more than 50,000 values once its aliases are written out"),
        (b"a: &a [*a]", "f: stands for more than 50,000 values once its aliases are written out"),
        (CHAIN.encode(), "f: nested more than 32 levels deep"),
        (b"[" * 5000, "f: nested more than 32 levels deep"),
        (b"a: .inf", "f: a value of type float (infinite, binary, a set) has no place here"),
        (b"a: !!python/object:os.system x", "f: not YAML: could not determine a constructor for the tag"),
        (b"\xff\xfe\x00", "f: not UTF-8 text (byte 0)"),
        (b"\x00", "f: not YAML: special characters are not allowed"),
        (b"x" * 2_000_000, "f: larger than 1024 KiB"),
        (b"---\na: 1\n" * 300, "f: more than 200 documents"),
        (b"a: " + b"9" * 5000, "f: Exceeds the limit"),
        (b"a: b: c", "f: not YAML: mapping values are not allowed here (line 1, column 5)"),
    ],
    ids=[
        "a list",
        "a list of numbers",
        "a key twice",
        "a list as key",
        "alias bomb",
        "endless alias",
        "deep aliases",
        "deep brackets",
        "infinity",
        "python object",
        "not text",
        "a zero byte",
        "huge",
        "too many documents",
        "huge number",
        "broken",
    ],
)
def test_hostile_files_end_in_one_sentence(text: bytes, expected: str) -> None:
    """Nothing of them reaches a model, and nobody waits."""
    with pytest.raises(Unreadable) as refused:
        read_documents(io.BytesIO(text), "f")

    assert str(refused.value).startswith(expected)


def test_values_are_read_as_the_api_server_reads_them() -> None:
    """A date is text, merged keys may be overridden, an empty document is none."""
    text = b"---\n---\nd: 2026-01-02\nx: &x {a: 1, b: 2}\ny: {<<: *x, a: 3}\n"

    (document,) = read_documents(io.BytesIO(text), "f")

    assert {"d": "2026-01-02", "x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 2}} == document.body


def test_a_request_means_here_what_it_means_to_the_api_server() -> None:
    """Nothing is left out, `28.0` is 28, two halves are one character, half a character is replaced."""
    text = '{"a": null, "b": [null, 28.0, 2.5, 1.0e+300], "c": "\\ud83d\\ude00", "d": "\\ud83d", "e": {"f": null}}'

    (document,) = read_documents(io.BytesIO(text.encode()), "f")

    assert {"b": [None, 28, 2.5, 1e300], "c": "\U0001f600", "d": "\ufffd", "e": {}} == document.body
    assert isinstance(document.body["b"][1], int)


def test_an_empty_namespace_is_none() -> None:
    """A template that fills in nothing plans just like a request without a namespace."""
    request = a_request()
    request["metadata"]["namespace"] = ""

    assert [] == problems(json.dumps(request))


def test_hostile_text_in_a_request_is_shown_as_codes() -> None:
    """Escape codes in names do not reach the terminal."""
    text = yaml.safe_dump(a_request(system="\x1b[2J", zone="\u202e"))

    output = planned(text).output

    assert 1 == output.count("\\u{001b}[2J") and 1 == output.count("\\u{202e}")
    assert "\x1b" not in output and "\u202e" not in output


def test_imports_and_the_end_are_on_the_page() -> None:
    """Which object becomes which, and what deleting the request will do: officers read it before they sign."""
    entry = {"name": "server-web-0", "id": "b6a4"}
    taken = planned(json.dumps(a_request(imports=[entry]))).output
    released = planned(json.dumps(a_request(imports=[entry], deletionPolicy="Release"))).output

    assert "taken over as it is: b6a4" in taken
    assert "1 taken over" in taken
    assert "everything is deleted with it, the 1 object taken over included" in taken
    assert "nothing is deleted: everything stays as it is" in released
    assert "When the request is deleted" not in planned(json.dumps(a_request())).output
