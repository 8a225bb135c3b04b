cimport cython
from cpython.ref cimport Py_REFCNT
from libc.stdint cimport int64_t
from papertape.core.loop_account cimport Account
from papertape.core.loop_engine cimport Engine
from papertape.core.loop_rules cimport Rule
from papertape.core.loop_signals cimport SignalReader, Wish
from papertape.core.loop_slot cimport Slot, Want
from papertape.core.loop_views cimport BarView, BookView, PrintView, QuoteView


cdef int ON_BAR, ON_QUOTE, ON_BOOK, ON_PRINT, ON_FILL, ON_SETTLE, FORGET, WANTS


cpdef Py_ssize_t references(object seen) noexcept
@cython.locals(sides=Py_ssize_t)
cpdef Py_ssize_t book_references(BookView book) noexcept


cdef class Asker:
    cdef readonly list slots, side_ticks, side_lots, wished, aim_wants
    cdef readonly dict by_symbol
    cdef readonly Account account
    cdef readonly Engine engine
    cdef readonly object on_bar, on_quote, on_book, on_print
    cdef readonly object on_fill, on_settle, forget, wants
    cdef readonly Rule rule
    cdef readonly SignalReader reader
    cdef readonly int64_t events, before, row, skipped, wished_at
    cdef readonly int asking
    cdef readonly tuple failure
    cdef readonly set chosen
    cdef readonly bint grouped
    cdef readonly str cannot

    cdef bint _interested(self, Slot slot) except -1
    @cython.locals(bar=BarView, before=Py_ssize_t)
    cdef int _ask_bar(self, Slot slot) except -1
    @cython.locals(quote=QuoteView, before=Py_ssize_t)
    cdef int _ask_quote(self, Slot slot) except -1
    @cython.locals(book=BookView, before=Py_ssize_t)
    cdef int _ask_book(self, Slot slot) except -1
    @cython.locals(seen=PrintView, before=Py_ssize_t)
    cdef int _ask_print(self, Slot slot) except -1
    @cython.locals(quote=QuoteView, book=BookView)
    cdef int _show_quote(self, Slot slot) except -1
    @cython.locals(lots=int64_t, want=Want)
    cdef int _aim(self, Slot slot, int64_t target) except -1
    cdef int _ask(self, int handler, object call, object seen) except -1
    cdef void _tell_fills(self) except *
    cdef void _answer(self, object answer) except *
    @cython.locals(wish=Wish, engine=Engine, asking=int)
    cdef void _signal(self, object signal) except *
    @cython.locals(slot=Slot)
    cpdef object book_of(self, str symbol)
    @cython.locals(slot=Slot)
    cpdef int64_t held_lots(self, str symbol) except? -1
    @cython.locals(slot=Slot)
    cpdef bint tradable(self, str symbol) except -1
