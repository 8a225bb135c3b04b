"""The one door to ccxt: exact numbers, public reads, no key, no order, and only when asked for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.errors import ConfigError
from papertape.feeds.crypto.door import (
    CREDENTIALS,
    INSTALL,
    PrivateAccessError,
    UnreadableAnswerError,
    is_forbidden,
    load_ccxt,
    open_exchange,
)
from papertape.feeds.crypto.ladder import Ladder
from papertape.feeds.crypto.proof import PROOFS, MessageNumbers


class Deaf:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.unreadable: list[str] = []

    def on_message(self, client: Any) -> None:
        """Hear nothing."""

    def on_raw(self, client: Any, message: Any) -> str:
        """Find nothing wrong."""
        return ""

    def on_unreadable(self, client: Any, reason: str) -> None:
        """Keep what could not be read."""
        self.unreadable.append(reason)

    def on_lost(self, client: Any, reason: str) -> None:
        """Hear nothing."""


def with_exchange(name: str, use: Any) -> Any:
    """Return what `use` makes of an exchange, inside a running loop."""

    async def work() -> Any:
        exchange = open_exchange(name, Deaf())
        try:
            return await use(exchange)
        finally:
            await exchange.close()

    return asyncio.run(work())


@pytest.mark.parametrize("name", ["binance", "coinbase", "kraken", "okx"])
def test_an_exchange_can_only_read(name: str) -> None:
    """Orders, transfers and private reads are gone, under both spellings; no key can be set."""

    async def use(exchange: Any) -> None:
        for method in ("create_order", "createOrder", "cancel_order", "withdraw", "transfer",
                       "fetch_balance", "create_order_ws", "watch_orders"):  # fmt: skip
            with pytest.raises(PrivateAccessError, match="public data"):
                getattr(exchange, method)("BTC/USDT", "limit", "buy", 1, 1)
        for key in CREDENTIALS:
            with pytest.raises(PrivateAccessError):
                setattr(exchange, key, "something")
            assert getattr(exchange, key) == ""
        with pytest.raises(PrivateAccessError):
            exchange.sign("order", "private", "POST", {})
        with pytest.raises(PrivateAccessError):
            exchange.sign("order", "public", "DELETE", {})
        with pytest.raises(PrivateAccessError):
            exchange.check_required_credentials()

    with_exchange(name, use)


def test_no_endpoint_but_the_public_ones_is_left() -> None:
    """Of every method that ccxt generates from a venue's API, those for accounts are refused."""

    async def use(exchange: Any) -> None:
        shut = open_ = 0
        for base in type(exchange).__mro__[2:]:
            for name, member in vars(base).items():
                if not hasattr(member, "path") or not hasattr(member, "api"):
                    continue
                public = "public" in str(member.api).lower()
                method = getattr(exchange, name)
                if public and "private" not in str(member.api).lower():
                    open_ += 1
                    continue
                shut += 1
                with pytest.raises(PrivateAccessError):
                    method({})
        assert shut > 500
        assert open_ > 10

    with_exchange("binance", use)


def test_a_key_in_the_construction_is_refused() -> None:
    """ccxt takes settings as a dictionary: there too a key is refused."""

    async def use(exchange: Any) -> None:
        with pytest.raises(PrivateAccessError):
            type(exchange)({"apiKey": "abc"})

    with_exchange("binance", use)


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("createOrder", True), ("editOrderWs", True), ("cancel_all_orders", True),
        ("setLeverage", True), ("fetchOpenOrders", True), ("privatePostOrder", True),
        ("fetchDepositAddress", True), ("futuresTransfer", True),
        ("fetchOrderBook", False), ("watch_order_book", False), ("watch_trades", False),
        ("handle_order_book_subscription", False), ("un_watch_order_book", False),
        ("fetch_ohlcv", False), ("load_markets", False), ("parse_order_book", False),
        ("fetch_markets", False), ("fetch_time", False), ("create_ohlcv_object", False),
    ],
)  # fmt: skip
def test_what_is_shut_is_known_by_name(name: str, forbidden: bool) -> None:
    """A method is shut or left by what it does."""
    assert is_forbidden(name) is forbidden


def test_numbers_stay_the_text_that_the_venue_sent() -> None:
    """More digits than a float holds come through, from text and from JSON numbers alike."""
    price, size = "67123.123456789", "12345678.123456789"  # 17 digits: no float has them all
    assert Decimal(float(size)) != Decimal(size)

    async def use(exchange: Any) -> None:
        assert exchange.safe_float([price, size], 1) == size
        assert exchange.safe_number({"p": price}, "p") == price
        assert exchange.parse_json(f'{{"p": {size}}}') == {"p": size}
        assert exchange.parse_json("<html>busy</html>") is None
        with pytest.raises(UnreadableAnswerError):
            exchange.parse_json('{"bids": [["1", "2')
        assert exchange.safe_float({}, "p") is None
        book = exchange.order_book({}, 100)
        exchange.handle_deltas(book["bids"], [[price, size]])
        assert book.bids.keys == [-67_123_123_456_789]
        assert book.bids.sizes == [12_345_678_123_456_789]
        parsed = exchange.parse_order_book({"bids": [[price, size]], "asks": []}, "BTC/USDT")
        book.reset(parsed)
        assert (book.bids.keys, book.bids.sizes) == ([-67_123_123_456_789], [12345678123456789])

    with_exchange("binance", use)


