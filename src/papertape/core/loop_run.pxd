cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_account cimport Account
from papertape.core.loop_columns cimport Columns
from papertape.core.loop_engine cimport Engine
from papertape.core.loop_rules cimport Rule
from papertape.core.loop_signals cimport SignalReader, Wish
from papertape.core.loop_slot cimport Slot, Want
from papertape.core.loop_views cimport BarView, BookView, PrintView, QuoteView


cdef int64_t FILLED_MARK_NS
cdef int THE_BAR, THE_QUOTE
cdef int ON_BAR, ON_QUOTE, ON_BOOK, ON_PRINT, ON_FILL, ON_SETTLE, FORGET


@cython.final
cdef class Loop:
    cdef readonly list slots, side_ticks, side_lots, wished, aim_wants
    cdef readonly dict by_symbol
    cdef readonly Account account
    cdef readonly Engine engine
    cdef readonly object on_bar, on_quote, on_book, on_print
    cdef readonly object on_fill, on_settle, forget, on_progress
    cdef readonly Rule rule
    cdef readonly SignalReader reader
    cdef readonly int64_t events, before, row, skipped, wished_at
    cdef readonly int asking
    cdef readonly tuple failure
    cdef readonly set chosen

    @cython.locals(columns=Columns, slot=Slot, begin=Py_ssize_t, end=Py_ssize_t)
    cpdef bint feed(self, Columns columns) except -1
    @cython.locals(slot=Slot)
    cpdef want(self, Py_ssize_t index, object wanted)
    cdef int _run_guarded(self, Columns columns, Py_ssize_t begin, Py_ssize_t end) except -1
    @cython.locals(
        engine=Engine, account=Account, mixed=bint, many=bint, kind=int, slot=Slot,
        row=Py_ssize_t, now_ns=int64_t, index=int64_t, count=int64_t,
    )
    cdef int _run(self, Columns columns, Py_ssize_t begin, Py_ssize_t end) except -1
    @cython.locals(quote=QuoteView)
    cdef int _quote(self, Columns columns, Py_ssize_t row, Slot slot, int64_t now_ns) except -1
    @cython.locals(bar=BarView)
    cdef int _bar(self, Columns columns, Py_ssize_t row, Slot slot, int64_t now_ns) except -1
    @cython.locals(quote=QuoteView, book=BookView)
    cdef int _show_quote(self, Slot slot) except -1
    @cython.locals(seen=PrintView)
    cdef int _other(self, Columns columns, Py_ssize_t row, Slot slot, int kind) except -1
    @cython.locals(book=BookView, bids=int64_t, asks=int64_t, levels=int64_t, first_bid=int64_t,
                   first_ask=int64_t)
    cdef int _book(self, Columns columns, Py_ssize_t row, Slot slot) except -1
    cdef int _settle(self, Slot slot, int64_t payout_micros, bint void) except -1
    @cython.locals(lots=int64_t, want=Want)
    cdef int _aim(self, Slot slot, int64_t target) except -1
    cdef int _ask(self, int handler, object call, object seen) except -1
    cdef void _tell_fills(self) except *
    cdef void _answer(self, object answer) except *
    @cython.locals(wish=Wish, engine=Engine, asking=int)
    cdef void _signal(self, object signal) except *
    @cython.locals(slot=Slot)
    cpdef object book_of(self, str symbol)
    @cython.locals(slot=Slot)
    cpdef int64_t held_lots(self, str symbol) except? -1
    @cython.locals(slot=Slot)
    cpdef bint tradable(self, str symbol) except -1
