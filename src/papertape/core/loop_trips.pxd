cimport cython
from libc.stdint cimport int64_t


cdef Py_ssize_t AT_TS, AT_INSTRUMENT, AT_SIDE, AT_LOTS, AT_FEE, AT_GAIN, AT_SURE, WIDTH


@cython.locals(
    count=Py_ssize_t, row=int64_t[::1], held=int64_t[::1], net=int64_t[::1],
    opened=int64_t[::1], sure=int64_t[::1], trip=int64_t[::1], trips=Py_ssize_t,
    number=Py_ssize_t, at=Py_ssize_t, index=int64_t, to=Py_ssize_t,
)
cpdef object round_trips(object trades, Py_ssize_t instruments)
