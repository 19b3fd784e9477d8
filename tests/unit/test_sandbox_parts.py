"""The parts of the sandbox that decide something: steps, ports, zones, folders, found programs."""

from __future__ import annotations

import base64
import json
import socket
import stat
from pathlib import Path

import pytest
from cryptography import x509

import policies
from infra.errors import PlatformError
from infra.sandbox import toolchain
from infra.sandbox.certificates import Authority
from infra.sandbox.cloud.environment import service_version
from infra.sandbox.cloud.seed import SOURCES, end_abandoned, ensure_seed, restore
from infra.sandbox.cloud.zonefacts import private_uplink, read_zones
from infra.sandbox.errors import NotReady, SandboxFailed
from infra.sandbox.graph import Step, run_steps
from infra.sandbox.layout import Layout, cache_folder, child_environment, write_private
from infra.sandbox.packages import missing_packages
from infra.sandbox.personas import PERSONAS, write_kubeconfigs
from infra.sandbox.ports import FIRST, Ports, reserved_ports
from infra.sandbox.record import Record, ensure_ours, read_record, write_record
from infra.sandbox.stamps import Stamps
from infra.sandbox.waiting import wait_until


def quiet(_: str) -> None:
    """Say nothing."""


def test_steps_run_after_what_they_need() -> None:
    """Every step runs once, after its needs."""
    order: list[str] = []
    steps = {name: Step(lambda name=name: order.append(name), needs) for name, needs in (("c", ("b",)), ("b", ("a",)))}  # type: ignore[misc]
    run_steps({**steps, "a": Step(lambda: order.append("a"))}, quiet)

    assert ["a", "b", "c"] == order


def test_every_failure_is_reported_and_nothing_starts_after_it() -> None:
    """Two broken parts are told of at once; what needs them does not run."""
    reached: list[str] = []

    def broken() -> None:
        raise SandboxFailed("the first is broken")

    def bug() -> None:
        raise ValueError("surprise")

    steps = {"one": Step(broken), "two": Step(lambda: reached.append("two"), ("one",)), "bug": Step(bug)}
    with pytest.raises(SandboxFailed) as failure:
        run_steps(steps, quiet)

    assert "one: the first is broken" in failure.value.message
    assert [] == reached
    assert isinstance(failure.value, PlatformError)


def test_waiting_ends_at_its_deadline() -> None:
    """A probe that cannot connect is asked again, but not for ever."""

    def refused() -> bool:
        raise ConnectionRefusedError

    with pytest.raises(NotReady, match="the thing was not ready"):
        wait_until("the thing", refused, deadline_seconds=0.05, every_seconds=0.01)


def test_a_taken_base_is_passed_over(tmp_path: Path) -> None:
    """Ports that somebody listens on, or that another start holds, are not chosen; a stopped one gets its own back."""
    with reserved_ports(tmp_path, remembered=None, in_use=False) as first:
        with reserved_ports(tmp_path, remembered=first.base, in_use=False) as second:
            assert first.base != second.base
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", second.base + 3))
            taken.listen()
            with reserved_ports(tmp_path, remembered=second.base, in_use=False) as third:
                assert second.base != third.base
    with reserved_ports(tmp_path, remembered=first.base, in_use=False) as again:
        assert first == again


def test_a_running_sandbox_keeps_its_ports(tmp_path: Path) -> None:
    """While anything of it runs, its ports are what they were, whoever listens there."""
    with reserved_ports(tmp_path, remembered=FIRST, in_use=True) as ports:
        assert Ports(FIRST) == ports


def test_the_zones_of_the_policy_become_facts_of_the_cloud() -> None:
    """A private uplink is what the zone reserves; the public one has addresses that belong to nobody."""
    zones = {zone.name: zone for zone in read_zones(Path(policies.__file__).parent / "zones.yaml")}

    assert {"extranet", "private", "internet"} == set(zones)
    assert ("10.10.0.0/24", "10.10.0.1") == (zones["extranet"].uplink_cidr, zones["extranet"].gateway)
    assert ("198.51.100.0/24", True) == (zones["internet"].uplink_cidr, zones["internet"].public)
    assert all(len(zone.bridge) <= 15 for zone in zones.values())


