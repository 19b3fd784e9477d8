"""Who may open a desktop, for how long, and what the broker believes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from controllers.api.conditions import Reason
from controllers.api.desktops import DesktopState, DesktopStatus
from controllers.api.desktopsession import DesktopSessionSpec, DesktopSessionStatus
from controllers.api.stored import SESSIONS, DesktopSession, Stored
from controllers.broker.gate import objection_to_opening, objection_to_staying
from controllers.broker.rfb import ClientStream
from controllers.cli.desktop import session_document, with_reset
from controllers.cli.kubectl import ClusterError
from controllers.desktop.standing import standing
from controllers.request.idle import upkeep
from tests.build import a_desktop, a_meta, a_spec

SECRET = "what only the person's program has"
CREATED, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z"
READY: dict[str, Any] = {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": NOW}
OPENABLE: dict[str, Any] = {
    "desktop": "counter-0",
    "zone": "extranet",
    "server": "id-0",
    "address": "10.10.0.4",
    "expiryTime": "2026-01-01T00:01:00Z",
    "conditions": [READY],
}
OPENED: dict[str, Any] = {"openedTime": "2026-01-01T00:00:20Z"}


def a_session(*, user: str = "li.na", **status: Any) -> DesktopSession:
    key = hashlib.sha256(SECRET.encode()).hexdigest()
    spec = DesktopSessionSpec(request="permit-portal", user=user, key=key)
    meta = a_meta(name="permit-portal-x7k2p", created=CREATED)
    return Stored(SESSIONS, meta, spec, DesktopSessionStatus.model_validate(status))


def desktop(state: DesktopState = DesktopState.RUNNING, **fields: Any) -> DesktopStatus:
    known = {"name": "counter-0", "user": "li.na", "state": state, "id": "id-0", "address": "10.10.0.4"}
    return DesktopStatus.model_validate(known | fields)


@pytest.mark.parametrize(
    ("session", "own", "expected"),
    [
        pytest.param(a_session(), desktop(), ("True", Reason.READY), id="running and one's own"),
        pytest.param(a_session(), None, ("False", Reason.NOT_ASSIGNED), id="no desktop is theirs"),
        pytest.param(a_session(**OPENABLE), None, ("False", Reason.NOT_ASSIGNED), id="taken away: the token dies"),
        pytest.param(
            a_session(**OPENABLE, use=OPENED), None, ("False", Reason.NOT_ASSIGNED), id="taken away while in use"
        ),
        pytest.param(a_session(**OPENABLE), desktop(id="id-9"), ("False", Reason.EXPIRED), id="built anew"),
        pytest.param(
            a_session(), desktop(DesktopState.STOPPED), ("False", Reason.AWAITING_SERVERS), id="is being started"
        ),
        pytest.param(a_session(), desktop(DesktopState.FAILED), ("False", Reason.SERVER_FAULT), id="has failed"),
        pytest.param(
            a_session(**OPENABLE | {"expiryTime": "2026-01-01T00:00:29Z"}),
            desktop(),
            ("False", Reason.EXPIRED),
            id="not opened in time",
        ),
        pytest.param(a_session(**OPENABLE, use=OPENED), desktop(), ("True", Reason.READY), id="open"),
        pytest.param(
            a_session(**OPENABLE, use={"openedTime": "2025-12-31T23:00:00Z"}),
            desktop(),
            ("False", Reason.EXPIRED),
            id="open for too long",
        ),
        pytest.param(
            a_session(**OPENABLE, use=OPENED | {"closedTime": NOW}), desktop(), ("False", Reason.CLOSED), id="closed"
        ),
    ],
)
def test_a_session_is_good_for_its_users_present_desktop(
    session: DesktopSession, own: DesktopStatus | None, expected: tuple[str, Reason]
) -> None:
    """Assigned, running, in time, and not over: all of it, or nobody comes in."""
    found = standing(session, own, session_minutes=60, now=NOW).step

    assert expected == (found.status, found.reason)


def test_a_session_does_not_become_younger() -> None:
    """The minute to open it begins once, when it is first ready."""
    first = standing(a_session(), desktop(), session_minutes=60, now=NOW)
    again = standing(a_session(**OPENABLE), desktop(), session_minutes=60, now="2026-01-01T00:00:50Z")

    assert ("2026-01-01T00:01:30Z", "2026-01-01T00:01:00Z") == (first.expiry_time, again.expiry_time)


@pytest.mark.parametrize(
    ("session", "secret", "because"),
    [
        pytest.param(a_session(**OPENABLE), SECRET, None, id="the secret, in time, once"),
        pytest.param(None, SECRET, "there is no such session", id="no session"),
        pytest.param(a_session(**OPENABLE), "guessed", "the secret is not the session's", id="another secret"),
        pytest.param(
            a_session(**OPENABLE), a_session().spec.key, "the secret is not the session's", id="what anybody can read"
        ),
        pytest.param(a_session(**OPENABLE, use=OPENED), SECRET, "it was opened before", id="replayed"),
        pytest.param(
            a_session(**OPENABLE | {"expiryTime": "2026-01-01T00:00:29Z"}), SECRET, "its time is over", id="expired"
        ),
        pytest.param(a_session(), SECRET, "nobody has looked at it yet", id="not looked at by the operator"),
        pytest.param(
            a_session(**OPENABLE | {"conditions": [READY | {"status": "False", "message": "no desktop"}]}),
            SECRET,
            "no desktop",
            id="refused by the operator",
        ),
    ],
)
def test_the_broker_lets_in_once_who_shows_the_secret(
    session: DesktopSession | None, secret: str, because: str | None
) -> None:
    """A session that was read by somebody else opens nothing, and an old address nothing either."""
    refusal = objection_to_opening(session, secret, now=NOW)

    assert because == (refusal.because if refusal else None)


def test_what_is_refused_looks_the_same_from_outside() -> None:
    """Nobody learns which sessions there are."""
    unknown = objection_to_opening(None, SECRET, now=NOW)
    wrong = objection_to_opening(a_session(**OPENABLE), "guessed", now=NOW)

    assert unknown is not None
    assert wrong is not None
    assert unknown.said == wrong.said


def test_an_open_session_ends_when_the_operator_says_so() -> None:
    """Another user, another server, the end of its time: the connection goes with it."""
    ended = objection_to_staying(a_session(conditions=[READY | {"status": "False", "message": "no desktop"}]))

    assert objection_to_staying(a_session(**OPENABLE, use=OPENED)) is None
    assert ended is not None
    assert ("no desktop", "the session is gone") == (ended.because, getattr(objection_to_staying(None), "because", ""))


GREETED = b"RFB 003.008\n\x01\x01"
KEY, POINTER, ASKING = b"\x04\x01\0\0\0\0\0a", b"\x05\0\0\x01\0\x01", b"\x03\x01" + bytes(8)


@pytest.mark.parametrize(
    ("data", "active"),
    [
        pytest.param(GREETED, False, id="a greeting"),
        pytest.param(GREETED + ASKING * 3, False, id="a browser that asks for the picture"),
        pytest.param(GREETED + b"\x02\0\0\x02" + bytes(8) + KEY, True, id="a key, after a list of encodings"),
        pytest.param(GREETED + POINTER, True, id="the pointer"),
        pytest.param(GREETED + b"\x06\0\0\0\xff\xff\xff\xfc" + b"\x04abc" + ASKING, True, id="copied text, extended"),
        pytest.param(GREETED + b"\x63" + KEY, False, id="what cannot be told apart"),
    ],
)
def test_only_a_person_keeps_a_desktop_from_being_idle(data: bytes, active: bool) -> None:
    """However the bytes are cut."""
    whole, pieces = ClientStream(), ClientStream()

    assert active == whole.feed(data)
    seen = [pieces.feed(bytes([byte])) for byte in data]
    assert active == any(seen)


def since(minutes: int) -> str:
    return f"2026-01-01T{10 - (minutes + 59) // 60:02d}:{-minutes % 60:02d}:00Z"


@pytest.mark.parametrize(
    ("state", "sessions", "expected"),
    [
        pytest.param("Running", [], (["counter-0"], []), id="never used since it was made"),
        pytest.param("Running", [a_session(use={"openedTime": since(20)})], ([], []), id="used lately"),
        pytest.param(
            "Running",
            [a_session(use={"openedTime": since(90), "activeTime": since(5)})],
            ([], []),
            id="opened long ago and at work",
        ),
        pytest.param(
            "Running",
            [a_session(use={"openedTime": since(90), "activeTime": since(40)})],
            (["counter-0"], []),
            id="left",
        ),
        pytest.param("Running", [a_session()], ([], []), id="about to be opened"),
        pytest.param("Running", [a_session(user="zhou.qi")], (["counter-0"], []), id="asked for by somebody else"),
        pytest.param("Stopped", [], ([], []), id="stopped, and nobody wants it"),
        pytest.param("Stopped", [a_session()], ([], ["counter-0"]), id="stopped, and its user comes"),
        pytest.param("Stopped", [a_session(user="zhou.qi")], ([], []), id="stopped, and somebody else comes"),
        pytest.param("Failed", [a_session()], ([], []), id="failed"),
    ],
)
def test_an_idle_desktop_rests_until_its_user_comes(
    state: str, sessions: list[DesktopSession], expected: tuple[list[str], list[str]]
) -> None:
    """Half an hour after its user last did something."""
    todo = upkeep(
        [desktop(DesktopState(state))], sessions, ready_since=since(120), idle_minutes=30, now="2026-01-01T10:00:00Z"
    )

    assert expected == ([one.name for one in todo.to_stop], [one.name for one in todo.to_start])


def test_nothing_is_stopped_while_the_request_is_at_work() -> None:
    """A playbook may be on it."""
    todo = upkeep([desktop()], [], ready_since=None, idle_minutes=1, now="2026-01-01T10:00:00Z")

    assert ((), None) == (todo.to_stop, todo.next_seconds)


def test_the_secret_stays_with_the_person() -> None:
    """What is sent to the API server is its digest, and no user: that is the API server's to say."""
    document = session_document("permit-portal", SECRET)

    assert {"request": "permit-portal", "key": hashlib.sha256(SECRET.encode()).hexdigest()} == document["spec"]


def test_a_reset_is_one_more_in_the_request() -> None:
    """Everything else stays as it was written."""
    spec = a_spec(desktops=[a_desktop(resets=[{"number": 1, "times": 2}])]).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    changed = with_reset({"metadata": {"name": "permit-portal"}, "spec": spec}, "counter-1")

    assert [spec["desktops"][0] | {"resets": [{"number": 1, "times": 3}]}] == changed


@pytest.mark.parametrize("name", ["counter-3", "counter", "hall-0"])
def test_only_a_desktop_of_the_request_can_be_reset(name: str) -> None:
    """Whoever mistypes changes nothing."""
    spec = a_spec(desktops=[a_desktop()]).model_dump(mode="json", by_alias=True, exclude_unset=True)

    with pytest.raises(ClusterError):
        with_reset({"metadata": {"name": "permit-portal"}, "spec": spec}, name)
