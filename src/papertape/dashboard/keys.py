"""The two secrets of the dashboard: a token for scripts, and the page's proof that it is ours."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from papertape.errors import ConfigError, WorldError

TOKEN_FILE = "token"
TOKEN_BYTES = 32  # 256 bits
TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{16,200}", re.ASCII)


class CsrfToken:
    """What a page of ours holds and another site cannot read: lives as long as the process."""

    def __init__(self) -> None:
        """Draw a secret of this process."""
        key = secrets.token_bytes(TOKEN_BYTES)
        self.text = hmac.new(key, b"papertape page", hashlib.sha256).hexdigest()

    def matches(self, given: str) -> bool:
        """Return whether this is the token, in constant time."""
        return hmac.compare_digest(self.text.encode(), given.encode("latin-1", "replace"))


class BearerToken:
    """The token of scripts, read from the data folder once it is needed."""

    def __init__(self, data_dir: Path, given: str | None = None) -> None:
        """Use the token given (PAPERTAPE_TOKEN), else that of the data folder."""
        self._data_dir = data_dir
        self._token = given

    def matches(self, given: str) -> bool:
        """Return whether this is the token, in constant time."""
        if self._token is None:
            self._token = read_or_make_token(self._data_dir)
        return hmac.compare_digest(self._token.encode(), given.encode("latin-1", "replace"))


def read_or_make_token(data_dir: Path) -> str:
    """Return the token for scripts in `data_dir`/token; made with mode 0600 if there is none."""
    path = data_dir / TOKEN_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise WorldError(f"{path}: cannot be written: {error.strerror}") from error
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"{path}: cannot be read: {error}") from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(f"{path}: others can read it; run: chmod 600 {path}")
    if not TOKEN_FORM.fullmatch(token):
        raise ConfigError(f"{path}: holds no token; delete it and a new one is made")
    return token
