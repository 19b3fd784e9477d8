"""What people try with cutovers, and what they must be told: one attempt for every rule of their admission.

They are about cutovers that are there already: `home` lives on its source and is signed, `unsigned` is not; the
windows of `early` and `open` are what they say; `away` and `long` live on their targets, and of `over` the retention is
over.
"""

from __future__ import annotations

from typing import Any

import yaml

from controllers.api import API_VERSION
from controllers.api.acceptance import RESOURCE as ACCEPTANCE
from controllers.api.cutoverstep import line_name
from controllers.api.cutoversteps import Event
from tests.conftest import REPOSITORY
from tests.e2e.attempts import Attempt, patch
from tests.e2e.office import Document

EXAMPLES = REPOSITORY / "docs" / "examples"
DIGEST, OTHER_DIGEST, KEY = "ab" * 32, "cd" * 32, "3f0c9a71be"
REPORTS = {name: f"{name}-{DIGEST[:10]}" for name in ("home", "away", "over", "long")}
FAR, FARTHER, LONG_AGO = "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z", "2020-01-01T00:00:00Z"
_SIGNED: Document = {"requiredParties": ["department", "provider"], "reportDigest": DIGEST}
_OVER: Document = {
    "type": "Retained",
    "status": "True",
    "reason": "RetentionOver",
    "message": "",
    "lastTransitionTime": LONG_AGO,
}
_ACCEPTED: Document = {**_OVER, "type": "Signed", "reason": "Signed"}
STANDINGS: dict[str, Document] = {
    "home": {"live": "Source", "report": REPORTS["home"], "conditions": [_ACCEPTED], **_SIGNED},
    "early": {"live": "Source", "conditions": [_ACCEPTED], **_SIGNED},
    "open": {"live": "Source", "conditions": [_ACCEPTED], **_SIGNED},
    "unsigned": {"live": "Source", **_SIGNED},
    "away": {
        "live": "Target",
        "report": REPORTS["away"],
        "retainUntil": FAR,
        "losses": {"digest": DIGEST, "writes": 3},
        **_SIGNED,
    },
    "long": {"live": "Target", "report": REPORTS["long"], "retainUntil": FAR, **_SIGNED},
    "over": {
        "live": "Target",
        "report": REPORTS["over"],
        "retainUntil": LONG_AGO,
        "conditions": [_OVER],
        "acceptances": [{"party": "department", "of": "Release", "decision": "Accepted", "signer": "ci-pipeline"}],
        **_SIGNED,
    },
}


WINDOWS: dict[str, Document] = {
    "early": {"opens": FAR, "closes": FARTHER},
    "open": {"opens": LONG_AGO, "closes": FAR},
    "unsigned": {"opens": LONG_AGO, "closes": FAR},
}


def example(file: str, name: str, **spec: Any) -> Document:
    """An example of the guide under another name, varied; without what the API server writes."""
    document = dict(yaml.safe_load((EXAMPLES / file).read_text()))
    changed = {key: value for key, value in {**document["spec"], **spec}.items() if value is not None}
    return {**document, "metadata": {"name": name}, "spec": changed}


def a_cutover(name: str, **spec: Any) -> Document:
    return example("cutover.yaml", name, **spec)


def a_line(name: str, uid: str, **spec: Any) -> Document:
    """A line of a cutover's journal, named after what it says."""
    said = {"cutover": name, "cutoverUid": uid, "generation": 1, "key": KEY, **spec}
    document = example("cutover-step.yaml", "", **said)
    attempt, event = document["spec"]["attempt"], Event(document["spec"]["event"])
    return {**document, "metadata": {"name": line_name(name, document["spec"]["key"], attempt, event)}}


def a_report(name: str = "home") -> Document:
    return example("trial-report.yaml", REPORTS[name], cutover=name)


def a_signature(name: str = "home", **spec: Any) -> Document:
    """The department's yes to a trial, varied."""
    said = {"report": REPORTS[name], "digest": DIGEST, "party": "department", "decision": "Accepted", **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": ACCEPTANCE.kind,
        "metadata": {"generateName": "signature-"},
        "spec": said,
    }


def changes(persona: str, name: str, refusal: str = "", **spec: Any) -> Attempt:
    return Attempt(persona, patch("cutover", name, {"spec": spec}), refusal)


def signs(persona: str, refusal: str = "", name: str = "home", **spec: Any) -> Attempt:
    return Attempt(persona, ("create",), refusal, a_signature(name, **spec))


