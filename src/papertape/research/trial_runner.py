"""Runs tries through the store: what is there is taken, the rest is run, kept, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from papertape.research.trial import Outcome, Try
from papertape.research.trial_store import TrialStore, try_key
from papertape.research.workshop import LOST, Workshop

Told = Callable[[list[tuple[int, Outcome]], bool], None]
"""Told outcomes by the places of their tries, and whether they were in the store."""


class TrialRunner:
    """The outcomes of a study, computed once; the workshop is opened when the first is missing."""

    def __init__(self, store: TrialStore, study: str, opened: Callable[[int], Workshop]) -> None:
        """Keep outcomes of `study` in the store."""
        self._store = store
        self._study = study
        self._opened = opened
        self._workshop: Workshop | None = None
        self._stop = Event()

    @property
    def stopped(self) -> bool:
        """Return whether somebody stopped it."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End after what is in hand; safe in a signal handler."""
        self._stop.set()

    def run(self, tries: Sequence[Try], told: Told) -> dict[int, Outcome]:
        """Return outcomes by the places of their tries; all of them, unless it was stopped."""
        found = self._store.found(self._study, tries)
        outcomes = {
            place: found[key] for place, one in enumerate(tries) if (key := try_key(one)) in found
        }
        told(list(outcomes.items()), True)
        missing = [place for place in range(len(tries)) if place not in outcomes]
        if not missing or self.stopped:
            return outcomes
        if self._workshop is None:
            self._workshop = self._opened(len(missing))
        wanted = [tries[place] for place in missing]
        for done in self._workshop.run(wanted):
            placed = [(missing[at], outcome) for at, outcome in done]
            whole = [each for each in placed if not each[1].failure.startswith(LOST)]
            if whole:
                self._store.keep(self._study, [(tries[place], one) for place, one in whole])
            outcomes.update(placed)
            told(placed, False)
            if self._stop.is_set():
                break
        return outcomes

    def close(self) -> None:
        """End the workshop."""
        if self._workshop is not None:
            self._workshop.close()
            self._workshop = None
