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
