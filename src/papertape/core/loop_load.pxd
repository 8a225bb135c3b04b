cimport cython
from libc.stdint cimport int64_t


cdef int A_BAR, A_QUOTE, A_BOOK, A_PRINT, A_PIECE_OF_NEWS


@cython.final
cdef class SegmentRows:
    cdef readonly Py_ssize_t rows, bids, asks
    cdef readonly bint has_bars, has_prints
    cdef const int64_t[::1] kinds, instrument, states, bid_ends, ask_ends
    cdef const int64_t[::1] bid_ticks, bid_lots, ask_ticks, ask_lots
    cdef const int64_t[::1] interval, open, high, low, close, volume, price, quantity, side

    @cython.locals(row=Py_ssize_t)
    cpdef _check_levels(self)
    @cython.locals(
        known=int64_t[::1], first=int64_t[::1], v0=int64_t[::1], v1=int64_t[::1], v2=int64_t[::1],
        v3=int64_t[::1],
        v4=int64_t[::1], row=Py_ssize_t, kind=int64_t, bid=int64_t, ask=int64_t, bids=int64_t,
        asks=int64_t, news=int64_t, behind_bids=int64_t, index=int64_t, instruments=int64_t,
    )
    cpdef list values(self, int64_t first_news, object intervals, object firsts)
