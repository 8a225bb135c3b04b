cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class BarView:
    cdef readonly str symbol
    cdef readonly int64_t ts_ns, interval_ns, venue_ts_ns
    cdef readonly int64_t open_ticks, high_ticks, low_ticks, close_ticks, volume_lots
    cpdef take(self, BarView bar)


@cython.final
cdef class QuoteView:
    cdef readonly str symbol
    cdef readonly int64_t ts_ns, venue_ts_ns
    cdef readonly int64_t bid_ticks, bid_lots, ask_ticks, ask_lots
    cpdef take(self, QuoteView quote)


@cython.final
cdef class PrintView:
    cdef readonly str symbol
    cdef readonly int64_t ts_ns, venue_ts_ns, price_ticks, quantity_lots
    cdef readonly str side
    cpdef take(self, PrintView seen)


@cython.final
cdef class Levels:
    cdef const int64_t[::1] column
    cdef Py_ssize_t start, count


@cython.final
cdef class BookView:
    cdef readonly str symbol
    cdef readonly int64_t ts_ns, venue_ts_ns
    cdef readonly str state, reason
    cdef readonly Levels bid_ticks, bid_lots, ask_ticks, ask_lots
    cpdef take(self, BookView book)
    cdef void show(
        self, const int64_t[::1] ticks, const int64_t[::1] lots, Py_ssize_t bids,
        Py_ssize_t asks, Py_ssize_t at_bid, Py_ssize_t at_ask,
    )
