"""Logs: structured lines on standard error, and as JSON lines in a file that rotates by size."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal, TextIO

import structlog

LOG_FILE_BYTES = 2_000_000  # of one file …
LOG_FILES = 5  # … and so many of them: a week of a quiet bot, 10 MB at most
LINE_CHARS_MAX = 16_384  # a longer line loses everything but its first words
SECRET_CHARS_MIN = 8  # a shorter "secret" would blank out ordinary words
HIDDEN = "[hidden]"
SECRET_NAMES = re.compile(r"token|secret|passw|authorization|cookie|api_?key|credential", re.I)
SECRET_TEXTS = re.compile(
    r"(bearer\s+|(?:token|secret|password|api_?key)\s*[=:]\s*)[^\s\"',;&]+", re.IGNORECASE
)

EventDict = MutableMapping[str, Any]


def configure_logs(
    level: str = "info",
    form: Literal["console", "json"] = "console",
    *,
    file: Path | None = None,
    secrets: Iterable[str | None] = (),
) -> None:
    """Send every log line to standard error and, as JSON, to `file`; stdout belongs to results.

    secrets: texts that are never shown, wherever in a line they turn up.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    hide = Hide(secrets)
    renderer: structlog.types.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    kept = LogFile(file, hide) if file is not None else None
    exceptions = [structlog.processors.format_exc_info] if form == "json" else []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            hide,
            *([kept] if kept else []),
            *exceptions,
            renderer,
            hide.rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(_Plain(hide))
    handlers: list[logging.Handler] = [shown, *([kept.handler] if kept else [])]
    logging.basicConfig(level=max(number, logging.WARNING), handlers=handlers, force=True)


class Hide:
    """Takes secrets out of a line, by the names of fields and by what they are."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        """Hide these texts too."""
        self._secrets = tuple(text for text in secrets if text and len(text) >= SECRET_CHARS_MIN)

    def __call__(self, logger: object, method: str, line: EventDict) -> EventDict:
        """Return the line without its secrets (a structlog processor)."""
        return {
            name: HIDDEN if SECRET_NAMES.search(name) else self._value(value)
            for name, value in line.items()
        }

    def rendered(self, logger: object, method: str, text: Any) -> str:
        """Return a rendered line without secrets: a traceback is text only now."""
        return self.text(str(text))

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return SECRET_TEXTS.sub(rf"\1{HIDDEN}", text)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self(None, "", value)
        return [self._value(each) for each in value] if isinstance(value, list | tuple) else value


class LogFile:
    """Writes each line as JSON to a file that rotates by size (a structlog processor)."""

    def __init__(self, path: Path, hide: Hide) -> None:
        """Write to this file; it and its folder are made with the first line."""
        self.handler = _Rotating(path)
        self.handler.setFormatter(_JsonLines(hide))
        self._hide = hide

    def __call__(self, logger: object, method: str, line: EventDict) -> EventDict:
        """Keep the line and pass it on."""
        record = logging.makeLogRecord({"line": line})
        if "exc_info" in line:
            told = structlog.processors.format_exc_info(None, method, dict(line))
            record.line = self._hide(None, method, told)
        self.handler.handle(record)
        return line


class _Rotating(RotatingFileHandler):
    """Rotates by size; a disk that is full costs log lines, never the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(
            path, maxBytes=LOG_FILE_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=True
        )
        self.failures = 0

    def _open(self) -> TextIO:  # type: ignore[override]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  its base names it
        self.failures += 1


class _Plain(logging.Formatter):
    """A line of a library, for people."""

    def __init__(self, hide: Hide) -> None:
        super().__init__("%(levelname)s %(message)s")
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        return self._hide.text(super().format(record))


class _JsonLines(logging.Formatter):
    """One JSON object a line: timestamp, level, event, and whatever else belongs to it."""

    def __init__(self, hide: Hide) -> None:
        super().__init__()
        self._hide = hide
        self._stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def format(self, record: logging.LogRecord) -> str:
        line: EventDict = getattr(record, "line", None) or self._of_library(record)
        text = json.dumps(line, default=str, ensure_ascii=False)
        if len(text) <= LINE_CHARS_MAX:
            return text
        first = str(line.get("event"))[: LINE_CHARS_MAX // 4]
        short = {name: line.get(name) for name in ("timestamp", "level")}
        return json.dumps(short | {"event": first, "cut": True}, default=str, ensure_ascii=False)

    def _of_library(self, record: logging.LogRecord) -> EventDict:
        line: EventDict = {"event": self._hide.text(record.getMessage())}
        if record.exc_info:
            line["exception"] = self._hide.text(self.formatException(record.exc_info))
        stamped = self._stamp(None, "", line)
        assert isinstance(stamped, dict)
        return stamped | {"level": record.levelname.lower(), "logger": record.name}