def test_a_frame_that_cannot_be_read_does_not_deafen_the_connection() -> None:
    """It is told to the listener; JSON numbers with a point reach ccxt as text."""

    async def work() -> list[Any]:
        deaf = Deaf()
        exchange = open_exchange("binance", deaf)
        heard: list[Any] = []
        try:
            client = exchange.client("ws://127.0.0.1:9/stream/0")
            parent = type(exchange).__mro__[2]
            parent_handle, parent.handle_message = (
                parent.handle_message,
                lambda _, __, message: heard.append(message),
            )
            try:
                client.handle_text_or_binary_message('{"p": 0.1000, "n": 7')
                client.handle_text_or_binary_message('{"p": 0.1000, "n": 7}')
                client.handle_text_or_binary_message("pong")
            finally:
                parent.handle_message = parent_handle
        finally:
            await exchange.close()
        return [*heard, len(deaf.unreadable)]

    assert asyncio.run(work()) == [{"p": "0.1000", "n": 7}, "pong", 1]


LEVELS = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 9), st.booleans()), min_size=1, max_size=80
)


@given(LEVELS)
def test_a_ladder_is_a_sorted_dictionary(changes: list[tuple[int, int, bool]]) -> None:
    """Whatever is stored, both sides hold the newest totals, best first, and no zero."""
    book = Ladder(on_change=lambda _: None)
    truth: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for price, size, is_bid in changes:
        (book.bids if is_bid else book.asks).store(f"0.{price:03d}", str(size))
        if size:
            truth[is_bid][price] = size
        else:
            truth[is_bid].pop(price, None)
    for is_bid, side in ((True, book.bids), (False, book.asks)):
        prices = sorted(truth[is_bid], reverse=is_bid)
        assert [abs(key) for key in side.keys] == [price * 10**6 for price in prices]
        assert side.sizes == [truth[is_bid][price] * 10**9 for price in prices]
        assert [level[0] for level in side] == [f"0.{price:03d}" for price in prices]


def test_what_lies_beyond_a_cut_snapshot_is_not_known() -> None:
    """A snapshot cut at the depth asked for says nothing of what is deeper."""
    book = Ladder(depth=3, on_change=lambda _: None)
    book.reset({"bids": [["9", "1"], ["8", "1"], ["7", "1"]], "asks": [["10", "1"]]})
    assert (book.bids.known(), book.asks.known()) == (3, 1)
    book.bids.store("6", "5")
    assert (len(book.bids), book.bids.known()) == (4, 3)
    book.bids.store("8", "0")
    assert book.bids.known() == 2


@pytest.mark.parametrize("text", ["1e5", "nan", "-1", "1_0", "", "0x1", "٣"])
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    """No price is made of an exponent, a sign, a separator or a foreign digit."""
    book = Ladder(on_change=lambda _: None)
    with pytest.raises(ValueError, match="number"):
        book.asks.store(text, "1")


def test_missing_messages_of_a_numbered_connection_are_seen() -> None:
    """Each connection counts on its own; a new one may begin anywhere."""
    numbers = MessageNumbers()
    assert not numbers.check(1, {"sequence_num": 0})
    assert not numbers.check(1, {"sequence_num": 1})
    assert not numbers.check(2, {"sequence_num": 7})
    assert numbers.check(1, {"sequence_num": 3}) == "message 3 came where 2 was due"
    numbers.forget(1)
    assert not numbers.check(1, {"sequence_num": 0})
    assert not numbers.check(1, {"type": "subscriptions"})


def test_a_name_that_is_no_venue_is_answered_with_the_nearest() -> None:
    """The person who misspelt it reads what was meant."""
    with pytest.raises(ConfigError, match="did you mean 'binance'"):
        open_exchange("binanse", Deaf())
    assert set(PROOFS) <= set(load_ccxt().pro.exchanges)


def test_ccxt_is_loaded_only_when_asked_for() -> None:
    """Neither the package nor the live feed's wiring imports it."""
    code = "import sys, papertape.wiring, papertape.runner; print('ccxt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_ccxt_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message is the command."""
    monkeypatch.setitem(sys.modules, "ccxt.pro", None)
    with pytest.raises(ConfigError) as caught:
        load_ccxt()
    assert INSTALL in str(caught.value)
