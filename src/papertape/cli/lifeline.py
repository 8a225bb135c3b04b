"""A child of `papertape up` stops when its parent is gone, however the parent ended."""

from __future__ import annotations

import os
import signal
import threading
import time

PARENT_VARIABLE = "PAPERTAPE_PARENT_PID"
LOOK_EVERY_S = 0.5


def follow_parent() -> None:
    """Watch the parent named in the environment, if any; send ourselves SIGTERM once it is gone.

    Works on every Unix, and for a parent that was killed and could not say goodbye.
    """
    parent = os.environ.get(PARENT_VARIABLE, "")
    if parent.isdecimal():
        threading.Thread(target=_watch, args=(int(parent),), name="lifeline", daemon=True).start()


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
