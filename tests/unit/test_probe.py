"""The probe: two derivations of who may reach whom, what is tried, and what counts as agreement."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from click.testing import CliRunner

from controllers.cli.probe import command
from controllers.probe.attacks import Attack, Way, attacks
from controllers.probe.declared import Pair, declared_by, says
from controllers.probe.matrix import Cast, pairs, services_of
from controllers.probe.planned import is_planned
from controllers.probe.stations import (
    Role,
    Station,
    bodiless,
    inside,
    outside_stations,
    own_stations,
    public_stations,
    strangers,
)
from controllers.probe.verdict import Measured, Row, measured, row, undecided
from infra.sandbox.guests.packets import Sight, Watched
from infra.stackplan import GroupPlan, RulePlan
from tests.unit.probe_case import (
    DB,
    ROWS,
    WEB,
    a_case,
    a_known,
    a_rule,
    a_spec,
    a_stack,
    bodies_of,
    outside,
    own,
)

CASE = a_case()
STRANGER = Station("strange", Role.STRANGER, "extranet", "10.10.9.4", "ns-strange")
LINK = {"from": {"request": "other", "servers": "web"}, "to": "web", "ports": ["tcp/8443"], "purpose": "callback"}


def a_pair(source: str, target: str, service: str) -> Pair:
    protocol, _, port = service.partition("/")

    def found(name: str) -> Station:
        if name == "strange":
            return STRANGER
        zone, at, address = name.partition("@")
        return outside(zone, address) if at else own(name, CASE)

    return Pair(found(source), found(target), protocol, int(port))


@pytest.mark.parametrize(
    ("source", "target", "service", "allowed"),
    [
        ("first/web-0", "first/db-0", "tcp/5432", True),
        ("first/web-0", "first/db-0", "udp/5010", True),
        ("first/web-0", "first/db-0", "udp/5011", False),
        ("first/web-0", "first/db-0", "udp/5432", False),
        ("first/db-0", "first/web-0", "tcp/5432", False),
        ("first/web-0", "other/db-0", "tcp/5432", False),
        ("extranet@10.10.200.9", "first/web-0", "tcp/443", True),
        ("extranet@10.10.201.9", "first/web-0", "tcp/443", False),
        ("internet@10.10.200.9", "first/web-0", "tcp/443", False),
        ("extranet@10.10.200.9", "first/db-0", "tcp/443", False),
        ("internet@10.10.200.9", "public/web-0", "tcp/443", False),
        ("first/web-0", "extranet@169.254.169.254", "tcp/80", True),
        ("first/web-0", "extranet@169.254.169.254", "tcp/22", False),
        ("first/web-0", "internet@169.254.169.254", "tcp/80", False),
        ("public/web-0", "internet@169.254.169.254", "tcp/80", True),
        ("first/web-0", "extranet@198.18.0.5", "tcp/5000", False),
        ("strange", "first/web-0", "tcp/443", False),
        ("first/web-0", "strange", "tcp/5432", False),
    ],
)
def test_words_and_rules_say_the_same(source: str, target: str, service: str, allowed: bool) -> None:
    """Who may reach whom follows from the requests' words and, apart from them, from the plans' rules."""
    pair = a_pair(source, target, service)

    assert (allowed, allowed) == (bool(declared_by(pair, CASE)), is_planned(pair, CASE))


def test_a_plan_that_permits_more_than_was_asked_is_found() -> None:
    """The two derivations do not share their source: a rule too many is seen before any packet is sent."""
    wide = GroupPlan(name="db", rules=(*DB.rules, RulePlan(direction="ingress", protocol="tcp", remote_group="web")))
    open_web = GroupPlan(
        name="web", rules=(*WEB.rules, RulePlan(direction="egress", protocol="tcp", remote_group="db"))
    )
    case = a_case(first=a_known("first", 1, stack=a_stack("first", 1, groups=(open_web, wide))))
    found = row(Pair(own("first/web-0", case), own("first/db-0", case), "tcp", 22), Sight(""), case, {})

    assert "the plan permits what is not declared" == found.mismatch


@pytest.mark.parametrize("settled", [True, False])
def test_a_flow_between_requests_is_declared_once_both_sides_are_signed(settled: bool) -> None:
    """While the caller's newer plan waits for its approval, the flow is closed, and that is as it should be."""
    spec = a_known("first", 1).spec
    assert spec is not None
    flows = spec.model_validate({**spec.model_dump(by_alias=True), "flows": [LINK]})
    case = a_case(first=a_known("first", 1, spec=flows), other=a_known("other", 2, settled=settled))
    pair = Pair(own("other/web-0", case), own("first/web-0", case), "tcp", 8443)

    assert settled == bool(declared_by(pair, case))


