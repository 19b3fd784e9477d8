"""What one host says is what another hears: two SSH sessions, joined on the control node.

So neither side needs a way to the other, nor a key of the other. Nothing that passes is kept here, or shown.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

CHUNK = 1 << 18
LONGEST_WORDS = 2000
MOST_HEARD = 1 << 20
WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM")  # a playbook that is killed leaves no copying behind
ALWAYS = ("ControlMaster=no", "ControlPath=none", "BatchMode=yes", "ServerAliveInterval=15")
YES = {"true", "yes", "1"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run `argv` on the task's host, fed with what `speaker_argv` says on the host `speaker`.

    With `both_ways` the speaker hears the listener, too. Both have to end well within `seconds`. Returns what the
    listener said on its standard output (not `both_ways`) and error output, how many bytes came, and how long it took.
    """

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"speaker", "speaker_argv", "argv", "both_ways", "seconds"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given, known, here = self._task.args, (task_vars or {})["hostvars"], (task_vars or {})["inventory_hostname"]
        speaker = self.ssh_argv(known[given["speaker"]], given["speaker_argv"])
        listener = self.ssh_argv(known[here], given["argv"])
        begun = time.monotonic()
        joined = Joined(speaker, listener, both_ways=bool(given.get("both_ways", False)))
        if why := joined.run(float(given.get("seconds", 3600))):
            raise AnsibleActionFail(f"from {given['speaker']} to {here}: {why}")
        seconds = round(time.monotonic() - begun, 1)
        return {**result, "changed": True, "bytes": joined.passed, "seconds": seconds, **joined.heard()}

    @staticmethod
    def ssh_argv(known: Mapping[str, Any], argv: Sequence[Any]) -> list[str]:
        """The command that runs `argv` on a host as root, reached as the inventory says."""
        options = shlex.split(str(known.get("ansible_ssh_common_args", "")))
        options += [word for option in ALWAYS for word in ("-o", option)]
        if key := known.get("ansible_ssh_private_key_file"):
            options += ["-i", str(key)]
        if port := known.get("ansible_port"):
            options += ["-p", str(port)]
        words = [str(word) for word in argv]
        if str(known.get("ansible_become", False)).lower() in YES:
            words = ["sudo", "-n", "--", *words]
        guard = WITH_ITS_PARENT if shutil.which(WITH_ITS_PARENT[0]) else ()
        user = str(known.get("ansible_user", "root"))
        return [*guard, "ssh", *options, "-l", user, "--", str(known["ansible_host"]), shlex.join(words)]


class Joined:
    """Two processes, each a session on a host, and what passes between them."""

    def __init__(self, speaker: Sequence[str], listener: Sequence[str], *, both_ways: bool) -> None:
        self.both_ways, self.passed = both_ways, 0
        self._said = {"speaker": bytearray(), "listener": bytearray(), "stdout": bytearray()}
        self.speaker = _process(speaker, subprocess.PIPE if both_ways else subprocess.DEVNULL)
        self.listener = _process(listener, subprocess.PIPE)

    def run(self, seconds: float) -> str:
        """To the end of both; why it did not end well, if so. Nothing of it runs here afterwards."""
        threads = [threading.Thread(target=one, daemon=True) for one in self._streams()]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        try:
            codes = [one.wait(max(deadline - time.monotonic(), 0)) for one in (self.listener, self.speaker)]
        except subprocess.TimeoutExpired:
            return f"not done within {seconds:.0f} seconds"
        finally:
            for process in (self.speaker, self.listener):
                process.kill()
                process.wait()
            for thread in threads:
                thread.join(5)
        return self._why(codes)

    def heard(self) -> dict[str, str]:
        """What the listener said; of its error output the last words only."""
        words = {name: said.decode(errors="replace") for name, said in self._said.items()}
        return {"stdout": words["stdout"], "stderr": words["listener"][-LONGEST_WORDS:]}

    def _streams(self) -> list[Any]:
        back = self.speaker.stdin if self.both_ways else None
        return [
            lambda: self._pass_on(self.speaker.stdout, self.listener.stdin, counted=True),
            lambda: self._pass_on(self.listener.stdout, back) if back else self._keep("stdout", self.listener.stdout),
            lambda: self._keep("speaker", self.speaker.stderr),
            lambda: self._keep("listener", self.listener.stderr),
        ]

    def _pass_on(self, heard: IO[bytes], told: IO[bytes], *, counted: bool = False) -> None:
        """Until one side ends; the other hears of it by the end of its input, or when it speaks."""
        with suppress(BrokenPipeError, ValueError):
            while chunk := os.read(heard.fileno(), CHUNK):
                told.write(chunk)
                told.flush()
                self.passed += len(chunk) if counted else 0
        for stream in (told, heard):
            with suppress(OSError):
                stream.close()

    def _keep(self, name: str, heard: IO[bytes]) -> None:
        while chunk := os.read(heard.fileno(), CHUNK):
            self._said[name] += chunk
            del self._said[name][:-MOST_HEARD]

    def _why(self, codes: Sequence[int]) -> str:
        parts = zip(("listener", "speaker"), codes, strict=True)
        words = {name: self._said[name].decode(errors="replace").strip()[-LONGEST_WORDS:] for name in self._said}
        return "; ".join(f"the {name} ended with {code}: {words[name]}" for name, code in parts if code)


def _process(argv: Sequence[str], stdin: int) -> Any:
    """With the environment of Ansible's own connections: whoever ends a run by its marks ends these, too."""
    return subprocess.Popen(list(argv), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
