"""Log files: whole JSON lines, bounded in size, and never a secret in them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from papertape.logs import HIDDEN, LINE_CHARS_MAX, LOG_FILE_BYTES, LOG_FILES, configure_logs

SECRET = "s3cr3t-of-the-folder"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as the other tests expect it."""
    yield
    structlog.reset_defaults()
    for handler in list(logging.getLogger().handlers):
        if type(handler).__module__ == "papertape.logs":
            logging.getLogger().removeHandler(handler)
            handler.close()


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_stand_in_the_file_as_json(tmp_path: Path) -> None:
    """Ours and those of libraries, with time, level and fields; below the level, nothing."""
    path = tmp_path / "logs" / "bot.jsonl"
    configure_logs("info", file=path)
    assert not path.parent.exists()  # made with the first line
    log = structlog.get_logger()
    log.debug("not told")
    log.info("the bot runs", run_id="R1", folder=Path("data"))
    logging.getLogger("library").warning("odd: %s", "thing")
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("failed")
    told = lines(path)
    assert [line["event"] for line in told] == ["the bot runs", "odd: thing", "failed"]
    assert [line["level"] for line in told] == ["info", "warning", "error"]
    assert told[0]["run_id"] == "R1"
    assert told[1]["logger"] == "library"
    assert "ValueError: broken" in str(told[2]["exception"])
    assert all(str(line["timestamp"]).endswith("Z") for line in told)


def test_no_secret_reaches_the_file_or_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not by a field's name, not inside a text, not nested, not in a traceback."""
    path = tmp_path / "bot.jsonl"
    configure_logs("info", file=path, secrets=[SECRET, None, "", "in"])
    log = structlog.get_logger()
    log.info("asked", token="abc123456", headers={"Authorization": "Bearer xyz", "Host": "h"})
    log.info(f"with {SECRET} inside", url=f"http://h/?token={SECRET}&a=1", all=[SECRET])
    log.warning("sent Bearer abcdef0123456789", api_key=["k"])
    logging.getLogger("library").error("password=hunter22 failed")
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("failed")
    text = path.read_text() + capsys.readouterr().err
    for secret in (SECRET, "abc123456", "xyz", "abcdef0123456789", "hunter22"):
        assert secret not in text, secret
    assert HIDDEN in text
    assert lines(path)[0]["headers"] == {"Authorization": HIDDEN, "Host": "h"}


def test_the_file_rotates_and_long_lines_are_cut(tmp_path: Path) -> None:
    """At most five files of two megabytes; a monstrous line loses its tail, not its place."""
    path = tmp_path / "bot.jsonl"
    configure_logs("info", file=path)
    log = structlog.get_logger()
    log.info("x" * 50_000, more="y" * 50_000)
    [line] = lines(path)
    assert line["cut"] is True
    assert len(json.dumps(line)) < LINE_CHARS_MAX
    for _ in range(800):
        log.info("filler", text="z" * (LINE_CHARS_MAX - 200))
    files = sorted(tmp_path.iterdir())
    assert len(files) == LOG_FILES
    assert all(file.stat().st_size <= LOG_FILE_BYTES for file in files)


def test_a_disk_that_takes_nothing_costs_only_the_lines(tmp_path: Path) -> None:
    """Whoever logs goes on."""
    (tmp_path / "logs").write_text("in the way")
    configure_logs("info", file=tmp_path / "logs" / "bot.jsonl")
    structlog.get_logger().info("the bot runs")
    assert (tmp_path / "logs").read_text() == "in the way"


def test_a_run_says_how_it_began_and_ended(tmp_path: Path) -> None:
    """In the data folder's log, with what belongs to it."""
    words = ["run", "--speed", "max", "--duration", "20s", "--json", "--data-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "papertape.cli", *words],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    told = {line["event"]: line for line in lines(tmp_path / "logs" / "bot.jsonl")}
    assert {"the bot runs", "the bot has stopped"} <= told.keys()
    run_id = json.loads(done.stdout)["run_id"]
    assert told["the bot has stopped"]["run_id"] == told["the bot runs"]["run_id"] == run_id
