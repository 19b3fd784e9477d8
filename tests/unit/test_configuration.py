"""What Ansible is told of a request's guests, and what its run amounts to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.playbooks.moments import Course, Moment, moment_from_event
from controllers.request.configuration import Access, Configuration, configuration_of, inventory, known_hosts
from controllers.request.management import plan_management
from controllers.request.roles import Playbooks
from infra.errors import GuestUnreachable, ManagementMissing, PlaybookFailed, QuotaExceeded
from infra.planned import planned_objects
from infra.stackplan import StackPlan
from tests.build import a_content, a_flow, a_server, a_spec, a_zone, resolved

ACCESS = Access("root", "/keys/id", "/run/known_hosts", "reach {zone} {gateway} %h %p")
ROLES = {"roles": ["baseline", "web"]}


def stack(**server: Any) -> StackPlan:
    """Two web servers, one database without roles, and flows between them."""
    servers = [a_server(**(ROLES | server)), a_server(name="db", count=1)]
    flows = [a_flow(), a_flow(**{"from": {"servers": "db"}}, ports=["tcp/9100-9110"])]
    return a_content(a_spec(servers=servers, flows=flows)).stack


def configuration(plan: StackPlan | None = None, level: int = 3) -> Configuration:
    plan = plan or stack()
    found = configuration_of(plan, {name: f"id-{name}" for name in planned_objects(plan)}, protection_level=level)
    assert found is not None
    return found


def test_only_servers_with_roles_are_guests_to_be_configured() -> None:
    """Of each: its server, its address, and what may reach it as prefixes; SSH from the operator is not a flow."""
    plan = stack()
    addresses = {server.name: server.address for server in plan.servers}
    ports = {"protocol": "tcp", "first": 443, "last": 443}

    found = configuration(plan)

    assert ["permit-portal-web-0", "permit-portal-web-1"] == [guest.name for guest in found.guests]
    assert [addresses["web-0"], "id-server-web-0"] == [found.guests[0].address, found.guests[0].server]
    assert [
        {**ports, "source": "10.10.8.0/24"},
        {"protocol": "tcp", "first": 9100, "last": 9110, "source": f"{addresses['db-0']}/32"},
    ] == list(found.guests[0].flows)


def test_a_request_without_roles_has_no_configuration_and_no_way_in() -> None:
    """Not one object and not one rule more than before there were roles."""
    plain, with_roles = stack(roles=[]), stack()

    assert configuration_of(plain, {}, protection_level=3) is None
    assert {"port-router.management", "interface-router.management"} == set(planned_objects(with_roles)) - set(
        planned_objects(plain)
    )
    assert [22] == [rule.port_first for rule in with_roles.groups[0].rules if rule.remote_cidr == "198.18.0.0/18"]
    assert [] == [rule for rule in with_roles.groups[1].rules if rule.port_first == 22]


def test_hosts_are_reached_with_their_pinned_key_or_not_at_all() -> None:
    """Strict checking against a file that holds these guests only, through the zone's own way."""
    found = inventory(configuration(), ACCESS)["all"]
    options = found["hosts"]["permit-portal-web-0"]["ansible_ssh_common_args"]

    assert "-o StrictHostKeyChecking=yes" in options and '-o UserKnownHostsFile="/run/known_hosts"' in options
    assert '-o ProxyCommand="reach extranet 198.18.0.16 %h %p"' in options
    assert {"zone_extranet", "role_baseline", "role_web"} == set(found["children"])


def test_each_guest_has_one_pin() -> None:
    """Address and key; a host that is not in the list is nobody's."""
    found = configuration()
    keys = {guest.server: f"ssh-ed25519 KEY-{index}" for index, guest in enumerate(found.guests)}

    assert [f"{guest.address} ssh-ed25519 KEY-{index}" for index, guest in enumerate(found.guests)] == known_hosts(
        found.guests, keys
    ).splitlines()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(configuration(level=4), id="another protection level"),
        pytest.param(configuration(stack(roles=["baseline"])), id="other roles"),
        pytest.param(configuration(stack(count=3)), id="a server more"),
        pytest.param(
            replace(configuration(), guests=(replace(configuration().guests[0], server="new"),)), id="built anew"
        ),
    ],
)
def test_whatever_a_guest_is_told_is_in_the_digest(other: Configuration) -> None:
    """The same twice is the same; anything else is to be configured."""
    assert configuration().digest == configuration().digest
    assert configuration().digest != other.digest


