"""The command line: fast help, clean streams, exit codes that mean something, no tracebacks."""

from __future__ import annotations

import csv
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from papertape.cli.main import COMMANDS, run
from papertape.cli.options import duration_s, strategy_names
from papertape.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
HELP_S_MAX = 0.3


def papertape(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does: a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "papertape.cli", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """Return a data folder with a short simulated run, and the run's --json summary."""
    folder = tmp_path_factory.mktemp("run") / "data"
    words = ["run", "--speed", "max", "--duration", "120s", "--json", "--data-dir", str(folder)]
    done = papertape(*words)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, without settings from the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("PAPERTAPE_", "DASHBOARD_", "FLASK_")):
            monkeypatch.delenv(name)


def test_help_is_there_before_one_blinks() -> None:
    """`--help` of the whole waits for no library.

    Processor time of the fastest of three counts: it says what the wall clock says on a machine
    that has nothing else to do, and the same on one that runs other tests.
    """
    times = []
    for _ in range(3):
        before = os.times()
        done = papertape("--help")
        after = os.times()
        spent = after.children_user + after.children_system
        times.append(spent - before.children_user - before.children_system)
        assert done.returncode == 0
        assert all(name in done.stdout for name in COMMANDS)
    assert min(times) < HELP_S_MAX, times


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to type stands there."""
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example:" in text
    assert f"papertape {name}" in text


def test_help_of_the_commands_loads_nothing_heavy() -> None:
    """Help of a command is fast too: no store, no web server, no Parquet."""
    code = (
        "import sys; from papertape.cli.main import COMMANDS, run; "
        "codes = [run([name, '--help']) for name in COMMANDS]; "
        "heavy = {'pyarrow', 'sqlalchemy', 'flask', 'gevent', 'rich'} & set(sys.modules); "
        "sys.exit(any(codes) or ' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verfy"], "did you mean verify?"),
        (["run", "--bogus"], "--bogus"),
        (["run", "--speed", "fast"], "feed.speed: 'fast' is not a factor"),
        (["run", "--duration", "soon"], "--duration: 'soon' is not a duration"),
        (["run", "--duration", "0s"], "--duration: '0s' is not a duration"),
        (["run", "--strategies", ","], "--strategies: ',' is not names"),
        (["run", "--strategies", "momentun"], "did you mean 'momentum'?"),
        (["run", "--feed", "live", "--speed", "5"], "feed.kind live has no speed but 1"),
        (["run", "--query", "btc"], "need --feed live"),
        (["run", "--feed", "live", "--markets", "a b"], "live.slugs.0: 'a b' is not"),
        (["run", "--feed", "replay"], "needs feed.data"),
        (["run", "--seed", "-1"], "feed.seed: -1 is not 0 or more"),
        (["run", "--config", "none.yaml"], "none.yaml: cannot be read"),
        (["export", "trades", "--format", "parquet"], "needs --out"),
        (["export"], "Missing argument"),
        (["config"], "Missing command"),
        (["dashboard", "--port", "70000"], "dashboard.port: 70000 is not 65535 or less"),
    ],
)
def test_wrong_usage_exits_2_and_says_what(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear message on stderr, nothing on stdout, nothing made."""
    assert run(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not list(Path().iterdir())


@pytest.mark.parametrize("command", [["verify"], ["export", "trades"]])
def test_no_ledger_exits_5(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a ledger is told so, and no ledger is made."""
    assert run([*command, "--data-dir", "nowhere"]) == 5
    assert "nowhere" in capsys.readouterr().err
    assert not Path("nowhere").exists()


def test_a_foreign_file_is_left_untouched(capsys: pytest.CaptureFixture[str]) -> None:
    """Something else under the ledger's name: what is wrong is said, the file stays."""
    Path("data").mkdir()
    foreign = Path("data/papertape.db")
    foreign.write_bytes(b"These are my notes." * 100)
    for words in (["run", "--duration", "1s"], ["export", "trades"], ["verify"]):
        assert run(words) in (1, 5)
        assert "not a papertape ledger" in "".join(capsys.readouterr())
        assert foreign.read_bytes() == b"These are my notes." * 100


def test_a_taken_port_exits_5_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`up` and `dashboard` name the port; `up` has not made a data folder by then."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in ("up", "dashboard"):
            assert run([command, "--port", port]) == 5
            error = capsys.readouterr().err
            assert f"port {port}" in error
            assert "--port" in error
    assert not Path("data").exists()


def test_run_json_is_one_document_with_the_promised_keys(
    recorded: tuple[Path, dict[str, object]],
) -> None:
    """Logs are on stderr; stdout holds the summary alone (the fixture has parsed it)."""
    promised = {
        "run_id", "state_hash", "events", "events_per_s", "signals", "refused", "trades",
        "settled", "fees", "realized_pnl", "total_return", "total_return_pct", "max_drawdown_pct",
    }  # fmt: skip
    assert promised <= set(recorded[1])
    assert recorded[1]["trades"]


def test_export_trades_in_three_forms(
    recorded: tuple[Path, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same trades, with their mode, as CSV, JSON and Parquet."""
    folder = str(recorded[0])
    assert run(["export", "trades", "--data-dir", folder]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert run(["export", "trades", "--format", "json", "--data-dir", folder]) == 0
    trades = json.loads(capsys.readouterr().out)["trades"]
    out = Path("trades.parquet")
    words = ["export", "trades", "--format", "parquet", "--out", str(out), "--data-dir", folder]
    assert run(words) == 0
    table = pq.read_table(out).to_pylist()
    assert len(rows) == len(trades) == len(table)
    fills = [row for row in rows if row["kind"] == "fill"]  # the list has merges and payouts too
    assert len(fills) == recorded[1]["trades"]
    assert table == trades
    assert {row["mode"] for row in rows} == {"SIMULATED"}
    for row, trade in zip(rows, trades, strict=True):
        assert float(row["realized_pnl"]) == pytest.approx(trade["realized_pnl"], abs=1e-9)
        assert row["id"] == trade["id"]
    assert [path.name for path in Path().iterdir()] == ["trades.parquet"]


@pytest.mark.parametrize("what", ["portfolio", "signals"])
def test_export_of_the_rest(
    what: str, recorded: tuple[Path, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Positions and signals have rows too."""
    words = ["export", what, "--format", "json", "--data-dir", str(recorded[0])]
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)[what]


def test_a_failed_export_leaves_no_half_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file is there as a whole, or not at all."""
    assert run(["export", "trades", "--data-dir", "nowhere", "--out", "out.csv"]) == 5
    assert not list(Path().iterdir())
    capsys.readouterr()


def test_doctor_finds_what_is_wrong(
    recorded: tuple[Path, dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A good folder passes; a folder that is a file does not."""
    words = ["--data-dir", str(recorded[0]), "--json"]
    run(["doctor", *words])
    findings = {row["check"]: row for row in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["ledger"]["state"] == "ok"
    assert findings["bot"]["what"] == "not running"
    Path("data").write_text("a file")
    assert run(["doctor", "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["ok"]


def test_doctor_names_a_foreign_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    """The ledger is looked at for real."""
    Path("data").mkdir()
    Path("data/papertape.db").write_bytes(b"x" * 5_000)
    assert run(["doctor", "--json"]) == 1
    findings = {row["check"]: row for row in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["ledger"]["state"] == "error"


def test_the_token_is_the_owners_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made once, mode 0600, the same on each call; the environment overrules it."""
    assert run(["token"]) == 0
    word = capsys.readouterr().out.strip()
    assert len(word) >= 32
    assert stat.S_IMODE(Path("data/token").stat().st_mode) == 0o600
    assert run(["token", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["token"] == word
    monkeypatch.setenv("PAPERTAPE_TOKEN", "a-token-of-my-own-choice")
    assert run(["token"]) == 0
    assert capsys.readouterr().out.strip() == "a-token-of-my-own-choice"


def test_config_init_check_show(capsys: pytest.CaptureFixture[str]) -> None:
    """A begun config is good, is used from the folder, and is never overwritten."""
    assert run(["config", "init"]) == 0
    assert run(["config", "init"]) == 2
    assert "exists already" in capsys.readouterr().err
    text = Path("config.yaml").read_text(encoding="utf-8")
    Path("config.yaml").write_text(text.replace("port: 5001", "port: 5002"), encoding="utf-8")
    assert run(["config", "check"]) == 0
    capsys.readouterr()
    assert run(["config", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dashboard"]["port"] == 5002
    Path("config.yaml").write_text("risk: {max_order: 1}", encoding="utf-8")
    assert run(["config", "check"]) == 2
    assert "did you mean risk.max_order_usd?" in capsys.readouterr().err


def test_strategies_lists_parameters_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    """Values from the config are shown, and a wrong one is refused by name."""
    Path("config.yaml").write_text("strategies: {momentum: {enabled: false}}", encoding="utf-8")
    assert run(["strategies", "--json"]) == 0
    rows = {row["strategy"]: row for row in json.loads(capsys.readouterr().out)["strategies"]}
    assert {"arbitrage", "momentum", "mean_reversion"} <= set(rows)
    assert not rows["momentum"]["enabled"]
    assert rows["arbitrage"]["params"]
    Path("config.yaml").write_text("strategies: {momentum: {params: {nix: 1}}}", encoding="utf-8")
    assert run(["strategies"]) == 2
    assert "momentum.nix" in capsys.readouterr().err


def test_durations_and_names() -> None:
    """What people write for times and lists."""
    assert [duration_s(text) for text in ("60s", "5m", "1.5h", "250ms", "90")] == [
        60.0, 300.0, 5_400.0, 0.25, 90.0,
    ]  # fmt: skip
    assert duration_s(None) is None
    assert strategy_names("a, b,,a") == ["a", "b"]
    with pytest.raises(ConfigError):
        duration_s("-5s")


def test_run_bot_is_papertape_run() -> None:
    """The launcher that users were promised."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_bot.py"), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "papertape run" in done.stdout


def test_a_reader_that_goes_away_is_no_error(
    recorded: tuple[Path, dict[str, object]],
) -> None:
    """`papertape export signals | head -1` ends quietly."""
    words = f"{sys.executable} -m papertape.cli export signals --data-dir {recorded[0]}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} | head -1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
