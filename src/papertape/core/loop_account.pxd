cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_slot cimport Slot


cdef int64_t INT64_MAX, DAY_NS
cdef Py_ssize_t BUCKETS, FIELDS
cdef int FILL, SETTLEMENT


cpdef int64_t added(int64_t first, int64_t second) except? -1


@cython.final
cdef class Account:
    cdef readonly int64_t initial, cash, cost, realized, fees
    cdef readonly list open
    cdef readonly int64_t fills, settled, turnover
    cdef readonly object rows
    cdef int64_t[::1] row
    cdef readonly Py_ssize_t row_count, row_room
    cdef readonly int64_t equity_every_ns, marked_ns, fills_marked, marked_value, marked_cash
    cdef readonly int64_t marks, day, day_start, last_equity, day_begins, day_ends
    cdef readonly list days
    cdef readonly int64_t peak, drawdown, drawdown_peak, low, high, held_ns, held_since
    cdef readonly int64_t value, value_cash, start_ns, valued_ns, period_ns, due_ns
    cdef readonly int64_t below_ns, drawdown_ns, slippage_twice, priced_fills
    cdef readonly list grid
    cdef readonly double area, held_area, drawdown_share
    cdef readonly object buckets
    cdef int64_t[::1] bucket
    cdef readonly Py_ssize_t bucket_count, in_last, per_bucket

    @cython.locals(cost=int64_t, realized=int64_t, moved=int64_t, cash=int64_t, paid=int64_t)
    cdef int fill(
        self, Slot slot, bint buying, int64_t ticks, int64_t lots, int64_t worth,
        int64_t fee, int64_t ts_ns, int64_t order, bint maker, int64_t decided,
        int64_t confidence,
    ) except -1
    @cython.locals(lots=int64_t, cost=int64_t, realized=int64_t, cash=int64_t)
    cdef int settle(
        self, Slot slot, int64_t payout_ticks, int64_t cash_in, int64_t ts_ns
    ) except -1
    @cython.locals(flat=bint, new_lots=int64_t, new_cost=int64_t)
    cdef int _enter(
        self, Slot slot, int64_t lots, int64_t cost, int64_t realized, int64_t fee,
        int64_t ts_ns,
    ) except -1
    @cython.locals(have=int64_t, want=int64_t)
    cdef int _check(self) except -1
    @cython.locals(at=Py_ssize_t, row=int64_t[::1])
    cdef int _note(
        self, int64_t ts_ns, int64_t index, int64_t side, int64_t ticks, int64_t lots,
        int64_t worth, int64_t fee, int64_t cost, int64_t realized, int64_t order,
        int64_t maker, int64_t kind, int64_t decided, int64_t confidence,
    ) except -1
    cdef int _grow(self) except -1
    cdef int _begin_rows(self) except -1
    cdef list last_row(self)
    @cython.locals(total=int64_t, at=Py_ssize_t, slot=Slot)
    cdef int64_t exposure(self) except? -1
    cpdef int64_t equity_now(self) except? -1
    @cython.locals(traded=int64_t, due=bint, value=int64_t)
    cdef int mark(self, int64_t now_ns, bint force) except -1
    cdef int _turn_day(self, int64_t ts_ns) except -1
    @cython.locals(same=bint)
    cdef int64_t today(self, int64_t equity, int64_t ts_ns) except? -1
    @cython.locals(at=Py_ssize_t, pair=Py_ssize_t, bucket=int64_t[::1])
    cdef int sample(self, int64_t ts_ns, int64_t value) except -1
    cdef int _surface(self, int64_t ts_ns) except -1
    @cython.locals(share=double)
    cdef int _sink(self, int64_t ts_ns, int64_t value) except -1
    @cython.locals(step=int64_t)
    cdef int pass_time(self, int64_t ts_ns) except -1
    cpdef finish(self, int64_t ts_ns)
    @cython.locals(
        bucket=int64_t[::1], pair=Py_ssize_t, to=Py_ssize_t, a=Py_ssize_t, b=Py_ssize_t,
        low=Py_ssize_t, high=Py_ssize_t, low_ns=int64_t, low_value=int64_t,
        high_ns=int64_t, high_value=int64_t, first_ns=int64_t,
        first_value=int64_t, last_ns=int64_t, last_value=int64_t,
    )
    cdef int _halve(self) except -1
