"""A process that appends as fast as it can and says what it was promised; it is killed by tests."""

import os
import sys
from pathlib import Path

from tests.tape.samples import opening, trade

from papertape.tape.ledger import SqliteLedger


def main() -> None:
    """Append batches of 4 for ever; write each durable seq as a line once it is promised."""
    ledger = SqliteLedger(Path(sys.argv[1]) / "papertape.db")
    n = ledger.head_seq()
    ledger.append([*opening(), *trade(0)[:1]] if not n else trade(0), ts_ns=n, mseq=n)
    told = 0
    while True:
        for _ in range(5):
            n += 1
            ledger.append(trade(n), ts_ns=n, mseq=n)
        durable = ledger.durable_seq()
        if durable > told:
            told = durable
            os.write(1, b"%d\n" % told)


main()
