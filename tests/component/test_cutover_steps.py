"""The plays of a cutover on real hosts: a web server and its PostgreSQL, a client that always writes, and kills."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.component.cutover_bench import NEW_DB, NEW_WEB, OLD_DB, OLD_WEB, Moving, a_moving_system
from tests.component.guest_bench import a_bench
from tests.e2e.moving import system
from tests.e2e.moving.client import always_writing

FORWARD = {
    "Preflight": "preflight : Ask the host",
    "Adapt": "callers : Say where callers are served",
    "Rehearse": "copy_database : Copy",
    "StartTrial": "fence : Start it",
    "StressTrial": "stress : Send the load",
    "EndTrial": "fence : Freeze each database",
    "FreezeSource": "fence : Let nobody in",
    "FinalSync": "copy_database : Copy",
    "VerifyCopy": "copy_database : Compare",
    "SwitchCallers": "callers : Load what is written",
    "VerifyZones": "way : Ask as a caller",
    "UnfreezeTarget": "fence : Put the rules in force",
    "Watch": "watch : Look until",
    "Retain": "retain : Remember",
}
BACK = {
    "FreezeTarget": "fence : Let nobody in",
    "CountLosses": "copy_database : Count the rows",
    "ReturnCallers": "callers : Load what is written",
    "UnfreezeSource": "fence : Start it",
}
ANEW = {"Rehearse", "FinalSync"}  # a database is replaced as a whole; that it is the same says the next step
LOOKS = {"VerifyCopy", "VerifyZones", "Retain", "CountLosses"}  # what they find is the same until somebody writes
A_PACKAGE_SOURCE = """
mkdir -p /opt/packages && cd /opt/packages
for version in 1 2; do
    mkdir -p $version/DEBIAN
    printf 'Package: permits-tool\nVersion: %s\nArchitecture: all\nMaintainer: li.na\nDescription: nothing\n' $version \
        >$version/DEBIAN/control
    dpkg-deb --build $version permits-tool_$version.deb
