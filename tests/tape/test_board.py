"""The board: newest quotes for other processes, and never a reason for the bot to stop."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from papertape.model.ports import BoardDepth, BoardPrint, BoardQuote, Heartbeat
from papertape.tape.board import BoardReader, SqliteBoard


def quote(symbol: str, bid_ticks: int = 10) -> BoardQuote:
    return BoardQuote(
        symbol=symbol, bid_ticks=bid_ticks, bid_lots=1, ask_ticks=bid_ticks + 100, ask_lots=0,
        last_ticks=None, ts_ns=2**62, venue_ts_ns=-1, state="live", source="simulated",
    )  # fmt: skip


def heartbeat(seq: int) -> Heartbeat:
    return Heartbeat(
        run_id="r", pid=1, wall_ns=5, started_wall_ns=1, engine_ts_ns=4, seq=seq, mseq=3, events=2,
        feed="simulated", feed_state="live", engine_state="trading",
    )  # fmt: skip


def test_the_newest_quote_of_each_instrument_is_read(tmp_path: Path) -> None:
    path = tmp_path / "board.db"
    reader = BoardReader(path)
    assert (reader.quotes(), reader.heartbeat(), reader.changed()) == ([], None, False)
    board = SqliteBoard(path)
    assert (reader.quotes(), reader.heartbeat()) == ([], None)
    board.put([quote("a:ü'\":YES"), quote("b")], heartbeat(1))
    board.put([quote("b", 20)], None)
    board.put([], heartbeat(2))
    assert reader.quotes() == board.quotes() == [quote("a:ü'\":YES"), quote("b", 20)]
    assert reader.heartbeat() == board.heartbeat() == heartbeat(2)
    assert board.failures == 0
    board.close()
    assert len(reader.quotes()) == 2  # the last prices stay readable while the bot is off
    reader.close()


def test_depths_are_read_for_those_who_ask(tmp_path: Path) -> None:
    path = tmp_path / "board.db"
    reader = BoardReader(path)
    assert reader.depths(["a"]) == {}
    board = SqliteBoard(path)
    assert reader.depths([]) == {}

    def depth(symbol: str, ts_ns: int) -> BoardDepth:
        prints = (BoardPrint(ts_ns, 41, 500, "BUY"),)
        return BoardDepth(symbol=symbol, ts_ns=ts_ns, bid_ticks=(40, 39), bid_lots=(1, 2**62),
                          ask_ticks=(), ask_lots=(), prints=prints)  # fmt: skip

    board.put([], None, [depth("a", 1), depth("b'\"", 2)])
    board.put([quote("a")], heartbeat(1), [depth("a", 3)])
    assert reader.depths(["a", "b'\"", "c"]) == {"a": depth("a", 3), "b'\"": depth("b'\"", 2)}
    assert board.failures == 0
    board.close()
    board = SqliteBoard(path)  # a new run begins without old levels
    assert reader.depths(["a"]) == {}
    board.close()
    reader.close()


def test_changed_says_so_once_per_write(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "board.db")
    reader = BoardReader(tmp_path / "board.db")
    assert reader.changed()
    assert not reader.changed()
    board.put([quote("a")], None)
    assert reader.changed()
    assert not reader.changed()
    reader.close()
    board.close()


def test_a_new_run_begins_without_old_prices(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "board.db")
    board.put([quote("a")], heartbeat(1))
    board.close()
    board = SqliteBoard(tmp_path / "board.db")
    assert board.quotes() == []
    assert board.heartbeat() == heartbeat(1)
    board.close()


def test_a_file_that_is_no_board_is_replaced_and_unreadable_for_readers(tmp_path: Path) -> None:
    path = tmp_path / "board.db"
    path.write_bytes(b"rubbish" * 1_000)
    reader = BoardReader(path)
    assert (reader.quotes(), reader.heartbeat(), reader.changed()) == ([], None, False)
    board = SqliteBoard(path)
    board.put([quote("a")], None)
    assert reader.quotes() == [quote("a")]
    reader.close()
    board.close()


def test_a_failing_write_is_counted_and_not_raised(tmp_path: Path) -> None:
    board = SqliteBoard(tmp_path / "board.db")
    intruder = sqlite3.connect(tmp_path / "board.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    board.put([quote("a")], heartbeat(1))
    assert board.failures == 1
    intruder.execute("ROLLBACK")
    intruder.close()
    board.put([quote("a")], heartbeat(1))
    assert board.failures == 1
    assert board.quotes() == [quote("a")]
    board.close()
