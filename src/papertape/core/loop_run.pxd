cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_account cimport Account
from papertape.core.loop_ask cimport Asker
from papertape.core.loop_columns cimport Columns
from papertape.core.loop_engine cimport Engine
from papertape.core.loop_slot cimport Slot
from papertape.core.loop_views cimport BarView, BookView, PrintView, QuoteView


cdef int64_t FILLED_MARK_NS
cdef int THE_BAR, THE_QUOTE


@cython.final
cdef class Loop(Asker):
    cdef readonly object on_progress, on_news

    @cython.locals(columns=Columns, slot=Slot, begin=Py_ssize_t, end=Py_ssize_t)
    cpdef bint feed(self, Columns columns) except -1
    cpdef begin(self, int64_t start_ns)
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
    @cython.locals(seen=PrintView)
    cdef int _other(self, Columns columns, Py_ssize_t row, Slot slot, int kind) except -1
    @cython.locals(book=BookView, bids=int64_t, asks=int64_t, levels=int64_t, first_bid=int64_t,
                   first_ask=int64_t, crossed=bint)
    cdef int _book(self, Columns columns, Py_ssize_t row, Slot slot) except -1
    @cython.locals(slot=Slot)
    cpdef list_anew(self, Py_ssize_t index, object instrument)
    @cython.locals(slot=Slot)
    cpdef set_state(self, list indices, int state)
    @cython.locals(slot=Slot)
    cpdef resolve(self, list indices, list payouts_micros, bint void)
    cdef object _settle(self, Slot slot, object payout_micros, bint void)
