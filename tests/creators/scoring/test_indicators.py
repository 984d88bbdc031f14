"""Sales ability and assiduity: the properties 1, 2, 4, 5, 6 and 7 of scoring.md."""

import dataclasses
import importlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.scoring import indicators, peers
from creators.scoring.evidence import Click, Evidence, Sale, ShownPiece, Subject, count
from creators.scoring.primitives import Rate, post

CONSTANTS = importlib.import_module("creators.scoring.migrations.0002_formula_v1").CONSTANTS
ME = Subject(id=1, user_id=1, category_id=7, addresses=frozenset({"home"}), days=89)

sales = st.builds(
    Sale,
    order_id=st.integers(1, 400),
    buyer_id=st.integers(2, 30),
    address=st.sampled_from(["a", "b", "c"]),
    is_by_staff=st.just(False),
    age=st.integers(0, 89),
    amount_minor=st.integers(1, 50_000),
    kept=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]),
)
clicks = st.builds(
    Click,
    id=st.integers(1, 400),
    viewer=st.sampled_from([*(f"u:{n}" for n in range(2, 30)), "a:x", "a:y"]),
    age=st.integers(0, 89),
)
pieces = st.builds(
    ShownPiece,
    id=st.integers(1, 100),
    is_video=st.booleans(),
    age=st.integers(0, 89),
    has_valid_product=st.booleans(),
    is_in_stock=st.booleans(),
    products=st.frozensets(st.integers(1, 40), max_size=6),
    pinned=st.lists(st.tuples(st.integers(0, 89), st.floats(0, 9000)), max_size=2).map(tuple),
)


def _unique(events, key):
    return tuple({key(event): event for event in events}.values())


@st.composite
def evidences(draw, creator=1):
    return Evidence(
        subject=dataclasses.replace(
            ME, id=creator, user_id=creator * 1000, days=draw(st.integers(0, 89))
        ),
        sales=_unique(draw(st.lists(sales, max_size=15)), lambda s: s.order_id),
        clicks=_unique(draw(st.lists(clicks, max_size=15)), lambda c: c.id),
        views=tuple(draw(st.frozensets(st.integers(1, 5000), max_size=40))),
        pieces=_unique(draw(st.lists(pieces, max_size=8)), lambda p: p.id),
    )


@st.composite
def groups(draw):
    return [draw(evidences(creator=number)) for number in range(1, draw(st.integers(2, 5)))]


def _scores(mine, others):
    """Score the first of a group against the group."""
    figures = [count(one, CONSTANTS) for one in [mine, *others]]
    group = peers.freeze(figures, CONSTANTS)[peers.EVERYBODY]
    return _against(figures[0], group)


def _against(figures, group):
    return (
        indicators.sales_ability(
            figures.sales, creator_id=figures.subject.id, peers=group, constants=CONSTANTS
        ),
        indicators.assiduity(figures.assiduity, peers=group, constants=CONSTANTS),
    )


@given(groups())
def test_every_score_and_its_bounds_lie_between_0_and_100_in_order(group):
    for result in _scores(group[0], group[1:]):
        assert 0 <= result.low <= result.value <= result.high <= 100


@given(groups(), st.randoms())
def test_permuting_and_replaying_events_changes_nothing(group, random):
    def shake(events):
        shaken = [*events, *events[:3]]
        random.shuffle(shaken)
        return tuple(shaken)

    shaken = [
        dataclasses.replace(
            one,
            sales=shake(one.sales),
            clicks=shake(one.clicks),
            views=shake(one.views),
            pieces=one.pieces,
        )
        for one in group
    ]
    mine, rest = shaken[0], shaken[1:]
    random.shuffle(rest)

    assert _scores(mine, rest) == _scores(group[0], group[1:])
    assert mine.sales_sha256() == group[0].sales_sha256()


