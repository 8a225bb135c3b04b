"""`python -m benchmarks.listeners PORT COUNT`: sockets that note when each trade arrives.

Says "ready" when all have their snapshot; when told anything, the times (ns) of each trade as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

from websockets.asyncio.client import connect

TRADE = re.compile(r'"id":"(F[0-9]+)"')
AT_ONCE = 20  # connections being opened


async def main(port: int, count: int) -> None:
    """Listen until a line comes."""
    arrived: dict[str, list[int]] = {}
    ready = asyncio.Queue[None]()
    slots = asyncio.Semaphore(AT_ONCE)
    tasks = [asyncio.create_task(_listen(port, arrived, ready, slots)) for _ in range(count)]
    for _ in range(count):
        await ready.get()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for task in tasks:
        task.cancel()
    print(json.dumps(arrived))


async def _listen(
    port: int,
    arrived: dict[str, list[int]],
    ready: asyncio.Queue[None],
    slots: asyncio.Semaphore,
) -> None:
    host = f"127.0.0.1:{port}"
    async with slots:
        page = await connect(
            f"ws://{host}/socket.io/?EIO=4&transport=websocket",
            origin=f"http://{host}",  # type: ignore[arg-type]
            compression=None,
            ping_interval=None,
            max_size=None,
            open_timeout=60,
        )
        await page.send("40")
        async for message in page:
            assert isinstance(message, str)
            if message.startswith('42["snapshot"'):
                break
    ready.put_nowait(None)
    async for message in page:
        assert isinstance(message, str)
        if message == "2":
            await page.send("3")
        elif message.startswith('42["trades_update"'):
            now_ns = time.monotonic_ns()
            for trade_id in TRADE.findall(message):
                arrived.setdefault(trade_id, []).append(now_ns)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
