"""Keeping the guests: look at the cloud, do what differs, again and again, in a process of its own.

It knows nothing but what it sees: killed anywhere, the next one looks at what is here and goes on.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from infra.cloud import Cloud, Clouds, Limits
from infra.cloud_answers import Absent
from infra.errors import KunlunError
from infra.sandbox.commands import attempt
from infra.sandbox.guests import body
from infra.sandbox.guests.eye import Eye
from infra.sandbox.guests.facts import Guest, World, address_of, is_settled, world_of
from infra.sandbox.guests.outside import ensure_outside
from infra.sandbox.guests.passes import Deed, Present, Step, steps
from infra.sandbox.guests.places import GuestFolder, Places, exists
from infra.sandbox.guests.wiring import Switch, remove_namespace, switch_of, tap_of, wire_guest
from infra.sandbox.layout import SYSTEM_PATH, write_private

BUSY_SECONDS, QUIET_SECONDS = 1.0, 2.0
BUSY_PASSES = 5  # what comes rarely comes alone

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Keeper:
    """The guests of one sandbox."""

    places: Places
    switch: Switch
    cloud: Cloud
    say: Say
    eye: Eye

    async def one_pass(self) -> int:
        """Make what is here what should be here; the number of things that were done or could not be done."""
        listing = await self.eye.look()
        if not is_settled(listing):
            return 0
        world = world_of(listing)
        todo = steps(world, self.present())
        for step in todo:
            await self._carry_out(step)
        self._finish(todo)
        self._keep_outside(world)
        self._keep_management(world)
        return len(todo)

    def present(self) -> dict[str, Present]:
        """What is here of guests, whole or not."""
        plugged = self.switch.plugged()
        return {server: self._present(server, plugged) for server in self.places.servers()}

    def _present(self, server: str, plugged: Mapping[str, frozenset[str]]) -> Present:
        guest, namespace = recorded(self.places.guest(server)), self.places.guest_namespace(server)
        taps = {tap_of(wire) for wire in guest.wires} if guest else set()
        return Present(
            guest=guest,
            wired=exists(namespace) and taps == plugged.get(namespace, frozenset()),
            running=self.places.processes.alive(server) is not None,
        )

    async def _carry_out(self, step: Step) -> None:
        """One step; what goes wrong is said, and tried again by the next pass, which finds it undone."""
        try:
            if step.deed is Deed.FORGET and await self._still_there(step.server):
                return
            if step.deed is Deed.START and step.guest:
                await self._choose_disk(step.guest)
            self._do(step)
        except KunlunError as error:
            self.say(f"{step.deed} {step.server}: {error.message}")

    def _do(self, step: Step) -> None:
        folder, namespace = self.places.guest(step.server), self.places.guest_namespace(step.server)
        self.say(f"{step.deed} {step.guest.name if step.guest else ''} {step.server}")
        match step.deed, step.guest:
            case Deed.FORGET, _:
                self._unplug(folder)
                shutil.rmtree(folder.path, ignore_errors=True)
            case Deed.UNPLUG, _:
                self._unplug(folder)
            case Deed.WIRE, Guest() as guest:
                folder.path.mkdir(exist_ok=True)
                folder.record.unlink(missing_ok=True)
                wire_guest(self.switch, namespace, guest.wires)
            case Deed.START, Guest() as guest:
                folder.record.unlink(missing_ok=True)
                body.start(self.places, folder, guest.name)
            case Deed.RENAME, Guest() as guest:
                self._rename(folder, guest)

    def _unplug(self, folder: GuestFolder) -> None:
        for told in (folder.record, folder.address, folder.namespace, folder.name_file):
            told.unlink(missing_ok=True)
        body.stop(self.places, folder)
        remove_namespace(self.switch, self.places.guest_namespace(folder.server))

    def _rename(self, folder: GuestFolder, guest: Guest) -> None:
        """A running machine gets its new name as a person would give it."""
        body.write_name(folder.disk / "upper", guest.name)
        init = body.first_process(self.places, folder.server)
        if init is not None:
            attempt(["nsenter", f"--target={init}", "--uts", "hostname", guest.name], env={"PATH": SYSTEM_PATH})

    def _finish(self, todo: Sequence[Step]) -> None:
        """Wait for those that were started, all at once; then, and only then, they count as plugged."""
        for guest in {step.server: step.guest for step in todo if step.guest}.values():
            folder = self.places.guest(guest.server)
            try:
                body.await_ssh(self.places, folder)
            except KunlunError as error:
                self.say(f"start {guest.name} {guest.server}: {error.message}")
                continue
            folder.name_file.write_text(f"{guest.name}\n")
            folder.address.write_text(f"{address_of(guest.wires[0]) if guest.wires else ''}\n")
            folder.namespace.write_text(f"{self.places.guest_namespace(guest.server)}\n")
            write_private(folder.record, guest.model_dump_json())

    async def _still_there(self, server: str) -> bool:
        """Before a disk is thrown away, Nova is asked for the server itself: lists have been wrong."""
        try:
            await self.cloud.get("compute", f"/servers/{server}")
        except Absent:
            return False
        return True

    async def _choose_disk(self, guest: Guest) -> None:
        """A rebuild is a new disk. Resizing, stopping and moving are not, whatever they do to `launched`."""
        folder = self.places.guest(guest.server)
        answer = await self.cloud.get("compute", f"/servers/{guest.server}/os-instance-actions")
        actions = answer["instanceActions"]
        rebuild = next((each["request_id"] for each in actions if each["action"] == "rebuild"), "")
        if not folder.rebuild.exists() or folder.rebuild.read_text() != rebuild:
            body.stop(self.places, folder)
            shutil.rmtree(folder.disk, ignore_errors=True)
            folder.rebuild.write_text(rebuild)

    def _keep_outside(self, world: World) -> None:
        for host in world.outside.values():
            try:
                ensure_outside(self.places, self.switch, host)
            except KunlunError as error:
                self.say(f"outside host of {host.zone}: {error.message}")

    def _keep_management(self, world: World) -> None:
        """Where the operator comes from; nothing is done when it is there."""
        plugged = self.switch.plugged()
        for network, wire in world.management.items():
            namespace = self.places.management_namespace(network)
            if tap_of(wire) in plugged.get(namespace, ()) and exists(namespace):
                continue
            try:
                wire_guest(self.switch, namespace, [wire])
            except KunlunError as error:
                self.say(f"{network}: {error.message}")


def recorded(folder: GuestFolder) -> Guest | None:
    """What the guest was last made of; None when that was never finished, or by another release."""
    try:
        return Guest.model_validate_json(folder.record.read_text())
    except (FileNotFoundError, ValidationError):
        return None


async def keep_once(places: Places, say: Say) -> int:
    """One pass, as the cloud's administrator."""
    places.ensure_folders()
    clouds = Clouds("admin", places.layout.clouds, limits=Limits(threads=5))
    try:
        cloud = clouds.admin()
        return await Keeper(places, switch_of(places), cloud, say, Eye(cloud)).one_pass()
    finally:
        clouds.close()


async def keep(places: Places, say: Say) -> None:
    """Pass after pass until the process is ended. A cloud that does not answer is asked again."""
    clouds = Clouds("admin", places.layout.clouds, limits=Limits(threads=5))
    cloud = clouds.admin()
    keeper = Keeper(places, switch_of(places), cloud, say, Eye(cloud))
    busy = 0
    while True:
        try:
            busy = BUSY_PASSES if await keeper.one_pass() else max(busy - 1, 0)
            places.seen.write_text(datetime.now(UTC).isoformat())
        except KunlunError as error:
            say(f"{type(error).__name__}: {error.message}")
        await asyncio.sleep(BUSY_SECONDS if busy else QUIET_SECONDS)
