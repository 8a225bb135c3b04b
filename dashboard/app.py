"""`python dashboard/app.py` is `papertape dashboard`; `app` and `socketio` are here for servers.

A WSGI server of your own can take `app`; `socketio.run(app)` serves it with gevent.
"""

from __future__ import annotations

import sys
from typing import Any


def __getattr__(name: str) -> Any:
    """Make `app` and `socketio` when they are first asked for."""
    if name not in ("app", "socketio"):
        raise AttributeError(name)
    from papertape.dashboard import app as made  # noqa: PLC0415  only if it is asked for

    return getattr(made, name)


if __name__ == "__main__":
    from papertape.cli.main import main

    sys.argv[1:1] = ["dashboard"]
    main()
