"""Terraform or OpenTofu, with the OpenStack provider: one apply, one destroy, as many calls at once as it is given."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.rivals.order import HERE, Order, Tool
from tests.bench.rivals.tools import provider, terraform
from tests.bench.stage import Stage

SOURCE = "terraform-provider-openstack/openstack"
FLAGS = ("-auto-approve", "-input=false", "-no-color", "-parallelism=32")


def terraform_tool(stage: Stage) -> Tool:
    """Its provider is named in a file of settings, so that no registry is asked and no `init` is needed."""
    found, folder = terraform(), provider()
    absent = "" if found else "neither terraform nor tofu is on PATH"
    if found and folder is None:
        absent = f"{found.name} is there, its OpenStack provider is not"

    def commands(place: Path, order: Order) -> tuple[Sequence[object], Sequence[object]]:
        shutil.copy(HERE / "standard.tf", place)
        (place / "terraform.tfvars.json").write_text(json.dumps(asdict(order)))
        overrides = f'provider_installation {{\n  dev_overrides {{ "{SOURCE}" = "{folder}" }}\n  direct {{}}\n}}\n'
        (place / "settings.tfrc").write_text(overrides)
        settings = ("env", f"TF_CLI_CONFIG_FILE={place / 'settings.tfrc'}", str(found))
        return (*settings, "apply", *FLAGS), (*settings, "destroy", *FLAGS)

    environment = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    return Tool("terraform", "HashiCorp Terraform", absent, stage, commands, environment)
