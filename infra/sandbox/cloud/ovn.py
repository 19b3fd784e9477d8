"""OVN and Open vSwitch on the userspace datapath, in a network namespace of their own."""

from __future__ import annotations

from infra.sandbox.cloud.services import await_program
from infra.sandbox.cloud.site import HOST, Site
from infra.sandbox.commands import attempt, run
from infra.sandbox.layout import SYSTEM_PATH
from infra.sandbox.processes import Program

OVSDB, SWITCH, NORTHD, CONTROLLER = "ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller"
SCHEMAS = {
    "conf": "/usr/share/openvswitch/vswitch.ovsschema",
    "nb": "/usr/share/ovn/ovn-nb.ovsschema",
    "sb": "/usr/share/ovn/ovn-sb.ovsschema",
}


def start(site: Site) -> None:
    """The switch has its bridges and OVN has its chassis."""
    start_database(site)
    ensure_namespace(site)
    settle_chassis(site)
    launch(
        site,
        SWITCH,
        "ip",
        "netns",
        "exec",
        site.netns,
        SWITCH,
        site.ovsdb,
        f"--unixctl={site.layout.run}/switch.ctl",
        "--monitor",  # 3.1.0 has assertions in its connection tracking that do not always hold
    )
    settle_bridges(site)
    northbound = (f"--ovnnb-db={site.ovsdb}", f"--ovnsb-db={site.ovsdb}", f"--unixctl={site.layout.run}/northd.ctl")
    launch(site, NORTHD, NORTHD, *northbound)
    # --monitor: 23.03 was seen to die silently in its first milliseconds on a busy machine.
    launch(site, CONTROLLER, CONTROLLER, site.ovsdb, "--monitor")
    await_program(site, CONTROLLER, lambda: has_chassis(site))


def start_database(site: Site) -> None:
    """One server process for the three databases: on a single host OVN does not need them apart."""
    files = {name: site.state / "ovs" / f"{name}.db" for name in SCHEMAS}
    for name, file in files.items():
        if not file.exists():
            fresh = file.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            run(["ovsdb-tool", "create", fresh, SCHEMAS[name]], env=site.service_environ())
            fresh.rename(file)
    remote = (f"--remote=p{site.ovsdb}", f"--unixctl={site.layout.run}/ovsdb.ctl")
    launch(site, OVSDB, OVSDB, *map(str, files.values()), "--no-chdir", *remote)
    await_program(site, OVSDB, lambda: attempt(vsctl(site, "--no-wait", "init"), env=site.environ).returncode == 0)


def settle_chassis(site: Site) -> None:
    """This host's identity to OVN, and which bridge leads to which zone."""
    mappings = ",".join(f"{zone.physical_network}:{zone.bridge}" for zone in site.zones)
    settings = {
        "system-id": HOST,
        "hostname": HOST,
        "ovn-remote": site.ovsdb,
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": "127.0.0.1",
        "ovn-bridge-datapath-type": "netdev",
        "ovn-bridge-mappings": mappings,
        "ovn-cms-options": "enable-chassis-as-gw",
        "ovn-monitor-all": "true",
    }
    pairs = [f'external_ids:{name}="{text}"' for name, text in settings.items()]
    run(vsctl(site, "--no-wait", "set", "Open_vSwitch", ".", *pairs), env=site.environ)


def settle_bridges(site: Site) -> None:
    """The integration bridge, and one provider bridge for each zone, in one transaction."""
    words: list[object] = []
    for bridge in ("br-int", *(zone.bridge for zone in site.zones)):
        words += ["--", "--may-exist", "add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev"]
    run(vsctl(site, *words[1:], "--", "set", "bridge", "br-int", "fail_mode=secure"), env=site.environ)


def ensure_namespace(site: Site) -> None:
    if attempt(["ip", "-n", site.netns, "link", "set", "lo", "up"], env=site.environ).returncode:
        run(["ip", "netns", "add", site.netns], env=site.environ)
        run(["ip", "-n", site.netns, "link", "set", "lo", "up"], env=site.environ)


def remove_namespace(netns: str) -> None:
    """The namespace goes, and with it every device in it."""
    attempt(["ip", "netns", "delete", netns], env={"PATH": SYSTEM_PATH})


def has_chassis(site: Site) -> bool:
    argv = ["ovn-sbctl", f"--db={site.ovsdb}", "--timeout=5", "--bare", "--columns=name", "list", "Chassis"]
    listed = attempt(argv, env=site.environ)
    return HOST in listed.stdout


def vsctl(site: Site, *words: object) -> list[object]:
    return ["ovs-vsctl", f"--db={site.ovsdb}", "--timeout=20", *words]


def launch(site: Site, name: str, *argv: str) -> None:
    files = (f"--pidfile={site.layout.run}/{name}.pid", "-vconsole:warn", "-vsyslog:off", "-vfile:off")
    program = Program(name, (*argv, *files), site.layout.log(name), site.service_environ(), site.layout.home)
    site.processes.launch(program)