def test_without_a_reserve_the_uplink_is_the_start_of_the_prefixes() -> None:
    """A zone must not need the reserve only for the sandbox."""
    assert "10.40.0.0/24" == private_uplink(["10.40.0.0/16"], [])
    assert "10.40.0.0/26" == private_uplink(["10.40.0.0/26"], [])


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """`down --wipe` removes the folder, so it must be ours."""
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(SandboxFailed, match="holds no sandbox"):
        ensure_ours(Layout(tmp_path))


def test_a_path_too_long_for_sockets_is_refused_at_once(tmp_path: Path) -> None:
    """Otherwise a service would fail much later, with words nobody understands."""
    with pytest.raises(SandboxFailed, match="too long"):
        ensure_ours(Layout(tmp_path / ("x" * 80)))


def test_the_record_survives_and_a_broken_one_is_forgotten(tmp_path: Path) -> None:
    """What a sandbox remembers is read back; half a file is no file."""
    layout, record = Layout(tmp_path), Record(base=20040, cinder=True, starts={"warm": 6.1})
    write_record(layout, record)
    assert record == read_record(layout)

    layout.record.write_text('{"base": 200')
    assert Record() == read_record(layout)


def test_private_files_are_private(tmp_path: Path) -> None:
    """Keys, tokens and passwords are readable by their owner only."""
    write_private(tmp_path / "key", "secret")

    assert 0o600 == stat.S_IMODE((tmp_path / "key").stat().st_mode)


def test_stamps_hold_for_one_value_only(tmp_path: Path) -> None:
    """A new version is a new thing to do; a torn file means nothing was done."""
    stamps = Stamps(tmp_path / "stamps.json")
    stamps.put("schema", "1")
    assert (True, False) == (stamps.has("schema", "1"), stamps.has("schema", "2"))

    stamps.path.write_text('{"schema"')
    assert not stamps.has("schema", "1")


def test_the_cache_is_where_the_user_wants_it(tmp_path: Path) -> None:
    """$KUNLUN_CACHE, else $XDG_CACHE_HOME/kunlun, else ~/.cache/kunlun."""
    assert tmp_path == cache_folder({"KUNLUN_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/elsewhere"})
    assert Path("/elsewhere/kunlun") == cache_folder({"XDG_CACHE_HOME": "/elsewhere"})
    assert Path.home() / ".cache" / "kunlun" == cache_folder({})


def test_children_do_not_inherit_what_would_lead_them_astray() -> None:
    """Somebody's own cloud or Python settings are not the sandbox's."""
    inherited = child_environment({"PATH": "/opt/bin", "OS_CLOUD": "x", "PYTHONDONTWRITEBYTECODE": "1"})

    assert ["PATH"] == list(inherited)
    assert inherited["PATH"].startswith("/opt/bin:/usr/local/sbin:")


@pytest.mark.parametrize(
    ("release", "usable"), [("v3.259.0", True), ("v3.259.7", True), ("v3.260.0", False), ("v2.259.0", False)]
)
def test_pulumi_from_path_must_be_of_the_pinned_release(tmp_path: Path, release: str, usable: bool) -> None:
    """Its command line refuses, or misunderstands, a Python package of another release."""
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\necho {release}\n")
    program.chmod(0o755)
    found = toolchain.on_path(toolchain.PULUMI, {"PATH": f"{tmp_path}:/bin"})

    assert (program if usable else None) == found


def test_without_go_the_missing_program_is_named_in_one_sentence(tmp_path: Path) -> None:
    """Whoever has neither the program nor Go is told which of them to install."""
    with pytest.raises(SandboxFailed, match=r"`etcd` v3\.6\.14 is neither on PATH nor in the cache") as failure:
        toolchain.ensure_tool(toolchain.ETCD, tmp_path, {"PATH": str(tmp_path)}, quiet)
    assert "\n" not in failure.value.message


