"""The one place where statuses are written: only differences, and one Event per transition."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

import structlog

from controllers.api import API_VERSION, FINALIZER
from controllers.api.conditions import ConditionType, Reason
from controllers.api.stored import Stored
from controllers.parts import Parts
from infra.errors import KunlunError
from infra.wire import WireModel

TOLD = {ConditionType.PLANNED, ConditionType.APPROVED, ConditionType.PROVISIONED, ConditionType.READY}
ON_ITS_WAY = {Reason.AWAITING_APPROVAL, Reason.BUILDING, Reason.ROLLING_OUT, Reason.DELETING}
EVENT_MESSAGE_LENGTH = 1000
log = structlog.get_logger(__name__)


async def publish(
    parts: Parts, item: Stored[Any, Any], status: WireModel, *, besides: frozenset[str] = frozenset()
) -> bool:
    """Write the status if it differs from what the API server has; tell people what changed.

    `besides` are fields of the status that somebody else writes. True when the API server has this status now; False
    when the object is gone.
    """
    wanted = wire_status(status)
    known = parts.cache.body(item.kind, item.meta.namespace, item.meta.name)
    written = _filled((known or {}).get("status") or {})
    present = {key: value for key, value in written.items() if key not in besides}
    if known is None or known["metadata"]["uid"] != item.meta.uid:
        return False
    if present == wanted:
        return True
    answer = await parts.cluster.apply_status(item.kind, item.meta, wanted)
    if answer is None:
        return False
    parts.cache.keep(item.kind, answer)
    for condition in _transitions(present, wanted):
        log.info(
            "condition",
            kind=item.kind.name,
            name=item.meta.name,
            namespace=item.meta.namespace,
            **{key: condition[key] for key in ("type", "status", "reason")},
        )
        if condition["type"] in TOLD:
            worry = condition["status"] == "False" and condition["reason"] not in ON_ITS_WAY
            text = f"{condition['type']}: {condition.get('message', '')}"
            with contextlib.suppress(KunlunError):  # an Event is a courtesy; the status is the record
                await tell(parts, item, condition["reason"], text, worry=worry)
    return True


async def tell(  # noqa: PLR0913
    parts: Parts, item: Stored[Any, Any], reason: str, text: str, *, worry: bool, name: str | None = None
) -> None:
    """One Event about the object; a Warning if somebody should worry. Raises as every write to the cluster does.

    With a `name`, telling it again adds nothing.
    """
    event = _event(item, reason, text, parts.now())
    if name is not None:
        event["metadata"]["name"] = name
    await parts.cluster.post_event(item.meta.namespace, {**event, "type": "Warning" if worry else "Normal"})


async def ensure_finalizer(parts: Parts, item: Stored[Any, Any]) -> None:
    """Nothing of the object can be left behind from here on."""
    if FINALIZER not in item.meta.finalizers:
        await _finalizers(parts, item, [FINALIZER])


async def drop_finalizer(parts: Parts, item: Stored[Any, Any]) -> None:
    """Let the object go."""
    if FINALIZER in item.meta.finalizers:
        await _finalizers(parts, item, [])


def wire_status(status: WireModel) -> dict[str, Any]:
    """As it is sent: nothing that is absent or empty."""
    return _filled(status.model_dump(mode="json", by_alias=True, exclude_none=True))


def _filled(content: Mapping[str, Any]) -> dict[str, Any]:
    """Without empty lists: the API server fills them in by itself, which is no difference."""
    return {key: value for key, value in content.items() if value not in ([], {})}


async def _finalizers(parts: Parts, item: Stored[Any, Any], finalizers: list[str]) -> None:
    answer = await parts.cluster.apply_finalizers(item.kind, item.meta, finalizers)
    if answer is None:
        return
    if answer["metadata"].get("deletionTimestamp") and not answer["metadata"].get("finalizers"):
        parts.cache.drop(item.kind, answer)
    else:
        parts.cache.keep(item.kind, answer)


def _transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = {item["type"]: (item["status"], item["reason"]) for item in before.get("conditions", ())}
    return [
        item
        for item in after.get("conditions", ())
        if known.get(item["type"], ("Unknown", "NotReached")) != (item["status"], item["reason"])
    ]


def _event(item: Stored[Any, Any], reason: str, text: str, now: str) -> dict[str, Any]:
    reference = {"apiVersion": API_VERSION, "kind": item.kind.name, "name": item.meta.name, "uid": item.meta.uid}
    if item.meta.namespace:
        reference["namespace"] = item.meta.namespace
    return {
        "metadata": {
            "name": f"{item.meta.name}.{uuid.uuid4().hex[:12]}",
            "namespace": item.meta.namespace or "default",
        },
        "involvedObject": reference,
        "reason": reason,
        "message": text[:EVENT_MESSAGE_LENGTH],
        "source": {"component": "kunlun-operator"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
