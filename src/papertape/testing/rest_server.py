"""A small HTTP/1.1 server for scripted venues: GET only, one answer per connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

Query = dict[str, str]
Reply = tuple[int, Any, dict[str, str]]
"""Status, body (JSON-able, or bytes as they are), more headers."""


async def serve_rest(
    answer: Callable[[str, str, Query], Reply], now_s: Callable[[], float]
) -> asyncio.Server:
    """Listen on a free port of the loopback; `answer` is given method, path and query."""

    async def _handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            parts = urlsplit(target)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, said, more = answer(method, parts.path, query)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            lines = [
                f"HTTP/1.1 {status} X",
                "content-type: application/json",
                f"content-length: {len(body)}",
                f"date: {formatdate(now_s(), usegmt=True)}",
                "connection: close",
                *(f"{name}: {value}" for name, value in more.items()),
            ]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(_handle, "127.0.0.1", 0)