@pytest.mark.parametrize("tool", toolchain.TOOLS, ids=lambda tool: str(tool.name))
def test_every_tool_is_pinned_by_its_wrapper_module(tool: toolchain.Tool) -> None:
    """What we say we build is what the checked-in go.mod says."""
    module = Path(toolchain.__file__).parent / tool.family / "go.mod"

    assert f" {tool.release}" in module.read_text()
    assert module.with_name("go.sum").exists()


def test_pulumi_is_of_the_release_of_its_python_package() -> None:
    """They talk a private protocol."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()

    assert f'"pulumi=={toolchain.PULUMI_RELEASE.removeprefix("v")}"' in project


def test_missing_packages_are_told_by_their_programs() -> None:
    """A package counts as there when its programs are."""
    wanted = {"coreutils": ("ls",), "nothing-such": ("no-such-program",)}
    assert ["nothing-such"] == missing_packages(wanted)


def test_personas_have_certificates_in_their_own_names(tmp_path: Path) -> None:
    """User and group come from the certificate: nobody can choose them."""
    layout = Layout(tmp_path)
    layout.ensure_folders()
    authority = Authority(layout.cluster)
    write_kubeconfigs(layout, "https://127.0.0.1:1", authority)
    for persona in PERSONAS:
        config = json.loads((layout.users / f"{persona.name}.kubeconfig").read_text())
        pem = base64.b64decode(config["users"][0]["user"]["client-certificate-data"])
        subject = x509.load_pem_x509_certificate(pem).subject.rfc4514_string()

        assert f"CN={persona.user},O={persona.group}" == subject
        assert persona.namespace == config["contexts"][0]["context"]["namespace"]


def test_identities_are_made_once(tmp_path: Path) -> None:
    """A second start keeps keys and certificates, so that what people copied still works."""
    first = Authority(tmp_path).client("li.na", ["kunlun:civil-affairs"])

    assert first == Authority(tmp_path).client("li.na", ["kunlun:civil-affairs"])


def test_a_seed_is_made_once_and_restored_whole(tmp_path: Path) -> None:
    """The second sandbox unpacks what the first one made; a half restore does not count."""
    seed, made = tmp_path / "seeds" / "a.tar.gz", []

    def make(workshop: Layout) -> None:
        made.append(workshop)
        workshop.cloud.mkdir(parents=True)
        (workshop.cloud / "password").write_text("x")

    assert [True, False] == [ensure_seed(seed, make), ensure_seed(seed, make)]
    layout = Layout(tmp_path / "home")
    (layout.home / "cloud.new" / "rubbish").mkdir(parents=True)
    restore(seed, layout)

    assert 1 == len(made)
    assert "x" == (layout.cloud / "password").read_text()
    assert ["cloud"] == [path.name for path in layout.home.iterdir()]


def test_an_abandoned_seed_is_cleared_away_and_one_in_the_making_is_not(tmp_path: Path) -> None:
    """`down` ends what a killed first start left; it does not spoil another sandbox's start."""
    ended: list[Layout] = []

    def make(workshop: Layout) -> None:
        workshop.cloud.mkdir(parents=True)
        end_abandoned(tmp_path, ended.append)

    ensure_seed(tmp_path / "seeds" / "a.tar.gz", make)
    assert [] == ended
    (tmp_path / "seeds" / "making").mkdir()
    end_abandoned(tmp_path, ended.append)
    assert [tmp_path / "seeds" / "making"] == [layout.home for layout in ended]
    assert not (tmp_path / "seeds" / "making").exists()


def test_all_that_a_seed_depends_on_exists() -> None:
    """A renamed module must not silently drop out of the seed's key."""
    assert [] == [str(source) for source in SOURCES if not source.is_file()]


def test_services_are_pinned() -> None:
    """A stamp names the version of the schema, so every service's version is known."""
    services = ("keystone", "glance", "placement", "nova", "neutron", "cinder")

    assert all(service_version(service).split(".")[0].isdigit() for service in services)
