cimport cython
from papertape.core.loop_slot cimport Slot, Want


cdef class Wish:
    cdef readonly list wants
    cdef readonly bint gtc, all_or_none, grouped
    cdef readonly str signal_id, symbol
    @cython.locals(mine=Want, theirs=Want, at=Py_ssize_t)
    cpdef bint same(self, Wish other)


cdef class SignalReader:
    cdef readonly dict slots
    cdef readonly object check, newest, older
    cdef readonly Wish newest_wish, older_wish
    @cython.locals(wish=Wish)
    cdef Wish read(self, object signal)
    cpdef forget(self)
    cdef Wish _newest(self)
    @cython.locals(want=Want, slot=Slot)
    cdef Wish _plain(self, object signal)
    @cython.locals(want=Want)
    cdef Wish _checked(self, object signal)
