"""Read a YAML file strictly: plain values with the line each stood on, or a clear refusal.

YAML has more in it than a config needs. Refused: duplicate keys, anchors and aliases (a few lines
of them can stand for gigabytes), explicit tags, several documents, files that are not UTF-8.
Numbers with a point become exact Decimals; `yes`, `on`, `1e3` and `12:30` stay text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import yaml

from papertape.errors import ConfigError, shown

FILE_BYTES_MAX = 1_000_000  # a config is a page of text; more is a mistake
DEPTH_MAX = 16  # of nesting: our own keys need 4

INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}", re.ASCII)
NULLS = ("", "~", "null")

KeyPath = tuple[str, ...]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document(NamedTuple):
    """The values of a file, and the line (from 1) of each key by its path."""

    values: dict[str, object]
    lines: dict[KeyPath, int]


def read_yaml(path: Path) -> Document:
    """Return the file's mapping, or raise ConfigError with file and line."""
    text = _read_text(path)
    builder = _Builder(str(path), text)
    try:
        return builder.document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = error.problem or "the YAML cannot be read"
        raise ConfigError(f"{path}:{line}: {problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error


def plain_value(text: str) -> object:
    """Return what an unquoted word means: None, bool, int, Decimal or the text itself."""
    if text in NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if INTEGER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return Decimal(text)
    return text


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(body) > FILE_BYTES_MAX:
        raise ConfigError(f"{path}: larger than {FILE_BYTES_MAX} bytes, so not a config file")
    if body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(f"{path}:1: starts with a byte order mark; save it as plain UTF-8")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: byte {body[error.start]:#04x} is not UTF-8") from error


class _Builder:
    """Folds the parser's events into values; refuses by line what a config does not need."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_Loader))
        self._lines: dict[KeyPath, int] = {}

    def document(self) -> Document:
        """Return the only document of the stream; an empty file is an empty mapping."""
        values: object = {}
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a second document; a config is one")
                values = self._value(next(self._events), ())
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise ConfigError(f"{self._name}:1: {shown(values)} is not keys with values")
        return Document(values, self._lines)

    def _value(self, event: yaml.Event, path: KeyPath) -> object:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._error(event, "anchors and aliases are not taken; write the value out")
        if (tag := getattr(event, "tag", None)) is not None:
            raise self._error(event, f"the tag {shown(tag)} is not taken; write plain values")
        if len(path) > DEPTH_MAX:
            raise self._error(event, f"nested more than {DEPTH_MAX} deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        assert isinstance(event, yaml.ScalarEvent)
        return event.value if event.style else plain_value(event.value)

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, "a key must be a word")
            key = event.value
            self._value(event, path)  # a key with a tag or an anchor is refused like a value
            if key in values:
                first = self._lines[*path, key]
                raise self._error(event, f"the key {shown(key)} stands twice (line {first} too)")
            self._lines[*path, key] = _line(event)
            values[key] = self._value(next(self._events), (*path, key))
        return values

    def _sequence(self, path: KeyPath) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            place = (*path, str(len(values)))
            self._lines[place] = _line(event)
            values.append(self._value(event, place))
        return values

    def _error(self, event: yaml.Event, message: str) -> ConfigError:
        return ConfigError(f"{self._name}:{_line(event)}: {message}")


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1
