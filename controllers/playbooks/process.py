"""One run of a playbook, in a process of its own: `python -m controllers.playbooks.process FOLDER`.

The only module that speaks to ansible-runner, which forks from where it runs and waits by blocking. It prints a
`Moment` a line, and nothing else; what Ansible itself prints is in the folder. Everything that matters is in the
environment and in `run.json`, written by `controllers.playbooks.runs`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from controllers.playbooks.moments import Moment, moment_from_event
from infra.wire import WireModel


class Errand(WireModel):
    """What is to be run."""

    playbook: Path
    inventory: Path
    variables: Path | None = None
    deadline_seconds: int
    forks: int


def run(folder: Path) -> str:
    """Run the errand in the folder to its end; how it ended, in the runner's words."""
    from ansible_runner.config.runner import RunnerConfig
    from ansible_runner.runner import Runner

    errand = Errand.model_validate_json((folder / "run.json").read_text())
    variables = f" --extra-vars @{errand.variables}" if errand.variables else ""
    config = RunnerConfig(
        private_data_dir=str(folder),
        project_dir=str(errand.playbook.parent),
        playbook=str(errand.playbook),
        inventory=str(errand.inventory),
        ident="output",
        timeout=errand.deadline_seconds,
        quiet=True,
        fact_cache_type="none",
        cmdline=f"--forks {errand.forks}{variables}",
    )
    config.prepare()
    status, _ = Runner(config, event_handler=_told).run()
    return str(status)


def _told(event: dict[str, Any]) -> bool:
    """Pass the moments on; False: the event itself, with all that modules were given, is not kept."""
    for moment in moment_from_event(event):
        _say(moment)
    return False


def _say(moment: Moment) -> None:
    sys.stdout.write(f"{moment.model_dump_json(exclude_defaults=True)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(Moment(what="end", ended=run(Path(sys.argv[1]))))
