"""Pipelines on real parts: twenty jobs run the script of docs/ci as it lies there, and half of them are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import xmlschema

from tests.conftest import REPOSITORY, Sandbox, kubectl_program
from tests.e2e.story import Story, a_story, eventually, leftovers, objects, project_of
from tests.e2e.test_signatures import QUIET, a_tenant_with

SCRIPT, ASKED = REPOSITORY / "docs/ci/environment.sh", REPOSITORY / "docs/ci/environment.yaml"
SCHEMA = json.loads((REPOSITORY / "docs/ci/environments.schema.json").read_text(encoding="utf-8"))
JUNIT = xmlschema.XMLSchema(REPOSITORY / "tests/unit/junit.xsd")
JOBS = 20
TIME_TO_LIVE, MINUTES = "5m", 5
KILLED_WITHIN_SECONDS = 75.0  # about as long as the cloud of one machine needs for all of them
REMOVED_WITHIN_SECONDS = 180.0
SEED = 6


@dataclass(frozen=True, slots=True)
class Job:
    """A shell job of the pipeline's own user, as a runner starts it: a process group, and a folder for its reports."""

    sandbox: Sandbox
    name: str
    folder: Path

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "log").open("ab")
        own = {"KUNLUN_NAME": self.name, "KUNLUN_TTL": TIME_TO_LIVE, "KUNLUN_KEEP": "1"}
        return subprocess.Popen(
            [str(SCRIPT), str(ASKED), *command],
            cwd=self.folder,
            env={**surroundings(self.sandbox), **own},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def report(self) -> dict[str, Any]:
        """What the job was told of its environment; it is as published."""
        document = json.loads((self.folder / "environment.json").read_text(encoding="utf-8"))
        jsonschema.validate(document, SCHEMA)
        assert [] == [str(error) for error in JUNIT.iter_errors(self.folder / "kunlun.xml")]
        return dict(document["environments"][0])


def surroundings(sandbox: Sandbox) -> dict[str, str]:
    """Of a runner: the programs, and the pipeline's kubeconfig."""
    programs = f"{Path(sys.executable).parent}:{kubectl_program().parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": programs, "KUBECONFIG": str(sandbox.kubeconfig("ci"))}


def requests(sandbox: Sandbox, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of the jobs that are there."""
    items = Story(sandbox, "").look("resourcerequests")["items"]
    return {item["metadata"]["name"]: item for item in items if item["metadata"]["name"] in names}


@contextmanager
def nobody_left(sandbox: Sandbox, names: Sequence[str]) -> Iterator[None]:
    """Whatever the test did, the environments are gone afterwards."""
    try:
        yield
    finally:
        sandbox.kubectl("ci", "delete", "rr", *names, "--ignore-not-found", "--wait=false", check=False)
        assert eventually(lambda: not requests(sandbox, names), REMOVED_WITHIN_SECONDS)


def kill_at_random(jobs: Sequence[subprocess.Popen[bytes]], chance: random.Random) -> None:
    """Each job once, with all its processes, at a moment of its own."""
    begun = time.monotonic()
    moments = sorted((chance.uniform(0, KILLED_WITHIN_SECONDS), number) for number in range(len(jobs)))
    for moment, number in moments:
        time.sleep(max(begun + moment - time.monotonic(), 0))
        os.killpg(jobs[number].pid, signal.SIGKILL)
        jobs[number].wait()


def test_twenty_jobs_at_once_half_of_them_killed(sandbox: Sandbox, tmp_path: Path) -> None:
    """The others get their environments; whatever was asked for is gone after its time; a neighbour notices nothing."""
    run = uuid.uuid4().hex[:6]
    jobs = [Job(sandbox, f"job-{run}-{number}", tmp_path / str(number)) for number in range(JOBS)]
    names, chance, project = [job.name for job in jobs], random.Random(SEED), project_of(sandbox)
    doomed = set(chance.sample(range(JOBS), JOBS // 2))
    with a_tenant_with(sandbox, monthlyTestBudgetYuan=JOBS * 90), a_story(sandbox, "neighbour") as neighbour:
        neighbour.apply(**QUIET)
        neighbour.approve()
        neighbour.ready()
        before, around = objects(sandbox, project, neighbour.uid()), leftovers(sandbox, project)
        with nobody_left(sandbox, names):
            running = [
                job.start("sh", "-c", "sleep 600" if number in doomed else 'echo "$KUNLUN_SERVER_WEB_0" > address')
                for number, job in enumerate(jobs)
            ]
            kill_at_random([running[number] for number in sorted(doomed)], chance)
            living = [number for number in range(JOBS) if number not in doomed]
            codes = {number: running[number].wait(timeout=MINUTES * 60) for number in living}
            assert {0} == set(codes.values()), [jobs[number].log for number in living if codes[number]]
            got_what_they_asked_for([jobs[number] for number in living])
            asked = requests(sandbox, names)
            assert {jobs[number].name for number in living} <= asked.keys()  # nothing went before its time
            assert JOBS // 2 < len(asked)  # some of the killed had asked already
            again = jobs[living[0]]
            uid = again.report["uid"]
            assert (0, uid) == (again.start("true").wait(timeout=60), again.report["uid"])
            assert eventually(lambda: not requests(sandbox, names), MINUTES * 60 + REMOVED_WITHIN_SECONDS)
        assert asked.keys() == expired(sandbox) & {*names}
        assert (before, around) == (objects(sandbox, project, neighbour.uid()), leftovers(sandbox, project))
        assert [] == neighbour.unplanned()


def got_what_they_asked_for(jobs: Sequence[Job]) -> None:
    """Each its own environment, ready, with an address that its command was given."""
    reports = {job.name: job.report for job in jobs}
    addresses = {(job.folder / "address").read_text(encoding="utf-8").strip() for job in jobs}

    assert {"Ready"} == {report["state"] for report in reports.values()}
    assert addresses == {report["servers"][0]["address"] for report in reports.values()}
    assert len(jobs) == len(addresses)
    assert all("expiryTime" in report and name == report["name"] for name, report in reports.items())


def expired(sandbox: Sandbox) -> set[str]:
    """Whose end was told."""
    told = sandbox.kubectl("ci", "get", "events", "--field-selector=reason=Expired", "-o", "json").stdout
    return {item["involvedObject"]["name"] for item in json.loads(told)["items"]}
