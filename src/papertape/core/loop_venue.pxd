cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_account cimport Account, added
from papertape.core.loop_slot cimport Order, Slot, Want
from papertape.core.loop_views cimport BarView, BookView, QuoteView


cdef class Venue:
    cdef readonly Account account
    cdef readonly list slots
    cdef readonly str tag
    cdef readonly bint tell
    cdef readonly list told
    cdef readonly int64_t now_ns, orders, signals, cancelled, numbered
    cdef readonly str signal_id
    cdef readonly Py_ssize_t resting_count

    @cython.locals(slot=Slot, left=int64_t, lots=int64_t, ticks=int64_t, order=Order)
    cdef void submit(self, Want want, bint gtc) except *
    @cython.locals(worth=int64_t, fee=int64_t, buying=bint, lots=int64_t)
    cdef int _fill_once(self, Slot slot, Want want, int64_t ticks) except -1
    @cython.locals(slot=Slot, maker=bint, ticks=int64_t, lots=int64_t, left=int64_t, used=dict)
    cdef void _take_all(self, Order order, bint resting) except *
    @cython.locals(slot=Slot, worth=int64_t, fee=int64_t)
    cdef int _take(self, Order order, int64_t ticks, int64_t lots, bint maker) except -1
    cdef int _tell(
        self, Slot slot, bint buying, int64_t number, str signal_id, bint maker,
        int64_t remaining,
    ) except -1
    @cython.locals(order=Order)
    cdef int meet_book(self, Slot slot) except -1
    @cython.locals(order=Order, bar=BarView, left=int64_t, lots=int64_t, ticks=int64_t, maker=bint)
    cdef int meet_bar(self, Slot slot) except -1
    @cython.locals(worth=int64_t)
    cdef bint _can_pay(self, Slot slot, int64_t ticks, int64_t lots) except -1
    @cython.locals(bar=BarView, limit=int64_t)
    cdef int64_t _bar_price(self, Slot slot, Order order) noexcept
    cdef void _after_meeting(self, Order order) except *
    @cython.locals(order=Order)
    cdef int drop_off_grid(self, Slot slot, int64_t step_ticks) except -1
    cdef int expire(self, Slot slot) except -1
    @cython.locals(book=BookView)
    cdef list walk(self, Slot slot, bint buying, object lots, object limit)
    @cython.locals(quote=QuoteView)
    cdef int64_t offered(self, Slot slot, bint buying, bint limited, int64_t limit) noexcept
    @cython.locals(quote=QuoteView)
    cdef int64_t decided_half_ticks(self, Slot slot) noexcept
    cdef int64_t mark_of(self, Slot slot) noexcept
