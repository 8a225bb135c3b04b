cimport cython


@cython.locals(_=Py_ssize_t)
cpdef call_per_event(object call, object seen, Py_ssize_t count)
