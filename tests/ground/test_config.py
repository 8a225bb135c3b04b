"""Settings: defaults, sources, and every mistake named by place, key, value and nearest match."""

from __future__ import annotations

import contextlib
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.config import Config, known_keys, load_config
from papertape.config_yaml import FILE_BYTES_MAX, plain_value, read_yaml
from papertape.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.yaml"
ENVIRONMENT_ONLY = {("dashboard", "token")}


def load(tmp_path: Path, text: str | bytes, **env: str) -> Config:
    """Return the settings of a file with this text."""
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path, env)


def mistake(tmp_path: Path, text: str | bytes) -> str:
    """Return what is said about a file with this text, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_the_example_is_the_defaults() -> None:
    """Copying config.example.yaml changes nothing."""
    assert load_config(EXAMPLE) == Config()


def test_the_example_shows_every_key_with_a_word_on_it() -> None:
    """A person finds every key there is."""
    shown = {key for key in read_yaml(EXAMPLE).lines if len(key) <= 2}
    assert shown == set(known_keys()) - ENVIRONMENT_ONLY
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        key, _, rest = line.partition(":")
        if rest.strip() and not key.strip().startswith("#"):
            assert "  # " in rest or "# " in rest, line


def test_the_package_carries_the_example() -> None:
    """`papertape config init` works from a wheel."""
    packaged = ROOT / "src/papertape/config.example.yaml"
    assert packaged.read_text(encoding="utf-8") == EXAMPLE.read_text(encoding="utf-8")


MISTAKES = [
    ("risk:\n  max_order: 5\n", "config.yaml:2: risk.max_order: unknown key (value 5); "
     "did you mean risk.max_order_usd?"),
    ("risk:\n\n  max_exposure_fraction: 0.6\n", "config.yaml:3: risk.max_exposure_fraction: "
     "unknown key (value Decimal('0.6')); did you mean risk.max_exposure_pct?"),
    ("max_order_usd: 5\n", "config.yaml:1: max_order_usd: unknown key (value 5); "
     "did you mean risk.max_order_usd?"),
    ("risks: {}\n", "config.yaml:1: risks: unknown key (value {}); did you mean risk?"),
    ("feed: {kind: repaly}", "config.yaml:1: feed.kind: 'repaly' is not one of 'simulated', "
     "'replay' or 'live'; did you mean replay?"),
    ("live: {ws_url: 'http://x'}", "config.yaml:1: live.ws_url: 'http://x' is not an address that "
     "begins with wss or ws://"),
    ("live: {venues: [simulated]}", "config.yaml:1: live.venues.0: 'simulated' is not one of "
     "'polymarket', 'crypto' or 'kalshi'"),
    ("risk: {max_order_usd: '5%'}", "config.yaml:1: risk.max_order_usd: '5%' is not an amount in "
     "USD such as 500 or 12.50"),
    ("risk: {max_order_usd: -5}", "config.yaml:1: risk.max_order_usd: -5 is not an amount in "
     "USD such as 500 or 12.50"),
    ("risk: {max_order_usd: 0}", "config.yaml:1: risk.max_order_usd: 0 is not more than 0"),
    ("risk: {max_open_orders: 1.5}", "config.yaml:1: risk.max_open_orders: 1.5 is not a whole "
     "number"),
    ("risk: {max_open_orders: true}", "config.yaml:1: risk.max_open_orders: True is not a whole "
     "number"),
    ("feed: {speed: fast}", "config.yaml:1: feed.speed: 'fast' is not a factor more than 0 such "
     "as 1 or 10, or max"),
    ("dashboard: {port: 70000}", "config.yaml:1: dashboard.port: 70000 is not 65535 or less"),
    ("dashboard: {port: '5001'}", "config.yaml:1: dashboard.port: '5001' is not a whole number"),
    ("strategies: {momentum: {enabled: yes}}", "config.yaml:1: strategies.momentum.enabled: "
     "'yes' is not true or false"),
    ("strategies: {momentum: {parms: {}}}", "config.yaml:1: strategies.momentum.parms: unknown "
     "key (value {}); did you mean strategies.momentum.params?"),
    ("strategies: {Bad-Name: {}}", "config.yaml:1: strategies.Bad-Name: 'Bad-Name' is not a name "
     "of small letters, digits and _"),
    ("risk: 3", "config.yaml:1: risk: 3 is not keys with values"),
    ("[1, 2]", "config.yaml:1: [1, 2] is not keys with values"),
    ("logging: {level: loud}", "config.yaml:1: logging.level: 'loud' is not one of 'debug', "
     "'info', 'warning' or 'error'"),
    ("data_dir: ''", "config.yaml:1: data_dir: '' is not a path"),
    ("a: 1\nb: 2\na: 3\n", "config.yaml:3: the key 'a' stands twice (line 1 too)"),
    ("a: &x 1\nb: *x\n", "config.yaml:1: anchors and aliases are not taken; write the value out"),
    ("\na: !!python/name:os.system x\n", "config.yaml:2: the tag "
     "'tag:yaml.org,2002:python/name:os.system' is not taken; write plain values"),
    ("a: 1\n---\nb: 1\n", "config.yaml:2: a second document; a config is one"),
    ("? [1]\n: 2", "config.yaml:1: a key must be a word"),
    ("[" * 50, "config.yaml:1: nested more than 16 deep"),
    (b"a: 1\nb: \xff\n", "config.yaml:2: byte 0xff is not UTF-8"),
    (b"\xef\xbb\xbfa: 1", "config.yaml:1: starts with a byte order mark; save it as plain UTF-8"),
    ("dashboard: {token: x}", "config.yaml:1: dashboard.token: a secret does not belong in a "
     "config file; set PAPERTAPE_TOKEN, or use the token file of the data folder"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said[12:50] for _, said in MISTAKES])
def test_a_mistake_is_named(tmp_path: Path, text: str | bytes, said: str) -> None:
    """File, line, key, value, what was expected, and the nearest key there is."""
    assert mistake(tmp_path, text) == said


def test_percent_and_fraction_cannot_be_confused(tmp_path: Path) -> None:
    """60 and '60%' are sixty percent, '0.5%' is half a percent, and 0.5 is asked about."""
    for text, pct in [("60", "60"), ("'60%'", "60"), ("'0.5%'", "0.5"), ("100", "100")]:
        config = load(tmp_path, f"risk: {{max_exposure_pct: {text}}}")
        assert config.risk.max_exposure_pct == Decimal(pct)
    said = mistake(tmp_path, "risk: {max_exposure_pct: 0.5}")
    assert "write 50 for 50 of 100, or '0.5%'" in said
    for text in ["101", "-1", "'150%'", "'%'", "0", "'5 %'", "'5%%'"]:
        assert "risk.max_exposure_pct" in mistake(tmp_path, f"risk: {{max_exposure_pct: {text}}}")


def test_replay_needs_its_data(tmp_path: Path) -> None:
    """A replay without a recording is a mistake, told before anything starts."""
    assert "needs feed.data" in mistake(tmp_path, "feed: {kind: replay}")
    assert load(tmp_path, "feed: {kind: replay, data: x}").feed.data == Path("x")


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """A person fixes them in one go."""
    said = mistake(tmp_path, "risk:\n  max_order: 1\nfeed:\n  seed: -1\n").splitlines()
    assert [line.split(":")[1] for line in said] == ["4", "2"]


def test_empty_sections_are_defaults(tmp_path: Path) -> None:
    """A section whose keys are all commented out is no mistake; neither is an empty file."""
    assert load(tmp_path, "") == Config()
    assert load(tmp_path, "risk:\nfeed:\n") == Config()
    assert load(tmp_path, "strategies:\n  momentum:\n").strategies["momentum"].enabled


def test_environment_and_command_line_overrule(tmp_path: Path) -> None:
    """File, then environment, then command line; each is named when it is wrong."""
    path = tmp_path / "config.yaml"
    path.write_text("dashboard: {port: 6000}\nrisk: {max_order_usd: 10}\n")
    env = {
        "DASHBOARD_PORT": "6001",
        "FLASK_DEBUG": "1",
        "PAPERTAPE_DATA_DIR": "elsewhere",
        "PAPERTAPE_TOKEN": "12345",
        "PAPERTAPE__RISK__MAX_ORDER_USD": "20.50",
        "PAPERTAPE__STRATEGIES__MOMENTUM__PARAMS__WINDOW": "9",
        "UNRELATED": "x",
    }
    config = load_config(path, env, {"dashboard.port": 6002, "feed.seed": None})
    assert config.dashboard.port == 6002
    assert config.dashboard.debug
    assert config.data_dir == Path("elsewhere")
    assert config.risk.max_order_usd == Decimal("20.50")
    assert config.strategies["momentum"].params == {"window": 9}
    assert config.dashboard.token is not None
    assert "12345" not in repr(config) + str(config.plain())
    with pytest.raises(ConfigError, match=r"^environment DASHBOARD_PORT: dashboard\.port: 'x'"):
        load_config(path, {"DASHBOARD_PORT": "x"})
    with pytest.raises(ConfigError, match=r"^command line: feed\.kind: 'rep'"):
        load_config(path, {}, {"feed.kind": "rep"})
    with pytest.raises(ConfigError, match=r"did you mean risk\.max_order_usd"):
        load_config(path, {"PAPERTAPE__RISK__MAX_ORDER": "1"})
    with pytest.raises(ConfigError, match="has no keys below it"):
        load_config(path, {"PAPERTAPE__DASHBOARD__PORT__X": "1"})


def test_a_file_that_cannot_be_read_or_is_too_large(tmp_path: Path) -> None:
    """Both are told as they are."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    assert "larger than" in mistake(tmp_path, b"#" * (FILE_BYTES_MAX + 1))


def test_money_stays_exact(tmp_path: Path) -> None:
    """0.1 in a file is a tenth, not the float nearest to it."""
    config = load(tmp_path, "account: {initial_cash_usd: 0.1}")
    assert config.account.initial_cash_usd == Decimal("0.1")


@pytest.mark.parametrize(
    "text", ["1e3", "0x10", "1_000", "12:30", ".inf", ".nan", "yes", "on", "NO", "١٢", "1e2000000"]
)
def test_clever_words_stay_words(text: str) -> None:
    """What YAML 1.1 makes numbers and truths of is text here."""
    assert plain_value(text) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_a_config_error(body: bytes) -> None:
    """No file can end in a traceback."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_bytes(body)
        with contextlib.suppress(ConfigError):
            load_config(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@given(st.sampled_from([".".join(key) for key in known_keys()]), VALUES)
def test_any_value_of_any_key_is_taken_or_a_config_error(key: str, value: object) -> None:
    """No value can end in a traceback, or be taken and then be something else."""
    try:
        load_config(None, {}, {key: value})
    except ConfigError as error:
        assert str(error)
