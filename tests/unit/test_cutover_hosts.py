"""What playbooks of a cutover are told: both sides' hosts, how each is reached, and the spec in names of hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.api.cutoversteps import Step
from controllers.cutover.hosts import Host, Sides, inventory_of, pins_of
from controllers.cutover.playbook import PlaybookRunner, outcome_of
from controllers.cutover.runner import Errand
from controllers.cutover.variables import variables_of
from controllers.playbooks.moments import Course, Moment, moment_from_event
from controllers.playbooks.reach import GuestAccess
from controllers.playbooks.runs import Runs
from infra.errors import EngineInterrupted, GuestUnreachable
from tests.unit.cutover_case import Case

ACCESS = GuestAccess(key=Path("/key"), host_keys=Path("/pins"), user="kunlun")
SIDES = Sides(
    source=(
        Host("source.old-web", "10.9.0.2", ("portal",), "ssh-ed25519 AAAA", user="root"),
        Host("source.old-db", "10.9.0.3", (), "ssh-ed25519 BBBB", port=2222, user="ops"),
    ),
    target=(
        Host("target.web-0", "10.1.0.4", ("web",), "ssh-ed25519 CCCC", proxy="enter extranet %h"),
        Host("target.web-1", "10.1.0.5", ("web",), "ssh-ed25519 DDDD"),
        Host("target.db-0", "10.9.0.3", ("db",), "ssh-ed25519 EEEE"),
    ),
    servers={"web": ("target.web-0", "target.web-1"), "db": ("target.db-0",)},
)


def told(**fields: Any) -> dict[str, Any]:
    return variables_of(Case(fields=fields).facts, SIDES, hooks="/hooks")


def test_both_sides_are_groups_and_so_are_their_parts() -> None:
    """Source and target, the groups that a host of the source is in, and the entries of servers of the target."""
    groups = inventory_of(SIDES, ACCESS, "/known", python="/python")["all"]["children"]

    assert ["source.old-web", "source.old-db"] == list(groups["source"]["hosts"])
    assert ["target.web-0", "target.web-1", "target.db-0"] == list(groups["target"]["hosts"])
    assert ["source.old-web"] == list(groups["source_portal"]["hosts"])
    assert ["target.web-0", "target.web-1"] == list(groups["target_web"]["hosts"])


def test_hosts_of_one_address_are_known_by_their_own_keys() -> None:
    """An old host may have the address of a new one; neither is ever taken for the other."""
    hosts = inventory_of(SIDES, ACCESS, "/known", python="/python")["all"]["hosts"]

    assert "source.old-db ssh-ed25519 BBBB\n" in pins_of(SIDES)
    assert "target.db-0 ssh-ed25519 EEEE\n" in pins_of(SIDES)
    assert "HostKeyAlias=source.old-db" in hosts["source.old-db"]["ansible_ssh_common_args"]
    assert "HostKeyAlias=target.db-0" in hosts["target.db-0"]["ansible_ssh_common_args"]


def test_each_host_is_reached_as_its_side_says() -> None:
    """An old host by its own user and port, a guest as the operator reaches all guests."""
    hosts = inventory_of(SIDES, ACCESS, "/known", python="/python")["all"]["hosts"]

    assert ("ops", 2222, True) == tuple(
        hosts["source.old-db"][f"ansible_{name}"] for name in ("user", "port", "become")
    )
    assert ("kunlun", True) == (hosts["target.web-0"]["ansible_user"], hosts["target.web-0"]["ansible_become"])
    assert 'ProxyCommand="enter extranet %h"' in hosts["target.web-0"]["ansible_ssh_common_args"]


def test_a_host_without_a_pin_is_not_called() -> None:
    """Whoever is not known might be anybody."""
    with pytest.raises(GuestUnreachable, match=r"target\.new"):
        pins_of(Sides(target=(Host("target.new", "10.1.0.9", (), None),)))


def test_what_moves_is_told_in_names_of_hosts() -> None:
    """A folder goes to every server of its entry, a database to its one."""
    variables = told()

    assert ["target.web-0", "target.web-1"] == variables["kunlun_files"][0]["targets"]
    assert "/srv/uploads" == variables["kunlun_files"][0]["target_path"]
    assert [("source.old-db", "target.db-0")] == [
        (one["source"], one["target"]) for one in variables["kunlun_databases"]
    ]
    assert ["target.web-0", "target.web-1"] == [one["host"] for one in variables["kunlun_target_units"]]


def test_callers_go_back_to_where_they_came_from() -> None:
    """The proxy itself, or the host that it passed them on to."""
    elsewhere = {"host": "old-web", "port": 80, "fromHost": "old-db", "fromPort": 81, "to": "web", "toPort": 8080}
    service = {"source": [], "target": [], "switch": {"proxy": elsewhere}}

    assert {"address": "127.0.0.1", "port": 8080} == told()["kunlun_proxy"]["back"]
    assert {"address": "10.9.0.3", "port": 81} == told(service=service)["kunlun_proxy"]["back"]


def test_without_callers_the_proxy_looks_at_itself() -> None:
    """There is always somebody who sees whether the service answers."""
    assert [{"host": "source.old-web", "url": "http://127.0.0.1:80/"}] == told()["kunlun_callers"]


def test_a_watch_that_was_cut_off_goes_on_with_what_is_left_of_it() -> None:
    """Its time runs from the switch."""
    case = Case(fields={"supervision": {"minutes": 10}}).cut(until=Step.UNFREEZE_TARGET).later(240)

    assert 360 == variables_of(case.facts, SIDES, hooks="")["kunlun_watch"]["seconds"]


def test_an_old_host_is_adapted_where_that_is_asked() -> None:
    """Nothing is updated on a host of which nobody said so."""
    key = "ssh-ed25519 AAAA"
    hosts = [
        {"name": "old-web", "address": "10.9.0.2", "hostKey": key, "packages": "UpToDate"},
        {"name": "old-db", "address": "10.9.0.3", "hostKey": key, "postgresMajor": 15},
        {"name": "old-proxy", "address": "10.9.0.4", "hostKey": key},
    ]

    assert [
        {"host": "source.old-web", "packages": "UpToDate"},
        {"host": "source.old-db", "postgres_major": 15},
    ] == told(source={"hosts": hosts})["kunlun_adapt"]


def test_hooks_come_in_the_order_in_which_they_are_run() -> None:
    """Those before a step's work before those after it."""
    hooks = [
        {"name": "warm-cache", "step": "FinalSync"},
        {"name": "stop-jobs", "step": "FinalSync", "when": "Before"},
    ]

    assert ["stop-jobs", "warm-cache"] == [one["name"] for one in told(hooks=hooks)["kunlun_hooks"]]


