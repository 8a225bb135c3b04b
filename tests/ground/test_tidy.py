"""The house rules that no linter knows: sizes, plain prints, documents, foreign addresses."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "papertape"

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
LINE_COLUMNS_MAX = 100
ROOT_DOCUMENTS = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
CODE_SUFFIXES = {".py", ".js", ".mjs", ".css", ".html", ".sh", ".toml", ".yaml", ".pxd"}
LINE_SUFFIXES = CODE_SUFFIXES - {".html", ".toml"}  # an SVG path, a comment beside a version

# Written in parts, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    "registry.npm" + "js.org", "files.python" + "hosted.org", "pypi" + ".org/simple",
    "deb.deb" + "ian.org",
]  # fmt: skip
CDN_HOSTS = [
    "cdn.js" + "delivr", "unp" + "kg.com", "cdn" + "js.cloudflare", "fonts.google" + "apis",
    "fonts.g" + "static", "code.jq" + "uery", "cdn.socket" + ".io",
]  # fmt: skip
PRAGMA = re.compile(r"\s+# (?:noqa|type:).*$")  # as ruff counts: what follows is for a tool
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|home|Users|root)/(?=[\w.])")


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the repository: those git knows, or all if this is no checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return tuple(path for name in sorted(names) if (path := ROOT / name).is_file())
    return tuple(sorted(path for path in ROOT.rglob("*") if path.is_file()))


def texts(*suffixes: str, under: str = "") -> Iterator[tuple[Path, str]]:
    """Yield the tracked text files with one of these endings."""
    for path in tracked():
        name = path.relative_to(ROOT)
        if path.suffix in suffixes and name.as_posix().startswith(under):
            yield name, path.read_text(encoding="utf-8")


def test_no_file_is_longer_than_an_evening_allows() -> None:
    """A file has one subject and at most 400 lines."""
    long = [
        f"{name}: {lines} lines"
        for name, text in texts(*CODE_SUFFIXES)
        if (lines := text.count("\n")) > FILE_LINES_MAX
    ]
    assert not long, long


def test_no_line_is_wider_than_100_columns() -> None:
    """Two files fit beside each other."""
    wide = [
        f"{name}:{number}"
        for name, text in texts(*LINE_SUFFIXES)
        for number, line in enumerate(text.splitlines(), start=1)
        if len(PRAGMA.sub("", line)) > LINE_COLUMNS_MAX
    ]
    assert not wide, wide


def test_no_function_is_longer_than_a_screen() -> None:
    """A function does one thing, in at most 60 lines."""
    long = []
    for name, text in texts(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{name}:{node.lineno} {node.name}: {lines} lines")
    assert not long, long


def test_only_the_command_line_prints() -> None:
    """Everything else logs, records or returns."""
    prints = [
        f"{name}:{node.lineno}"
        for name, text in texts(".py", under="src/papertape/")
        if name.parts[2] != "cli"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "input", "breakpoint")
    ]
    assert not prints, prints


def test_nothing_executes_text_or_unpickles() -> None:
    """Data stays data."""
    names = {"eval", "exec", "compile", "__import__"}
    modules = {"pickle", "marshal", "shelve", "dill"}
    found = []
    for name, text in texts(".py", under="src/papertape/"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [f"{name}:{node.lineno} {node.func.id}"] * (node.func.id in names)
            elif isinstance(node, ast.Import):
                found += [f"{name} {a.name}" for a in node.names if a.name in modules]
            elif isinstance(node, ast.ImportFrom) and node.module in modules:
                found.append(f"{name} {node.module}")
    assert not found, found


def test_every_public_thing_says_what_it_is() -> None:
    """Modules, public classes and functions of the package have a docstring."""
    silent = []
    for name, text in texts(".py", under="src/papertape/"):
        tree = ast.parse(text)
        if text.strip() and not ast.get_docstring(tree):
            silent.append(str(name))
        for node in ast.walk(tree):
            public = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if public and not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{name}:{node.lineno} {node.name}")
    inner = _names_inside_functions()
    silent = [place for place in silent if place.split(" ")[0] not in inner]
    assert not silent, silent


def _names_inside_functions() -> set[str]:
    inner = set()
    for name, text in texts(".py", under="src/papertape/"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for part in ast.walk(node):
                    if part is not node and isinstance(part, ast.FunctionDef | ast.ClassDef):
                        inner.add(f"{name}:{part.lineno}")
            elif isinstance(node, ast.ClassDef) and node.name.startswith("_"):
                inner.update(
                    f"{name}:{part.lineno}"
                    for part in node.body
                    if isinstance(part, ast.FunctionDef)
                )
    return inner


def test_four_documents_stand_in_the_root() -> None:
    """No summaries of changes beside the changelog."""
    documents = {
        path.name
        for path in tracked()
        if path.parent == ROOT and (path.suffix in (".md", ".rst", ".txt") or not path.suffix)
    }
    assert documents - ROOT_DOCUMENTS <= {"Makefile", ".gitignore", ".npmrc", ".gitattributes"}
    assert documents >= ROOT_DOCUMENTS


def test_no_file_names_a_registry_or_a_cdn() -> None:
    """Where packages come from is each machine's own setting; pages load nothing from elsewhere."""
    suffixes = (*CODE_SUFFIXES, ".md", ".json", ".lock", ".txt")
    found = [
        f"{name}: {host}"
        for name, text in texts(*suffixes)
        for host in REGISTRY_HOSTS + CDN_HOSTS
        if host in text
    ]
    found += [
        f"{name}: names an index or a download address"
        for name in ("requirements.lock", "package-lock.json")
        if re.search(r"https?://|--index-url|--find-links|\"resolved\"", (ROOT / name).read_text())
    ]
    assert not found, found


