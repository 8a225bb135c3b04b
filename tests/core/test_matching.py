"""Walking a book: never beyond limit, depth or what is wanted; both forms alike."""

from __future__ import annotations

from types import ModuleType

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forms import compiled, core_fixture, plain

matching = core_fixture("matching")
both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

sides = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 5_000)), max_size=12, unique_by=lambda x: x[0]
)


@st.composite
def walks(draw: st.DrawFn) -> tuple[list[int], list[int], dict[int, int], int, int | None, bool]:
    buying = draw(st.booleans())
    levels = sorted(draw(sides), reverse=not buying)
    ticks = [level[0] for level in levels]
    lots = [level[1] for level in levels]
    used = {
        t: draw(st.integers(0, n + 10))
        for t, n in levels
        if draw(st.booleans())
    }  # fmt: skip
    wanted = draw(st.integers(0, 20_000))
    limit = draw(st.one_of(st.none(), st.integers(0, 10_000)))
    return ticks, lots, used, wanted, limit, buying


@both
@given(walks())
def test_never_beyond_limit_depth_or_wanted(
    matching: ModuleType,
    walk: tuple[list[int], list[int], dict[int, int], int, int | None, bool],
) -> None:
    ticks, lots, used, wanted, limit, buying = walk
    taken = matching.walk(ticks, lots, used, wanted, limit, buying)
    shown = dict(zip(ticks, lots, strict=True))
    assert sum(level[1] for level in taken) <= wanted
    for price, got, seen, before in taken:
        assert 0 < got <= seen - before
        assert (seen, before) == (shown[price], used.get(price, 0))
        assert limit is None or (price <= limit if buying else price >= limit)
    prices = [level[0] for level in taken]
    assert prices == sorted(prices, reverse=not buying)
    within = [
        max(0, n - used.get(t, 0))
        for t, n in shown.items()
        if limit is None or (t <= limit if buying else t >= limit)
    ]
    assert sum(level[1] for level in taken) == min(wanted, sum(within))


@given(walks())
def test_both_forms_agree(
    walk: tuple[list[int], list[int], dict[int, int], int, int | None, bool],
) -> None:
    assert compiled("matching").walk(*walk) == plain("matching").walk(*walk)


def test_a_price_of_0_is_a_price(matching: ModuleType) -> None:
    assert matching.walk([0, 100], [5, 5], {}, 8, 0, True) == [(0, 5, 5, 0)]
    assert matching.walk([0], [5], {}, 8, 0, False) == [(0, 5, 5, 0)]
    assert matching.walk([100, 0], [5, 5], {}, 8, 0, False) == [(100, 5, 5, 0), (0, 3, 5, 0)]
