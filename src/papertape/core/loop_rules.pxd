cimport cython
from libc.stdint cimport int64_t


cdef class Rule:
    cpdef begin(self, Py_ssize_t instruments)
    cpdef int64_t target(self, Py_ssize_t index, int64_t price) except? -2


cdef class EmaCross(Rule):
    cdef readonly double fast_weight, slow_weight
    cdef readonly int64_t lots
    cdef readonly Py_ssize_t room
    cdef double[::1] fast, slow, seen
    cpdef begin(self, Py_ssize_t instruments)
    @cython.locals(fast=double, slow=double)
    cpdef int64_t target(self, Py_ssize_t index, int64_t price) except? -2


cdef int64_t MILLION, PRICE_END


cdef class WindowRule(Rule):
    cdef readonly Py_ssize_t room, window
    cdef readonly int64_t edge_ppm, lots
    cdef int64_t[::1] prices, count, total
    cpdef begin(self, Py_ssize_t instruments)
    @cython.locals(at=Py_ssize_t, oldest=int64_t)
    cdef int64_t _oldest(self, Py_ssize_t index, int64_t price) except? -2


cdef class Momentum(WindowRule):
    @cython.locals(before=int64_t)
    cpdef int64_t target(self, Py_ssize_t index, int64_t price) except? -2


cdef class MeanReversion(WindowRule):
    @cython.locals(total=int64_t)
    cpdef int64_t target(self, Py_ssize_t index, int64_t price) except? -2
