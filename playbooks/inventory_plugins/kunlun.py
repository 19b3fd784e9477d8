"""An inventory for people: the guests that the operator configures, reached as it reaches them, with the same pins.

It reads requests, their plans in force, systems, zones and nothing else, through `kubectl`; who may read those may list
the guests, who has the key may run a playbook on them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from controllers.api.stored import PLANS, REQUESTS, SYSTEMS, ZONES, Plan, ResourceRequest, stored
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.request.configuration import (
    Access,
    Configuration,
    DesktopStandard,
    configuration_of,
    inventory,
    known_hosts,
)
from controllers.request.pins import pinned, public_key

DOCUMENTATION = """
name: kunlun
short_description: Guests of the requests of a cluster
description:
  - Every server with roles of every request whose plan in force is built, with what its roles are told.
  - Groups are the zone, the roles and the request of a guest.
options:
  plugin:
    description: Marks the file as one of this plugin.
    required: true
    choices: [kunlun]
  kubeconfig:
    description: How to reach the cluster; without it, as kubectl does.
    env: [{name: KUBECONFIG}]
  namespace:
    description: Only requests of this namespace.
    env: [{name: KUNLUN_NAMESPACE}]
  ssh_key:
    description: Private key that guests let in.
    env: [{name: KUNLUN_SSH_KEY}]
    required: true
  host_keys:
    description: Folder with SERVER-ID/host_key.pub of every server.
    env: [{name: KUNLUN_HOST_KEYS}]
    required: true
  ssh_user:
    description: Who logs in.
    env: [{name: KUNLUN_SSH_USER}]
    default: root
  ssh_proxy:
    description: How a zone's management network is entered, as the operator's --ssh-proxy.
    env: [{name: KUNLUN_SSH_PROXY}]
    default: ""
  broker_key:
    description: File with the broker's public key, as the operator's --broker-key; only desktops need it.
    env: [{name: KUNLUN_BROKER_KEY}]
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """As Ansible wants it; everything that is decided is decided by what the operator uses, too."""

    NAME = "kunlun"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        kubectl = Kubectl(kubeconfig=self.get_option("kubeconfig"))
        broker_key = public_key(Path(file)) if (file := self.get_option("broker_key")) else None
        try:
            found = [one for one in _configurations(kubectl, broker_key) if self._is_asked_for(one[0])]
        except ClusterError as error:
            raise AnsibleParserError(f"the cluster cannot be read: {error.message}") from error
        pins = Path(constants.DEFAULT_LOCAL_TMP) / "known_hosts"
        pins.write_text("".join(self._pins(wanted) for _, wanted in found), encoding="ascii")
        for request, wanted in found:
            self._add(request, wanted, str(pins))

    def _is_asked_for(self, request: ResourceRequest) -> bool:
        return self.get_option("namespace") in (None, "", request.meta.namespace)

    def _pins(self, wanted: Configuration) -> str:
        """A guest without a host key is listed all the same, and refused by SSH."""
        keys = pinned(Path(self.get_option("host_keys")), wanted)
        known = [guest for guest in wanted.guests if guest.server in keys]
        return known_hosts(known, keys)

    def _add(self, request: ResourceRequest, wanted: Configuration, pins: str) -> None:
        access = Access(self.get_option("ssh_user"), self.get_option("ssh_key"), pins, self.get_option("ssh_proxy"))
        told = inventory(wanted, access)["all"]
        own = self.inventory.add_group(f"request_{request.meta.namespace}_{request.meta.name}".replace("-", "_"))
        for name, variables in told["hosts"].items():
            if name in self.inventory.hosts:
                raise AnsibleParserError(f"two namespaces have a guest '{name}': choose one with `namespace`")
            self.inventory.add_host(name, group=own)
            for variable, value in variables.items():
                self.inventory.set_variable(name, variable, value)
        for group, content in told["children"].items():
            self.inventory.add_group(group)
            for name in content["hosts"]:
                self.inventory.add_child(group, name)


def _configurations(kubectl: Kubectl, broker_key: str | None) -> list[tuple[ResourceRequest, Configuration]]:
    """Of every request whose plan in force is built and has servers with roles; desktops want the broker's key."""
    plans = {(plan.meta.namespace, plan.meta.name): plan for plan in map(_plan, kubectl.everywhere(PLANS))}
    systems = [stored(SYSTEMS, body) for body in kubectl.everywhere(SYSTEMS)]
    levels = {(one.meta.namespace, one.meta.name): one.spec.protection_level for one in systems}
    zones = {one.meta.name: one.spec for one in (stored(ZONES, body) for body in kubectl.everywhere(ZONES))}
    found = []
    for request in (stored(REQUESTS, body) for body in kubectl.everywhere(REQUESTS)):
        plan = plans.get((request.meta.namespace, request.status.built_plan or ""))
        level = levels.get((request.meta.namespace, request.spec.system))
        if plan is None or level is None or request.meta.deleting:
            continue
        ids = {item.name: item.id for item in request.status.resources}
        zone = zones.get(request.spec.zone)
        standard = DesktopStandard.of(zone, broker_key) if zone and broker_key else None
        if wanted := configuration_of(plan.spec.stack, ids, protection_level=level, desktops=standard):
            found.append((request, wanted))
    return found


def _plan(body: Any) -> Plan:
    return stored(PLANS, body)
