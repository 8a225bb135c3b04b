"""JSON as it should be: no NaN, no duplicate keys, no depth bombs, no numbers that take minutes.

Python's own reader accepts `NaN`, `1e999` and duplicate keys, and its writer emits `NaN`, which
no browser parses. Both directions are strict here, for HTTP bodies and for socket messages.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from flask import Flask
from flask.json.provider import JSONProvider

from papertape.errors import PapertapeError, shown

BODY_BYTES_MAX = 65_536  # of one request body or socket message: a long journal entry is 10 KB
DEPTH_MAX = 32  # of nested lists and objects: our deepest body has 2
INTEGER_DIGITS_MAX = 19  # longer ones are refused before anyone computes with them
INTEGER_BITS_MAX = 63
NUMBER_CHARS_MAX = 40

# A text without its closing quote counts to the end, so that one pass is enough whatever is sent.
_PARTS = re.compile(r'"(?:[^"\\]+|\\.)*+"?|[\[\]{}]', re.DOTALL)


class BadJsonError(PapertapeError, ValueError):
    """Text that is not JSON, or JSON that nobody sends in good faith."""


def loads(text: str | bytes, **_: object) -> Any:
    """Return the value of a JSON text; raises BadJsonError saying what is wrong with it."""
    if isinstance(text, bytes | bytearray):
        try:
            text = bytes(text).decode()
        except UnicodeDecodeError as error:
            raise BadJsonError("the body is not UTF-8") from error
    _check_depth(text)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise BadJsonError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    _check_text(value)
    return value


def dumps(value: Any, **_: object) -> str:
    """Return the JSON text of a value; NaN and infinity are our mistake and raise ValueError."""
    return _encoder.encode(value)


def _check_depth(text: str) -> None:
    depth = 0
    for part in _PARTS.finditer(text):
        opened = part.group()
        if opened in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise BadJsonError(f"nested deeper than {DEPTH_MAX}")
        elif opened in "]}":
            depth -= 1


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BadJsonError("a text holds half of a surrogate pair") from error
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)


def _constant(word: str) -> Any:
    raise BadJsonError(f"{word} is not a number")


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > INTEGER_DIGITS_MAX:
        raise BadJsonError(f"an integer of {len(text)} digits")
    number = int(text)
    if number.bit_length() > INTEGER_BITS_MAX:
        raise BadJsonError(f"{text} does not fit {INTEGER_BITS_MAX} bits")
    return number


def _real(text: str) -> float:
    number = float(text) if len(text) <= NUMBER_CHARS_MAX else math.inf
    if not math.isfinite(number):
        raise BadJsonError(f"{shown(text)} is out of range")
    return number


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadJsonError(f"key {shown(twice)} stands twice")
    return found


_decoder = json.JSONDecoder(
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_real,
    object_pairs_hook=_pairs,
)
_encoder = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))


class StrictJsonProvider(JSONProvider):
    """Flask's JSON, strict both ways."""

    def __init__(self, app: Flask) -> None:
        """Serve this application."""
        super().__init__(app)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return the JSON text of a value."""
        return dumps(obj)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text."""
        return loads(s)