CUTOVERS: dict[str, Attempt] = {
    # who asks
    "a clerk asks": Attempt("clerk", ("create",), document=a_cutover("another")),
    "the provider asks": Attempt("provider", ("create",), document=a_cutover("another")),
    "a clerk asks in another's name": Attempt(
        "clerk", ("create",), '`spec.askedBy` must be "li.na" (or left out)', a_cutover("another", askedBy="sun.li")
    ),
    "an administrator asks": Attempt("admin", ("create",), "by named persons", a_cutover("another")),
    "an auditor asks": Attempt("auditor", ("create",), "cannot create resource", a_cutover("another")),
    "the provider goes on with what a clerk asked for": changes("provider", "home", stage="Trial"),
    "the operator changes it": changes("operator", "home", "denied request", stage="Trial"),
    # what is asked
    "a retention of 89 days": changes("clerk", "home", "greater than or equal to 90", retention={"days": 89}),
    "a trial of no day": changes("clerk", "home", "greater than or equal to 1", trial={"days": 0}),
    "a window that closes first": changes(
        "clerk", "home", "must be after `opens`", window={"opens": FAR, "closes": LONG_AGO}
    ),
    "a cut without a window": changes("clerk", "home", "a cut needs a window", stage="Cut", window=None),
    "hosts and a request": changes("clerk", "home", "name either `hosts` or a `request`", source={"request": "older"}),
    # going back and forth
    "nothing to roll back": changes("clerk", "home", "there is nothing to roll back", stage="RollBack"),
    "a rollback": changes("clerk", "away", stage="RollBack"),
    "a rehearsal after the switch": changes(
        "clerk", "away", "only Cut, RollBack and Release lead on", stage="Rehearse"
    ),
    "losses that were counted": changes("clerk", "away", rollBack={"loses": DIGEST, "reason": "it must be"}),
    "losses that were not counted": changes(
        "clerk", "away", "must be `status.losses.digest`", rollBack={"loses": OTHER_DIGEST, "reason": "a guess"}
    ),
    "another target before the switch": changes("clerk", "home", target="other"),
    "another target after the switch": changes("clerk", "away", "stay as they are until", target="other"),
    "another window after the switch": changes(
        "clerk", "away", "the window of a cut that was begun", window={"opens": LONG_AGO, "closes": FAR}
    ),
    "a longer retention after the switch": changes("clerk", "away", retention={"days": 120}),
    "a shorter retention after the switch": changes("clerk", "long", "longer, not shorter", retention={"days": 90}),
    # release
    "a release before anything": changes("clerk", "home", "may have to go back to it", stage="Release"),
    "a release too early": changes("clerk", "away", f"not released before {FAR}", stage="Release"),
    "a release by the provider too early": changes("provider", "away", f"before {FAR}", stage="Release"),
    "a release in time": changes("clerk", "over", stage="Release"),
    "another end, once it is over": changes(
        "clerk", "over", "stays as it is", retention={"days": 90, "afterwards": "Erase"}
    ),
    "a cutover is deleted at home": Attempt("clerk", ("delete", "cutover", "home")),
    "a cutover is deleted away": Attempt("clerk", ("delete", "cutover", "away"), "it keeps the original"),
    "an administrator deletes it": Attempt("admin", ("delete", "cutover", "away"), "it keeps the original"),
    # reports
    "the operator makes a report": Attempt("operator", ("create",), document=a_report("away")),
    "a clerk makes a report": Attempt("clerk", ("create",), "cannot create resource", a_report("away")),
    "an administrator makes a report": Attempt("admin", ("create",), "by the operator only", a_report("away")),
    "an administrator changes a report": Attempt(
        "admin", patch("trialreport", REPORTS["home"], {"spec": {"days": 99}}), "a report cannot be changed"
    ),
    "an administrator removes a report": Attempt(
        "admin", ("delete", "trialreport", REPORTS["home"]), "nobody removes it"
    ),
    # signatures
    "the department signs": signs("clerk"),
    "the provider signs": signs("provider", party="provider"),
    "the department rejects": signs("clerk", decision="Rejected", reason="too slow"),
    "it rejects without a word": signs("clerk", "must state a `reason`", decision="Rejected"),
    "a clerk signs for the provider": signs("clerk", 'may not sign for party "provider"', party="provider"),
    "an officer signs for the department": signs("officer", 'may not sign for party "department"'),
    "an auditor signs": signs("auditor", "cannot create resource"),
    "an administrator signs": signs("admin", "by named persons"),
    "somebody signs in another's name": signs("clerk", '`spec.signer` must be "li.na"', signer="sun.li"),
    "another report": signs("clerk", "is not the newest report", report=f"home-{OTHER_DIGEST[:10]}"),
    "a report that was changed": signs("clerk", "what you read is not what is there", digest=OTHER_DIGEST),
    "a party nobody asks for": signs("ci", 'does not ask for party "resource-office"', party="resource-office"),
    "a trial is signed after the switch": signs("clerk", "would change nothing now", name="away"),
    "a release is signed too early": signs("clerk", f"is not signed before {FAR}", name="away", of="Release"),
    "a release is signed in time": signs("provider", name="over", party="provider", of="Release"),
    "a signature for a second party": signs(
        "ci", "has signed for another party already", name="over", party="provider", of="Release"
    ),
}
