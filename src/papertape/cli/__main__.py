"""`python -m papertape.cli` is the `papertape` command: how `up` starts its two processes."""

from __future__ import annotations

from papertape.cli.lifeline import follow_parent
from papertape.cli.main import main

if __name__ == "__main__":
    follow_parent()
    main()
