"""The operator's settings: everything that may differ between two installations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Given on the command line of `kunlun run`; times in seconds."""

    cloud: str
    clouds_yaml: Path | None
    kubeconfig: Path | None
    pulumi: Path
    state: Path
    stages: Path | None = None  # the procedure; without it, the one of this release
    lease: tuple[str, str] = ("kunlun-system", "kunlun-operator")  # namespace, name
    metrics_address: tuple[str, int] | None = None  # host, port; None: nothing is served
    desktop_url: str = "https://desktops.invalid"  # of the broker, as browsers reach it
    ssh_key: Path | None = None
    host_keys: Path | None = None
    ssh_user: str = "root"
    ssh_proxy: str = ""
    source_proxy: str = ""  # to the hosts of systems that are still outside the cloud
    broker_key: str = ""  # public: what desktops let in, to show their screen
    playbook_deadline_seconds: float = 1800.0
    playbooks_at_once: int = 4
    cutover_hooks: str = ""  # folder of the departments' own tasks; empty: none
    trial_day_seconds: float = 86_400.0  # in a sandbox nobody waits a day
    observe_interval_seconds: float = 300.0
    catalogue_interval_seconds: float = 600.0
    call_deadline_seconds: float = 60.0
    server_poll_seconds: float = 0.25
    build_deadline_seconds: float = 1800.0
    # A call that a killed process had sent may still take effect; before looking, this long is waited.
    recovery_delay_seconds: float = 4.0
    # What was built and is not listed is looked for again after these pauses before it is taken for gone.
    second_looks_seconds: tuple[float, ...] = (0.5, 1.5)