done
dpkg --install permits-tool_1.deb
{
    dpkg-deb --field permits-tool_2.deb
    echo "Filename: ./permits-tool_2.deb"
    echo "Size: $(stat --format %s permits-tool_2.deb)"
    echo "SHA256: $(sha256sum permits-tool_2.deb | cut -d ' ' -f 1)"
} >Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/opt/packages ./' >/etc/apt/sources.list
"""


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    with a_bench() as bench:
        yield a_moving_system(bench, tmp_path_factory.mktemp("cutover"))


def done(moving: Moving, name: str, kill_at: str) -> dict[str, str]:
    """The step is killed in its middle, and repeated under its key; then it is done, and once more changes nothing."""
    assert moving.killed(name, at=kill_at), f"{name} did not come to: {kill_at}"
    ran = moving.step(name)
    assert 0 == ran.code, ran.said[-6000:]
    again = moving.step(name)
    assert 0 == again.code and (name in ANEW or 0 == again.changes), again.said[-6000:]
    assert name not in LOOKS or ran.measured == again.measured
    return dict(ran.measured)


def test_there_and_back_with_a_kill_in_every_step(moving: Moving, tmp_path: Path) -> None:
    """No acknowledged write is lost or doubled by the way there; the way back names exactly what it loses."""
    old_web, old_db, new_web, new_db = (moving.machines[name] for name in (OLD_WEB, OLD_DB, NEW_WEB, NEW_DB))
    for name in ("Preflight", "Adapt"):
        done(moving, name, FORWARD[name])
    told: dict[str, dict[str, str]] = {}
    with always_writing(moving.bench.namespace, f"http://{old_web.address}:80", tmp_path / "client") as client:
        for name in list(FORWARD)[2:]:
            told[name] = done(moving, name, FORWARD[name])
    kept = system.kept(new_db)

    assert client.acknowledged() <= set(kept) and len(kept) == len(set(kept))
    assert {number for number in client.acknowledged() if number % 10 == 0} <= system.uploaded(new_web)
    assert {} != told["Rehearse"] and "0" != told["VerifyCopy"]["rows of permits.public.permits"]
    assert ("000", "200") == (moving.fetch(OLD_WEB, 8080), moving.fetch(NEW_WEB, 8080))
    assert "2099-01-01" in (settings := system.role_settings(old_db)) and settings == system.role_settings(new_db)
    first = set(system.kept(old_db))
    back = {name: done(moving, name, at) for name, at in BACK.items()}
    lost = set(system.kept(new_db)) - first  # and what was under way when the client ended
    assert len(lost) > 0
    assert f"{len(lost)} added, 0 changed, 0 removed" == back["CountLosses"]["permits.public.permits"]
    files = sum(number % 10 == 0 for number in lost)
    assert len(lost) + files == int(back["CountLosses"]["writes"])
    assert ("200", "000") == (moving.fetch(OLD_WEB, 80), moving.fetch(NEW_WEB, 8080))


def test_a_side_is_not_opened_beside_one_that_is_not_seen_to_be_frozen(moving: Moving) -> None:
    """Neither while the other serves, nor while one of its hosts does not answer."""
    served = moving.step("UnfreezeTarget", key="both")
    assert 0 != served.code and "000" == moving.fetch(NEW_WEB, 8080)

    assert 0 == moving.step("FreezeSource", key="unseen").code
    late = moving.step("UnfreezeTarget", key="unseen", step_until="2026-01-01T00:00:00Z")
    assert 0 != late.code and "others wait for this step until" in late.said and "000" == moving.fetch(NEW_WEB, 8080)
    moving.machines[OLD_DB].run("/bin/sh", "-ec", "ip link set eth0 down")
    try:
        unseen = moving.step("UnfreezeTarget", key="unseen", kunlun_answer_seconds=5)
    finally:
        moving.machines[OLD_DB].run("/bin/sh", "-ec", "ip link set eth0 up")
    assert 0 != unseen.code and "000" == moving.fetch(NEW_WEB, 8080)
    assert 0 == moving.step("UnfreezeSource", key="unseen").code


def test_what_keeps_the_place_of_the_service_is_found_before_the_cut(moving: Moving) -> None:
    """A server of the target that is no unit of its side fails the end of a trial, in words."""
    listening = "nohup python3 -m http.server 8080 >/dev/null 2>&1 & echo $!"
    process = moving.machines[NEW_WEB].run("/bin/sh", "-ec", listening).strip()
    try:
        taken = moving.step("EndTrial", key="taken")
    finally:
        moving.machines[NEW_WEB].run("kill", process)
    assert 0 != taken.code and "has to be named in `spec.service.target`" in taken.said, taken.said[-6000:]
    assert 0 == moving.step("EndTrial", key="taken").code


def test_a_folder_that_somebody_writes_into_is_not_frozen(moving: Moving) -> None:
    """Whoever has a file below it open for writing is named, and be the folder behind a link."""
    writing = f"nohup sleep 600 >{system.UPLOADS}/open.txt 2>/dev/null & echo $!"
    process = moving.machines[OLD_WEB].run("/bin/sh", "-ec", writing).strip()
    try:
        written = moving.step("FreezeSource", key="written")
    finally:
        moving.machines[OLD_WEB].run("/bin/sh", "-ec", f"kill {process}; rm {system.UPLOADS}/open.txt")
    assert 0 != written.code and "/data/uploads/open.txt" in written.said, written.said[-6000:]
    assert 0 == moving.step("UnfreezeSource", key="written").code


def test_a_copy_that_differs_is_found_and_made_good(moving: Moving) -> None:
    """A row and a file changed behind everybody's back fail the comparison by name; the next copy is whole."""
    assert 0 == moving.step("FreezeSource", key="differs").code
    assert 0 == moving.step("FinalSync", key="differs").code
    changed = "BEGIN READ WRITE; UPDATE permits SET number = -1 WHERE id = 1; COMMIT"
    moving.machines[NEW_DB].sql(changed, "permits")
    name = f"{system.UPLOADS}/10.txt"
    script = f't=$(stat -c %y {name}); echo permit 99 >{name}; touch -d "$t" {name}'
    moving.machines[NEW_WEB].run("/bin/sh", "-ec", script)
    files = moving.step("VerifyCopy", key="differs")
    assert 0 != files.code and "10.txt" in files.said
    assert 0 == moving.step("FinalSync", key="differs-2").code
    assert 0 == moving.step("VerifyCopy", key="differs-2").code

    moving.machines[NEW_DB].sql(changed, "permits")
    rows = moving.step("VerifyCopy", key="differs-2")
    assert 0 != rows.code and "table public.permits" in rows.said
    assert 0 == moving.step("UnfreezeSource", key="differs").code


