"""Paper by construction: nothing here can sign, hold a key, or post an order to a venue."""

from __future__ import annotations

import ast
import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from papertape.config import known_keys
from papertape.feeds.crypto.door import CREDENTIALS, is_forbidden

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "papertape"

SIGNING_PACKAGES = {
    "eth-account", "eth-keys", "eth-keyfile", "web3", "py-clob-client", "coincurve", "ecdsa",
    "pynacl", "cryptography", "pycryptodome", "ccxt", "python-binance", "kalshi-python", "solders",
    "py-order-utils", "secp256k1", "bitcoin", "polymarket",
}  # fmt: skip
CLIENT_LIBRARIES = {"requests", "httpx", "aiohttp", "urllib3", "http.client", "urllib.request"}
# the live feed's client and the one of `doctor --live`: what they may ask is tested below
READERS = {"rest.py": "httpx", "reachable.py": "httpx"}
DOOR = SOURCE / "feeds" / "crypto" / "door.py"  # where ccxt comes in, and what is taken from it
KEY_WORDS = re.compile(r"private|secret|mnemonic|wallet|api_?key|passphrase|seed_phrase|signer")
ORDER_PATHS = re.compile(
    r"/api/v3/order|trade-api/v2/portfolio/orders|/orders?\b|/auth/|/ws/user|/v1/heartbeats"
)


def default_install() -> set[str]:
    """Names of all packages that `pip install papertape` brings, without any extra."""
    found: set[str] = set()
    wanted = ["papertape"]
    while wanted:
        name = wanted.pop()
        for line in requires(name) or ():
            requirement = Requirement(line)
            needed = canonicalize_name(requirement.name)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            if needed not in found:
                found.add(needed)
                wanted.append(needed)
    return found


def test_the_default_install_holds_no_signing_library() -> None:
    """What it brings cannot sign a transaction or an order."""
    names = default_install()
    assert {"flask", "pyarrow", "httpx"} <= names
    assert not names & SIGNING_PACKAGES


def test_no_setting_takes_a_key() -> None:
    """There is no place to put a private key."""
    words = [".".join(key) for key in known_keys() if KEY_WORDS.search(key[-1])]
    assert not words, words


def test_no_code_signs_or_calls_a_venue() -> None:
    """No import of a signing or an HTTP client library, and no address that takes orders."""
    found = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found += [f"{path.name}: {word}" for word in ORDER_PATHS.findall(text)]
        for node in ast.walk(ast.parse(text)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                package = name.split(".")[0].replace("_", "-")
                client = name in CLIENT_LIBRARIES and READERS.get(path.name) != name
                if package == "ccxt" and path == DOOR:
                    continue  # tests/feeds/crypto/test_door.py holds what comes through it
                if package in SIGNING_PACKAGES or client:
                    found.append(f"{path.name}: imports {name}")
    assert not found, found


def test_the_live_feed_only_reads() -> None:
    """Its client knows GET, and one POST: the one that asks for whole books."""
    text = (SOURCE / "feeds" / "polymarket" / "rest.py").read_text(encoding="utf-8")
    assert re.findall(r'"(POST|PUT|DELETE|PATCH)", ([^,]+),', text) == [
        ("POST", 'f"{self._clob}/books"')
    ]
    reader = (SOURCE / "feeds" / "rest.py").read_text(encoding="utf-8")
    assert re.findall(r"_client\.(\w+)\(", reader) == ["aclose", "request"]
    probe = (SOURCE / "feeds" / "reachable.py").read_text(encoding="utf-8")
    assert re.findall(r"client\.(\w+)\(", probe) == ["request"]
    assert re.findall(r"client\.request\((.*?), url", probe) == [
        '"GET" if body is None else "POST"'
    ]
    assert re.findall(r"_endpoint\(.*, body\)", probe) == [
        '_endpoint(client, "polymarket books", f"{clob}/books", body)'
    ]
    kalshi = (SOURCE / "feeds" / "kalshi" / "rest.py").read_text(encoding="utf-8")
    assert set(re.findall(r"_ask\(\s*(\S+),", kalshi)) == {'"GET"'}
    for path in (
        *(SOURCE / "feeds" / "polymarket").glob("*.py"),
        *(SOURCE / "feeds" / "kalshi").glob("*.py"),
    ):
        said = path.read_text(encoding="utf-8")
        assert not re.search(r"(?i)authorization|signature|POLY_|api.?key", said), path.name


def test_ccxt_comes_in_by_one_door_and_no_order_method_is_touched() -> None:
    """It is named in one file; no code of ours calls what would order, sign or read an account."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Constant) and node.value in {"ccxt", "ccxt.pro"}
            if named and path != DOOR:
                found.append(f"{path.name}: names ccxt")
            if isinstance(node, ast.Attribute) and path.parent == DOOR.parent:
                is_key = node.attr in CREDENTIALS and isinstance(node.ctx, ast.Store)
                if is_forbidden(node.attr) or is_key:
                    found.append(f"{path.name}: touches {node.attr}")
    assert not found, found


def test_the_paper_engine_opens_no_connection() -> None:
    """Engine, services, strategies and core know no socket at all."""
    found = []
    for room in ("engine", "services", "strategies", "core", "model"):
        for path in (SOURCE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found += [f"{path.name}" for a in node.names if a.name in ("socket", "ssl")]
    assert not found, found
