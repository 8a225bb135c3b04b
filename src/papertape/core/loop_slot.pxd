cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_views cimport BarView, BookView, PrintView, QuoteView


cdef int64_t SAFE_FACTOR, SAFE_PRODUCT, PPM, FIVE
cdef int FREE, PROPORTIONAL, CURVE, ANY_FEE


@cython.locals(quotient=int64_t, rest=int64_t, other=int64_t)
cdef int64_t half_even(int64_t numerator, int64_t denominator) noexcept


@cython.final
@cython.freelist(64)
cdef class Order:
    cdef readonly Slot slot
    cdef readonly bint buying, limited, gtc
    cdef readonly int64_t lots, remaining, number, signal, limit_ticks, charged
    cdef readonly int64_t decided, confidence
    cdef readonly object weight
    cdef readonly str signal_id


@cython.final
cdef class Want:
    cdef readonly Slot slot
    cdef readonly bint buying, limited, waits
    cdef readonly int64_t lots, limit_ticks, filled, worth, ordered, fee
    cdef readonly int64_t confidence
    cdef bint same(self, Want other)


@cython.final
cdef class Slot:
    cdef readonly Py_ssize_t index
    cdef readonly object instrument
    cdef readonly str symbol
    cdef readonly object value
    cdef readonly int64_t min_lots, min_notional, up, down, product_max
    cdef readonly int fee_kind
    cdef readonly bint per_order
    cdef readonly int64_t taker_ppm, maker_ppm, one_ticks
    cdef readonly int64_t taker_up, taker_down, taker_lots_max
    cdef readonly int64_t maker_up, maker_down, maker_lots_max
    cdef readonly BarView bar
    cdef readonly QuoteView quote
    cdef readonly BookView book
    cdef readonly PrintView seen_print
    cdef readonly bint has_bar, has_book, deep, live, trading, wanted, asked
    cdef readonly int64_t book_ns, bid_used, ask_used, mark_ticks, mid_half_ticks
    cdef readonly dict used_bids, used_asks
    cdef readonly int64_t lots, cost, realized, fees, opened_ns, aim
    cdef readonly list resting
    cdef const int64_t[::1] level_ticks, level_lots
    @cython.locals(product=int64_t)
    cdef int64_t notional(self, int64_t ticks, int64_t lots) except? -1
    cdef int64_t _notional(self, object ticks, object lots) except? -1
    @cython.locals(rate=int64_t, most=int64_t, up=int64_t, down=int64_t,
                   steps=int64_t)
    cdef int64_t fee(self, int64_t ticks, int64_t lots, int64_t worth, bint maker) except? -1
    cdef int64_t any_fee(
        self, object ticks, object lots, object worth, bint maker, object weight, object charged
    ) except? -1
    cdef int64_t released(self, int64_t lots) except? -1
    cdef int64_t _released(self, object lots) except? -1
    cdef void forget(self)
    cdef int64_t seen_ns(self) noexcept