@pytest.mark.parametrize(("caller", "allowed"), [("health/other/web-0", True), ("transport/other/web-0", False)])
def test_a_flow_names_a_request_of_its_own_namespace(caller: str, allowed: bool) -> None:
    """Two departments may have requests of the same name; only one of them is meant."""
    called = a_known("first", 1)
    assert called.spec is not None
    flows = called.spec.model_validate({**called.spec.model_dump(by_alias=True), "flows": [LINK]})
    known = {
        "health/first": replace(called, spec=flows),
        "health/other": a_known("other", 2),
        "transport/other": a_known("other", 3),
    }
    case = replace(CASE, requests=known)
    pair = Pair(own(caller, case), own("health/first/web-0", case), "tcp", 8443)

    assert allowed == bool(declared_by(pair, case))


@pytest.mark.parametrize(
    ("source", "allowed"), [("internet@203.0.113.77", True), ("extranet@203.0.113.77", False), ("public/db-0", False)]
)
def test_a_public_address_is_reached_from_the_internet_only(source: str, allowed: bool) -> None:
    """Flows from prefixes go there; flows from servers go to the server's own address."""
    anyone = {"from": {"cidr": "0.0.0.0/0"}, "to": "web", "ports": ["tcp/443"], "purpose": "the public"}
    rule = a_rule("ingress", "tcp", 443, remote_cidr="0.0.0.0/0")
    group = GroupPlan(name="web", rules=(*WEB.rules, rule))
    known = a_known("public", 0, "internet", spec=a_spec("internet", (anyone, ROWS)), public={"web-0": "198.51.100.9"})
    known = replace(known, stack=a_stack("public", 0, "internet", groups=(group, DB)))
    case = a_case(public=known)
    (target,) = public_stations(case, [own("public/web-0", case)])
    pair = Pair(a_pair(source, "first/web-0", "tcp/1").source, target, "tcp", 443)

    assert (allowed, allowed) == (bool(declared_by(pair, case)), is_planned(pair, case))


def test_words_that_were_changed_since_do_not_count() -> None:
    """What is in force is the plan; a request that was changed since speaks of the next one."""
    case = a_case(first=a_known("first", 1, spec=None))
    pair = Pair(own("first/web-0", case), own("first/db-0", case), "tcp", 5432)

    assert not says(pair, case)
    assert "plan in force" == row(pair, Sight("answered"), case, {}).declared


def test_a_server_is_tried_on_what_is_open_on_its_neighbours() -> None:
    """Each port is tried where it is declared and where it is not, with those beside it and the other protocol."""
    tried = services_of(own("first/web-0", CASE), CASE)

    assert {("tcp", 443), ("tcp", 442), ("tcp", 444), ("udp", 443), ("tcp", 5432), ("udp", 5011), ("tcp", 22)} <= set(
        tried
    )


def test_every_pair_has_a_subject_at_one_end() -> None:
    """A probe of one request tries it against everybody, in both directions, and nobody else among themselves."""
    bodies = bodies_of(CASE)
    own_all = own_stations(CASE, bodies)
    subjects = [station for station in own_all if station.request == "first"]
    others = [each for each in own_all if each not in subjects] + [*strangers(CASE, bodies)]
    cast = Cast(subjects, [*others, *outside_stations(CASE, bodies)])
    found = pairs(cast, CASE)
    ends = {(pair.source.name, pair.target.name) for pair in found}

    assert all("first" in {pair.source.request, pair.target.request} for pair in found)
    assert {("first/web-0", "strange"), ("strange", "first/web-0"), ("first/web-0", "first/db-0")} <= ends
    assert {("outside-extranet 10.10.200.1", "first/db-0"), ("outside-extranet 10.10.201.1", "first/web-0")} <= ends
    assert len(found) == len(set(found))


def test_one_request_or_all_departments_are_probed() -> None:
    """A name means something in one namespace only."""
    ended = CliRunner().invoke(command, ["portal", "--all-namespaces"])

    assert 2 == ended.exit_code
    assert "NAME is a request of one namespace" in ended.output


def test_a_server_without_a_body_is_named() -> None:
    """What cannot be tried is not proven."""
    bodies = bodies_of(CASE)
    guests = {key: body for key, body in bodies.guests.items() if key != "first-db"}

    assert ["first/db-0"] == bodiless(CASE, type(bodies)(guests, bodies.outside))


