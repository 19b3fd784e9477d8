"""An inventory for people who run a step of a cutover by hand: the hosts of both sides and all that a step is told.

It is made of what the operator makes its own of, by the same functions, read through `kubectl`. Which step is run is
said with `-e kunlun_step=`; whether it may begin is asked by its first task.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from controllers.api.times import FORM
from controllers.cli.cutoverfacts import read_facts
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cutover.hosts import inventory_of, pins_of, sides_of
from controllers.cutover.playbook import known_pins
from controllers.cutover.variables import variables_of
from controllers.playbooks.reach import GuestAccess
from infra.errors import KunlunError

DOCUMENTATION = """
name: kunlun_cutover
short_description: Both sides of one cutover
description:
  - Hosts are control, source.NAME and target.SERVER. Groups are control, source, target, those of the source's hosts,
    and the entries of servers of the target.
options:
  plugin:
    description: Marks the file as one of this plugin.
    required: true
    choices: [kunlun_cutover]
  cutover:
    description: Name of the Cutover.
    env: [{name: KUNLUN_CUTOVER}]
    required: true
  namespace:
    description: Its namespace.
    env: [{name: KUNLUN_NAMESPACE}]
    required: true
  kubeconfig:
    description: How to reach the cluster; without it, as kubectl does.
    env: [{name: KUBECONFIG}]
  ssh_key:
    description: Private key that the hosts of both sides let in.
    env: [{name: KUNLUN_SSH_KEY}]
    required: true
  host_keys:
    description: Folder with SERVER-ID/host_key.pub of every server.
    env: [{name: KUNLUN_HOST_KEYS}]
    required: true
  ssh_user:
    description: Who logs in to guests.
    env: [{name: KUNLUN_SSH_USER}]
    default: root
  ssh_proxy:
    description: How a zone's management network is entered, as the operator's --ssh-proxy.
    env: [{name: KUNLUN_SSH_PROXY}]
    default: ""
  source_proxy:
    description: How hosts outside the cloud are entered, as the operator's --source-proxy.
    env: [{name: KUNLUN_SOURCE_PROXY}]
    default: ""
  hooks:
    description: Folder with the department's own tasks, as the operator's --cutover-hooks.
    env: [{name: KUNLUN_CUTOVER_HOOKS}]
    default: ""
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """As Ansible wants it."""

    NAME = "kunlun_cutover"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            self._fill()
        except (ClusterError, KunlunError) as error:
            raise AnsibleParserError(error.message) from error

    def _fill(self) -> None:
        kubeconfig, namespace = self.get_option("kubeconfig"), self.get_option("namespace")
        kubectl = Kubectl(namespace=namespace, kubeconfig=kubeconfig)
        facts = read_facts(kubectl, self.get_option("cutover"), now=datetime.now(UTC).strftime(FORM))
        access = GuestAccess(
            key=Path(self.get_option("ssh_key")),
            host_keys=Path(self.get_option("host_keys")),
            user=self.get_option("ssh_user"),
            proxy=self.get_option("ssh_proxy"),
            source_proxy=self.get_option("source_proxy"),
        )
        sides = sides_of(facts, access, known_pins(facts, Path(self.get_option("host_keys"))))
        pins = Path(constants.DEFAULT_LOCAL_TMP) / "known_hosts"
        pins.write_text(pins_of(sides), encoding="ascii")
        self._add(inventory_of(sides, access, str(pins), python=sys.executable)["all"])
        told = variables_of(facts, sides, hooks=self.get_option("hooks"))
        for name, value in {**told, "kunlun_kubeconfig": kubeconfig}.items():
            if value is not None:
                self.inventory.set_variable("all", name, value)

    def _add(self, told: dict[str, Any]) -> None:
        for name, variables in told["hosts"].items():
            self.inventory.add_host(name)
            for variable, value in variables.items():
                self.inventory.set_variable(name, variable, value)
        for group, content in told["children"].items():
            self.inventory.add_group(group)
            for name in content["hosts"]:
                self.inventory.add_child(group, name)