def test_no_file_names_a_path_of_someones_machine() -> None:
    """What is written here works on every machine."""
    found = [
        f"{name}:{number}"
        for name, text in texts(*CODE_SUFFIXES, ".md", ".json")
        if name.name != Path(__file__).name
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE_PATHS.search(line)
    ]
    assert not found, found


def test_pages_hold_no_script_and_no_style_of_their_own() -> None:
    """A strict content security policy holds: everything executable is a file of ours."""
    found = []
    for name, text in texts(".html", under="src/papertape/dashboard/"):
        if re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text):
            types = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", text)
            found += [f"{name}: script" for kind in types if "application/json" not in kind]
        if re.search(r"<style|\sstyle\s*=\s*[\"']", text):
            found.append(f"{name}: style")
        if re.search(r"\son[a-z]+\s*=\s*[\"']|javascript:", text):
            found.append(f"{name}: handler")
        if re.search(r"(?:\ssrc|<link[^>]*\shref)\s*=\s*[\"'](?:https?:)?//", text):
            found.append(f"{name}: foreign address")
    assert not found, found


def test_scripts_never_write_html_or_execute_text() -> None:
    """Text of others reaches the page as text."""
    forbidden = re.compile(
        r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\("
        r"|createContextualFragment|setHTMLUnsafe"
    )
    found = [
        f"{name}:{number}"
        for name, text in texts(".js", ".mjs", under="src/papertape/dashboard/static/js/")
        for number, line in enumerate(text.splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert not found, found


def test_no_leftovers() -> None:
    """What is replaced is deleted in the same commit."""
    found = [
        f"{name}:{number}"
        for name, text in texts(".py", ".js", ".mjs", ".css", ".html")
        if name.name != Path(__file__).name
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b|\bdef \w+_v2\b|\bclass \w+V2\b", line)
    ]
    assert not found, found


@pytest.mark.parametrize(
    "words",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("lint-imports", "--no-cache")],
    ids=["ruff", "format", "floors"],
)
def test_linters_have_nothing_to_say(words: tuple[str, ...]) -> None:
    """CI holds the linters' rules too."""
    tool = Path(sys.executable).with_name(words[0])
    done = subprocess.run(
        [str(tool), *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]


@pytest.mark.slow
def test_types_hold() -> None:
    """mypy --strict over the whole package."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