@given(groups(), st.integers(2, 1000))
def test_another_unit_of_money_changes_no_score(group, factor):
    rescaled = [
        dataclasses.replace(
            one,
            sales=tuple(
                # Halves of odd amounts would be rounded; even ones are exact in both units.
                dataclasses.replace(sale, amount_minor=sale.amount_minor * 2 * factor)
                for sale in one.sales
            ),
        )
        for one in group
    ]
    even = [
        dataclasses.replace(
            one,
            sales=tuple(
                dataclasses.replace(sale, amount_minor=sale.amount_minor * 2) for sale in one.sales
            ),
        )
        for one in group
    ]

    before, after = _scores(even[0], even[1:])[0], _scores(rescaled[0], rescaled[1:])[0]
    assert (after.value, after.low, after.high) == (before.value, before.low, before.high)


@given(groups(), st.integers(1, 500))
def test_more_unengaged_views_strictly_lower_gpm(group, more):
    figures = [count(one, CONSTANTS) for one in group]
    measured = peers.freeze(figures, CONSTANTS)[peers.EVERYBODY]
    mine = figures[0].sales
    watched = dataclasses.replace(mine, views=mine.views + more)

    def gpm(of):
        return peers.gpm(of, cap=measured.cap_minor, per_view=measured.gmv_per_view, shrink=5000)

    if gpm(mine) > 0:
        assert gpm(watched) < gpm(mine)
    one = indicators.sales_ability(mine, creator_id=1, peers=measured, constants=CONSTANTS)
    two = indicators.sales_ability(watched, creator_id=1, peers=measured, constants=CONSTANTS)
    assert two.value <= one.value


@given(groups(), st.sampled_from(["own", "linked", "staff"]), sales)
def test_own_linked_and_staff_orders_change_nothing(group, why, sale):
    mine = group[0]
    excluded = dataclasses.replace(
        sale,
        order_id=9999,
        buyer_id=mine.subject.user_id if why == "own" else 999,
        address="home" if why == "linked" else "elsewhere",
        is_by_staff=why == "staff",
    )
    with_it = dataclasses.replace(mine, sales=(*mine.sales, excluded))

    before, after = count(mine, CONSTANTS).sales, count(with_it, CONSTANTS).sales
    assert dataclasses.replace(after, left_out={}) == dataclasses.replace(before, left_out={})
    assert sum(after.left_out.values()) == sum(before.left_out.values()) + 1
    assert _scores(with_it, group[1:])[0].value == _scores(mine, group[1:])[0].value


def test_a_wholly_refunded_order_brings_no_money_and_no_buyer_and_lowers_what_was_kept():
    kept = Sale(1, 5, "a", False, 3, 1000, Fraction(1))
    refunded = Sale(2, 6, "a", False, 3, 9000, Fraction(0))
    before = count(Evidence(subject=ME, sales=(kept,)), CONSTANTS).sales
    after = count(Evidence(subject=ME, sales=(kept, refunded)), CONSTANTS).sales

    assert (after.buyers, after.gmv_minor(None), after.clicked) == (1, 1000, before.clicked)
    assert after.kept.s == before.kept.s
    assert after.kept.n == 2 * before.kept.n


@given(groups(), st.integers(0, 89))
def test_one_fake_buyer_moves_conversion_by_at_most_its_share(group, age):
    figures = [count(one, CONSTANTS) for one in group]
    prior = peers.freeze(figures, CONSTANTS)[peers.EVERYBODY].clicked
    fake = Sale(9999, 999, "elsewhere", False, age, 100, Fraction(1))
    before = figures[0].sales.clicked
    after = count(
        dataclasses.replace(group[0], sales=(*group[0].sales, fake)), CONSTANTS
    ).sales.clicked

    assert abs(post(prior, after) - post(prior, before)) <= 1 / (prior.m + before.n) + 1e-9


