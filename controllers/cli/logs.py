"""What our programs tell while they run: one event a line, with fields, on standard error.

Lines of libraries (Kopf, asyncio) get the same form, so that one parser reads everything. A pass's own lines carry its
object (`kind`, `namespace`, `name`) without naming it, because the pass binds them.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog

Form = Literal["auto", "logfmt", "json"]
Processor = Any  # structlog's own type names its mutable event dictionaries
FIRST_KEYS = ["timestamp", "level", "event"]


def log_events(level: str, form: Form = "logfmt") -> None:
    """Configures this process. `auto`: for people on a terminal, for programs (JSON lines) elsewhere."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    rendering = _rendering(as_json=as_json)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        processors=[*before, *rendering],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _log_of_libraries(before, rendering)


def _rendering(*, as_json: bool) -> list[Processor]:
    if as_json:
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [structlog.processors.LogfmtRenderer(key_order=FIRST_KEYS, bool_as_flag=False)]


def _log_of_libraries(before: list[Processor], rendering: list[Processor]) -> None:
    """From warnings on, with the name of who says it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
