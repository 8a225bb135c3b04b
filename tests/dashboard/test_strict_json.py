"""Strict JSON: what nobody sends in good faith is refused, quickly, with a reason."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.dashboard.strict_json import BODY_BYTES_MAX, BadJsonError, dumps, loads

BAD = [
    b"", b"{", b"nul", b"NaN", b"Infinity", b"[-Infinity]", b"1e999", b"[1e2000000]",
    b'{"a":1,"a":2}', b'"\\ud800"', b'{"\\udfff":1}', b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"[" * 100_000, b"{\"a\":" * 40 + b"1" + b"}" * 40, b"1" * 5_000, b"[9223372036854775808]",
    b"{'a':1}", b"[1,]", b"\x00", b"01", b"+1", b".5", b"[0x10]", b'"\t"', b"{}{}", b"1_000",
    b'"' + b'\\"' * 30_000, b'"' * 30_001, b"0." + b"1" * 100,
    "١٢٣".encode(),
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:24]))
def test_bad_text_is_refused_within_50_ms(text: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(BadJsonError):
        loads(text)
    assert time.perf_counter() - began < 0.05


def test_largest_body_is_read_within_50_ms() -> None:
    for text in (b'["' + b"a" * BODY_BYTES_MAX + b'"]', b"[" + b"1," * 32_000 + b"1]"):
        began = time.perf_counter()
        loads(text)
        assert time.perf_counter() - began < 0.05


def test_nan_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"price": math.nan})


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(st.characters(codec="utf-8"))
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)  # fmt: skip


@given(PLAIN)
def test_what_is_plain_comes_back_as_it_was(value: object) -> None:
    try:
        text = dumps(value)
        text.encode()
    except UnicodeEncodeError:
        return
    assert loads(text) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = loads(body)
    except BadJsonError:
        return
    assert json.loads(body) == value
