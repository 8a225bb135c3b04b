cimport cython
from libc.stdint cimport int64_t


cdef int A_BAR, PRICES_TO


cdef class Columns:
    cdef readonly str name
    cdef readonly int kind
    cdef readonly Py_ssize_t rows, instruments_seen
    cdef readonly bint mixed, many, aimed, venued, checked
    cdef readonly int64_t interval_ns
    cdef readonly dict intervals
    cdef readonly const int64_t[::1] ts, kinds, instrument, targets, venue
    cdef readonly const int64_t[::1] v0, v1, v2, v3, v4, level_ticks, level_lots

    @cython.locals(some=Columns)
    cpdef Columns part(self, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(before=int64_t, row=Py_ssize_t)
    cpdef Py_ssize_t first_unordered(self, int64_t after_ns) except -2
    @cython.locals(before=int64_t, most=int64_t, now=int64_t, index=int64_t, kind=int,
                   row=Py_ssize_t)
    cpdef check(self)
    @cython.locals(a=int64_t, b=int64_t, c=int64_t, d=int64_t)
    cdef int _check_price(self, Py_ssize_t row, int kind) except -1
    @cython.locals(a=int64_t, b=int64_t, c=int64_t, d=int64_t)
    cdef int _check_other(self, Py_ssize_t row, int kind) except -1
