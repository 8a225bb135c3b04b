cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_account cimport Account, added
from papertape.core.loop_slot cimport Order, Slot, Want
from papertape.core.loop_venue cimport Venue


cdef int64_t INT64_MAX, PPM, PPM_SAFE, NOT_GIVEN
cdef int REFUSALS_KEPT


@cython.final
cdef class Engine(Venue):
    cdef readonly dict refusals
    cdef readonly list refused
    cdef readonly bint limited
    cdef public bint alive
    cdef readonly int64_t order_max, position_max, loss_max
    cdef readonly int64_t exposure_ppm, price_age_max, open_orders_max

    @cython.locals(at=Py_ssize_t)
    cdef bint decide(self, list wants, bint gtc, bint all_or_none) except -1
    cdef int refuse(self, str code, str symbol) except -1
    @cython.locals(opening=bint, at=Py_ssize_t, want=Want, code=str)
    cdef str _refusal(self, list wants, bint gtc, bint all_or_none)
    @cython.locals(slot=Slot, left=int64_t, ticks=int64_t)
    cdef int _plan(self, Want want, bint gtc) except -1
    @cython.locals(slot=Slot)
    cdef int _plan_deep(self, Want want) except -1
    @cython.locals(slot=Slot, seen_ns=int64_t, promised=int64_t)
    cdef str _leg_refusal(self, Want want, bint gtc)
    @cython.locals(order=Order, total=int64_t)
    cdef int64_t _promised(self, Slot slot) except? -1
    @cython.locals(order=Order, total=int64_t, ticks=int64_t, worth=int64_t, fee=int64_t)
    cdef int64_t _reserved(self, Slot slot) except? -1
    @cython.locals(account=Account, needed=int64_t, worth=int64_t, at=Py_ssize_t, want=Want,
                   slot=Slot, held=int64_t, reserved=int64_t, exposure=int64_t, equity=int64_t)
    cdef str _account_refusal(self, list wants)
    @cython.locals(total=int64_t, slot=Slot)
    cdef int64_t all_reserved(self) except? -1
    cdef int64_t _exposure_max(self, int64_t equity) except? -1
    cdef int64_t _wide_exposure_max(self, object equity, object ppm) except? -1
