"""`papertape data`: one JSON document on stdout, tables for people, exit codes as promised."""

import json
import lzma
import os
import subprocess
import sys

import pytest

HEADER = "timestamp_ms,open,high,low,close,volume"
ROWS = ["1707706800000,10,12,9,11,1.5", "1707706860000,11,x,9,11,1.5", "1707707040000,11,12,9,10,2"]


@pytest.fixture
def candles(tmp_path):
    path = tmp_path / "BTCUSDT_1m.csv.xz"
    with lzma.open(path, "wt") as out:
        out.write("\n".join([HEADER, *ROWS]) + "\n")
    return path


@pytest.fixture
def papertape(root, tmp_path):
    def run(*words):
        env = {**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "120"}
        return subprocess.run(
            [sys.executable, "-m", "papertape.cli", *words, "--data-dir", str(tmp_path / "data")],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def test_import_reports_what_it_left_out(papertape, candles):
    done = papertape("data", "import", str(candles))
    assert done.returncode == 0, done.stderr
    assert "not a plain decimal number" in done.stdout and "BTCUSDT_1m.csv.xz:3" in done.stdout
    document = json.loads(papertape("data", "import", str(candles), "--json").stdout)
    assert document["import_report"]["malformed_rows"] == 1
    assert document["rows"] == 5


def test_info_says_what_is_in_a_recording(papertape, candles):
    done = papertape("data", "info", str(candles), "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["malformed"], facts["duplicates"], facts["gaps"]) == (1, 0, 1)
    assert facts["instruments"][0]["symbol"] == "binance:BTC/USDT"
    assert facts["instruments"][0]["bars"] == 2
    assert facts["last_ts_ns"] - facts["first_ts_ns"] == 240 * 10**9
    shown = papertape("data", "info", facts["folder"])
    assert shown.returncode == 0 and "binance:BTC/USDT" in shown.stdout


def test_what_is_no_recording_is_wrong_usage(papertape, tmp_path):
    done = papertape("data", "import", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    # a long path is shown cut, so its end is not looked for
    assert "an existing file or folder" in done.stderr and "Traceback" not in done.stderr