def test_only_the_journals_own_module_is_passed_on() -> None:
    """What other modules answer could be a secret."""
    answer = {"measured": {"rows": 3}, "note": "all well"}
    event = {"event": "runner_on_ok", "event_data": {"task_action": "kunlun_step", "res": answer}}
    other = {"event": "runner_on_ok", "event_data": {"task_action": "ansible.builtin.command", "res": answer}}

    assert (Moment(what="told", measured={"rows": "3"}, note="all well"),) == moment_from_event(event)
    assert () == moment_from_event(other)


def test_what_was_measured_is_kept_when_the_step_failed() -> None:
    """A watch fails, and says how often it saw nothing; its own sentence is the reason."""
    course = Course(0).after(
        Moment(what="told", measured={"failures in a row": "5"}, note="the service does not answer")
    )
    outcome = outcome_of(course.after(Moment(what="end", ended="failed")))

    assert [("failures in a row", "5")] == [(one.name, one.value) for one in outcome.measured]
    assert outcome.failure is not None and "the service does not answer" == outcome.failure.message


async def test_a_step_does_not_wait_for_its_turn(tmp_path: Path) -> None:
    """The journal says until when it is over; who begins later than that could be the second."""
    runner, facts = PlaybookRunner(Runs(tmp_path, 0), ACCESS), Case().facts

    with pytest.raises(EngineInterrupted, match="tried again"):
        await runner.begin(Errand("uid", Step.PREFLIGHT, "key", 1), facts)


def test_a_run_that_ended_well_is_done() -> None:
    """And nothing else is."""
    assert outcome_of(Course(0).after(Moment(what="end", ended="successful"))).failure is None
    assert outcome_of(Course(0)).failure is not None