@pytest.mark.parametrize(
    ("prefix", "taken", "host"),
    [
        ("10.10.200.0/24", [], "10.10.200.1"),
        ("10.10.0.0/16", ["10.10.0.0/24"], "10.10.1.0"),
        ("172.20.5.9/32", [], "172.20.5.9"),
        ("0.0.0.0/0", [], "203.0.113.77"),
        ("10.10.1.0/28", ["10.10.1.0/28"], None),
    ],
)
def test_a_prefix_is_spoken_for_by_a_host_that_nobody_has(prefix: str, taken: list[str], host: str | None) -> None:
    """It must not be a server's address, nor the uplink's."""
    assert host == inside(IPv4Network(prefix), [IPv4Network(each) for each in taken])


STRAY, TRANSIT = frozenset({("ns-strange", "10.10.1.5")}), frozenset({("ns-extranet", "10.30.0.4")})
GUESTS = {"ns-first-web-0": "", "ns-first-db-0": "", "ns-strange": ""}
ARRIVED = frozenset({("ns-first-db-0", "10.10.1.5")})


@pytest.mark.parametrize(
    ("target", "sight", "found"),
    [
        pytest.param("first/db-0", Sight("answered", ARRIVED), Measured.OPEN, id="answered"),
        pytest.param("first/db-0", Sight("refused", ARRIVED), Measured.OPEN, id="refused by the server itself"),
        pytest.param("first/db-0", Sight("", ARRIVED), Measured.ARRIVED, id="the answer is lost"),
        pytest.param("first/db-0", Sight("EHOSTUNREACH"), Measured.CLOSED, id="no way"),
        pytest.param(
            "first/db-0",
            Sight("", frozenset({("ns-strange", "10.10.1.5")})),
            Measured.STRAYED,
            id="somebody else saw it",
        ),
        pytest.param(
            "extranet@198.18.0.5",
            Sight("", frozenset({("ns-extranet", "10.30.0.4")})),
            Measured.CLOSED,
            id="in transit",
        ),
        pytest.param("extranet@169.254.169.254", Sight("answered"), Measured.CLOSED, id="another zone's answered"),
    ],
)
def test_what_the_wire_did_follows_from_where_it_was_seen(target: str, sight: Sight, found: Measured) -> None:
    """An answer alone is not believed, and silence alone neither: packets are watched where they arrive."""
    assert found == measured(a_pair("first/web-0", target, "tcp/22"), sight, GUESTS)


def test_only_what_should_have_got_through_is_tried_again() -> None:
    """A busy machine loses packets; it does not make any."""
    pair = a_pair("first/web-0", "first/db-0", "tcp/5432")
    lost, leaked = Row(pair, "flow", True, Measured.CLOSED), Row(pair, "", False, Measured.OPEN)

    assert [pair] == undecided([lost, leaked, Row(pair, "flow", True, Measured.OPEN)])


def an_attacker() -> list[Attack]:
    """`first/db-0`, where only a counter may reach `first/web-0`."""
    attacker = replace(own("first/db-0", CASE), mac="fa:16:3e:00:00:05")
    victim = replace(own("first/web-0", CASE), mac="fa:16:3e:00:00:04")
    permitted = [
        Pair(outside("extranet", "10.10.200.9"), victim, "tcp", 443),
        Pair(attacker, outside("extranet", "169.254.169.254"), "tcp", 80),
    ]
    way = Way(IPv4Network("10.10.1.0/28"), "10.10.1.1", "0a:00:00:00:00:01")
    return attacks(permitted, [attacker], {attacker.network: way}, first_port=40000)


def test_attacks_borrow_permissions_that_somebody_else_has() -> None:
    """A packet that would be refused anyway proves nothing about false addresses."""
    found = {each.kind: each for each in an_attacker()}

    assert {
        "another's address", "a second address", "another MAC", "false DHCP answer", "false ARP",
        "IPv6 datagram", "IPv6 router advertisement",
    } == set(found)  # fmt: skip
    assert "as outside-extranet 10.10.200.9 to first/web-0 tcp/443" == found["another's address"].name


def test_an_attack_is_known_where_it_arrives_and_not_at_home() -> None:
    """The attacker's own namespace sees what it sends."""
    arp = next(each for each in an_attacker() if each.kind == "false ARP")
    saw = Watched(arp=frozenset({("fa:16:3e:00:00:05", "10.10.1.1")}))

    assert ["ns-first-web-0"] == arp.arrived_at({"ns-first-web-0": saw, "ns-first-db-0": saw, "ns-strange": Watched()})