def test_an_old_host_is_adapted_as_it_is_asked(moving: Moving) -> None:
    """Packages come to what the package source has, once; PostgreSQL is not brought back."""
    old = moving.machines[OLD_DB]
    old.run("/bin/sh", "-ec", A_PACKAGE_SOURCE)
    wanted = [{"host": OLD_DB, "packages": "UpToDate", "postgres_major": 15}]
    first, second = (moving.step("Adapt", key="adapt", kunlun_adapt=wanted) for _ in range(2))

    assert (0, 0, 0) == (first.code, second.code, second.changes), first.said[-6000:] + second.said[-6000:]
    assert ("1", "0") == tuple(ran.measured[f"changes {OLD_DB}"] for ran in (first, second))
    assert "permits-tool\t2" == old.run("dpkg-query", "--show", "permits-tool").strip()
    back = [{"host": OLD_DB, "postgres_major": 14}]
    for step in ("Preflight", "Adapt"):
        refused = moving.step(step, key="back", kunlun_adapt=back)
        assert 0 != refused.code and "cannot be brought back to 14" in refused.said


def test_a_watch_that_fails_says_how_often(moving: Moving) -> None:
    """What the operator rolls back by is written down, with the failure. None is over before everybody has looked."""
    short = moving.step("Watch", kunlun_watch={"seconds": 0, "every_seconds": 1, "failures": 3})
    assert 0 == short.code and int(short.measured["looks"]) > 0, short.said[-6000:]
    assert 0 == moving.step("FreezeSource", key="watch").code
    ran = moving.step("Watch", kunlun_watch={"seconds": 60, "every_seconds": 1, "failures": 3})
    assert 0 != ran.code and '"failures in a row": "3"' in ran.said, ran.said[-6000:]
    assert 0 == moving.step("UnfreezeSource", key="watch").code


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("Watch", {"kunlun_watch": {"seconds": "soon", "every_seconds": 1, "failures": 3}}),
        ("Retain", {"kunlun_retention": {"keep": "Perhaps", "afterwards": "Erase"}}),
        ("Rehearse", {"kunlun_databases": [{"name": "permits", "database": "permits", "source": OLD_DB,
                                            "target": NEW_DB, "method": "magic"}]}),
    ],
)  # fmt: skip
def test_wrong_inputs_are_refused_before_anything_is_done(moving: Moving, step: str, wrong: dict[str, Any]) -> None:
    """By the specification of the role's arguments, in words."""
    ran = moving.step(step, key="wrong", **wrong)
    assert 0 != ran.code and "Validating arguments against arg spec" in ran.said


def test_a_released_original_is_erased_once(moving: Moving) -> None:
    """Only what is frozen is released; afterwards nothing of it is there, and a second release changes nothing."""
    assert 0 != moving.step("Release", key="release").code
    assert 0 == moving.step("FreezeSource", key="release").code
    left = "pg_createcluster 15 before; echo 15 before >/etc/kunlun/postgres-upgraded"
    moving.machines[OLD_DB].run("/bin/sh", "-ec", left)
    kept = {"keep": "ReadOnly", "afterwards": "Erase"}
    assert 0 == moving.step("Retain", key="release", kunlun_retention=kept | {"until": "2099-01-01T00:00:00Z"}).code
    early = moving.step("Release", key="release")
    assert 0 != early.code and "is kept until 2099-01-01T00:00:00Z" in early.said
    assert 0 == moving.step("Retain", key="release", kunlun_retention=kept | {"until": "2026-01-01T00:00:00Z"}).code
    assert moving.killed("Release", at="release : Erase what is in each folder", key="release")
    first, second = moving.step("Release", key="release"), moving.step("Release", key="release")

    assert (0, 0, 0) == (first.code, second.code, second.changes), first.said[-6000:]
    assert "" == moving.machines[OLD_WEB].run("ls", system.UPLOADS)
    assert ["main"] == moving.machines[OLD_DB].run("/bin/sh", "-ec", "pg_lsclusters -h | awk '{print $2}'").split()
    assert "" == moving.machines[OLD_DB].sql("SELECT datname FROM pg_database WHERE datname = 'permits'")
