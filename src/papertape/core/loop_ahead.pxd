cimport cython
from libc.stdint cimport int64_t
from papertape.core.loop_ask cimport book_references, references
from papertape.core.loop_columns cimport Columns
from papertape.core.loop_views cimport BarView, BookView, PrintView, QuoteView


cdef int64_t FILLED_MARK_NS
cdef int A_BAR, A_QUOTE, A_BOOK, A_PRINT, BOOKS_OF_QUOTES, KINDS


@cython.final
cdef class Seen:
    cdef readonly str symbol
    cdef readonly BarView bar
    cdef readonly QuoteView quote
    cdef readonly BookView book
    cdef readonly PrintView seen_print
    cdef readonly object side_ticks, side_lots
    cdef list routes
    cdef public bint live, listed_dirty, has_book, new_bar, new_book, new_mark
    cdef readonly bint deep
    cdef readonly int64_t mark_ticks

    @cython.locals(quote=QuoteView, book=BookView)
    cdef int show_quote(self) except -1
    cpdef object newest_book(self)
    cpdef no_routes(self)


@cython.final
cdef class Ahead:
    cdef readonly object owner, caught
    cdef readonly list slots
    cdef public list dirty
    cdef readonly int64_t equity_every_ns
    cdef public int64_t now_ns, marked_ns, stepped_ns, due_ns
    cdef public bint traded, stopped
    cdef readonly Py_ssize_t row, calls
    cdef readonly str asking

    cpdef Seen add(self, str symbol)
    @cython.locals(row=Py_ssize_t, kind=int64_t, index=int64_t, slot=Seen)
    cpdef Py_ssize_t run(self, Columns columns, Py_ssize_t begin, Py_ssize_t end) except -1
    @cython.locals(passed=int64_t)
    cdef int _time(self, int64_t ts_ns) except -1
    @cython.locals(slot=Seen, kind=int64_t)
    cpdef Seen show(self, Columns columns, Py_ssize_t row)
    @cython.locals(bar=BarView)
    cdef int _show_bar(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    @cython.locals(quote=QuoteView)
    cdef int _show_quote(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    @cython.locals(book=BookView)
    cdef int _show_book(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    @cython.locals(seen=PrintView)
    cdef int _show_print(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    cdef int _note(self, Seen slot) except -1
    @cython.locals(routes=list, bar=BarView, before=Py_ssize_t)
    cdef int _bar(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    @cython.locals(routes=list, quote=QuoteView, before=Py_ssize_t)
    cdef int _quote(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    @cython.locals(routes=list)
    cdef int _book(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    @cython.locals(routes=list, seen=PrintView, before=Py_ssize_t)
    cdef int _print(self, Columns columns, Py_ssize_t row, Seen slot) except -1
    cdef list _routes(self, Seen slot, int kind)
    @cython.locals(book=BookView, before=Py_ssize_t)
    cdef int _ask_book(self, list routes, Seen slot) except -1
    @cython.locals(answers=list, at=Py_ssize_t, route=tuple)
    cdef int _ask(self, list routes, object seen) except -1