def test_the_routers_address_stays_and_is_nobody_elses() -> None:
    """The first that is free of what the cloud and other plans have; kept when the plan is drafted anew."""
    zone = a_zone()
    first = plan_management(zone, resolved(zone), taken=["198.18.0.16"], previous=None)
    plan = stack()
    kept = plan_management(zone, resolved(zone), taken=["198.18.0.16"], previous=plan)

    assert "198.18.0.17" == first.address
    assert plan.router.management == kept


def test_a_zone_that_is_not_as_promised_has_no_way_to_guests() -> None:
    """The plan is not made; the provider is told what is missing, or that the network is full."""
    zone, small = a_zone(), a_zone(management={"network": "management-extranet", "prefix": "198.18.0.0/28"})
    unresolved = resolved(zone).model_copy(update={"management_network_id": None})

    with pytest.raises(ManagementMissing):
        plan_management(zone, unresolved, taken=[], previous=None)
    with pytest.raises(QuotaExceeded):
        plan_management(small, resolved(small), taken=[], previous=None)


def event(kind: str, **told: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"task": "Serve", "role": "web", "host": "web-0", **told}}


def course(*events: dict[str, Any], ended: str = "failed") -> Course:
    found = Course(5)
    for one in events:
        for moment in moment_from_event(one):
            found = found.after(moment)
    return found.after(Moment(what="end", ended=ended))


def test_a_failed_task_is_named_with_its_role_and_host() -> None:
    """And nothing that a module was given or answered."""
    secret = {"res": {"msg": "canary", "invocation": {"module_args": {"password": "canary"}}}}
    found = course(event("playbook_on_task_start"), event("runner_on_failed", task_action="command", **secret))
    failure = found.verdict()

    assert isinstance(failure, PlaybookFailed)
    assert "task 'Serve' of role 'web' failed on web-0" == failure.message
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("events", "ended", "verdict"),
    [
        ((), "successful", None),
        ((event("runner_on_failed", ignore_errors=True, task_action="command"),), "successful", None),
        ((event("runner_on_unreachable"),), "failed", GuestUnreachable),
        ((event("runner_on_failed", task_action="ansible.builtin.wait_for_connection"),), "failed", GuestUnreachable),
        ((event("runner_on_unreachable"), event("runner_on_failed", task_action="x")), "failed", PlaybookFailed),
        ((event("runner_on_unreachable", res={"msg": "Host key verification failed."}),), "failed", GuestUnreachable),
        ((event("playbook_on_task_start"),), "timeout", PlaybookFailed),
        ((event("playbook_on_task_start"),), "", PlaybookFailed),
    ],
)
def test_how_a_run_ended_says_who_has_to_act(events: tuple[Any, ...], ended: str, verdict: type | None) -> None:
    """A failed task is the provider's, a guest that does not answer is time's; a run that was cut off is not done."""
    failure = course(*events, ended=ended).verdict()

    assert verdict is (type(failure) if failure else None)


def test_progress_counts_every_task_of_the_roles() -> None:
    """What is begun, of all there are; handlers make it more, never less than begun."""
    total = Playbooks().tasks(("baseline", "web"))
    found = Course(1).after(Moment(what="task", task="A")).after(Moment(what="task", task="B", role="web"))

    assert total > 25
    assert (2, 2, "web: B") == found.progress


def test_the_content_of_a_role_is_its_digest() -> None:
    """Of the roles that are used, and of what runs them."""
    playbooks = Playbooks()

    assert ("baseline", "web") == playbooks.names()
    assert 3 == len({playbooks.digest(()), playbooks.digest(("web",)), playbooks.digest(("baseline", "web"))})
    assert playbooks.digest(("web", "baseline")) == playbooks.digest(("baseline", "web"))