def test_a_buyer_counts_once_however_often_they_buy():
    once = Sale(1, 5, "a", False, 3, 1000, Fraction(1))
    again = dataclasses.replace(once, order_id=2)
    figures = count(Evidence(subject=ME, sales=(once, again)), CONSTANTS).sales

    assert figures.buyers == 1
    assert figures.clickers == 1
    assert figures.buyer_values == (2000,)


def test_a_huge_order_is_cut_at_the_99th_percentile_of_the_group():
    many = tuple(Sale(n, n + 10, "a", False, 0, 1000, Fraction(1)) for n in range(1, 200))
    huge = Sale(5000, 5000, "a", False, 0, 10**9, Fraction(1))
    other = Evidence(subject=dataclasses.replace(ME, id=2, user_id=2), sales=many)
    mine = Evidence(subject=ME, sales=(huge,))

    result = _scores(mine, [other])[0]
    assert result.inputs["gmv_minor"] == 1000


@given(evidences())
def test_one_more_success_never_lowers_assiduity(mine):
    other = Evidence(subject=dataclasses.replace(ME, id=2, user_id=2))
    measured = peers.freeze([count(mine, CONSTANTS), count(other, CONSTANTS)], CONSTANTS)[
        peers.EVERYBODY
    ]
    busy = ShownPiece(
        id=1000,
        is_video=False,
        age=40,
        has_valid_product=True,
        is_in_stock=True,
        products=frozenset({99}),
        pinned=((40, 1800.0),),
    )
    more = dataclasses.replace(mine, pieces=(*mine.pieces, busy))
    if any(piece.age == 40 for piece in mine.pieces) or mine.subject.days < 40:
        return

    before = _against(count(mine, CONSTANTS), measured)[1]
    after = _against(count(more, CONSTANTS), measured)[1]
    assert after.value >= before.value
    assert after.low >= before.low


@pytest.mark.parametrize(("seconds", "active"), [(1799, 0), (1800, 1)])
def test_a_day_needs_thirty_minutes_with_a_pin(seconds, active):
    shows = tuple(
        ShownPiece(n, False, 2, True, True, frozenset({1}), ((2, part),))
        for n, part in ((1, 1000.0), (2, seconds - 1000.0))
    )
    figures = count(Evidence(subject=ME, pieces=shows), CONSTANTS).assiduity

    assert figures.active_days == active
    assert figures.days == 89


def test_at_most_five_pieces_a_day_count():
    videos = tuple(ShownPiece(n, True, 4, True, True, frozenset({n})) for n in range(1, 9))
    figures = count(Evidence(subject=ME, pieces=videos), CONSTANTS).assiduity

    assert (figures.videos, figures.products) == (5, 5)


def test_a_day_that_is_not_over_counts_only_when_it_was_active():
    new = dataclasses.replace(ME, days=0)
    show = ShownPiece(1, False, 0, True, True, frozenset({1}), ((0, 1800.0),))

    assert count(Evidence(subject=new), CONSTANTS).assiduity.day == Rate(0, 0)
    assert count(Evidence(subject=new, pieces=(show,)), CONSTANTS).assiduity.day == Rate(1, 1)


def test_frozen_figures_come_back_from_json_as_they_went():
    mine = Evidence(
        subject=ME, sales=(Sale(1, 5, "a", False, 3, 1001, Fraction(1, 3)),), views=(1, 2, 3)
    )
    frozen = peers.freeze([count(mine, CONSTANTS)], CONSTANTS)

    assert peers.from_json(peers.to_json(frozen)) == frozen


def test_a_category_of_thirty_creators_is_a_peer_group_of_its_own():
    figures = [
        count(Evidence(subject=dataclasses.replace(ME, id=n, category_id=7 + n // 30)), CONSTANTS)
        for n in range(40)
    ]
    frozen = peers.freeze(figures, CONSTANTS)

    assert peers.of(frozen, 7).size == 30
    assert peers.of(frozen, 8).scope == peers.EVERYBODY
    assert peers.of(frozen, None).size == 40
