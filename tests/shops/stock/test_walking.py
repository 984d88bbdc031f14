"""Who gets what of a batch: everybody in their turn, whole or not at all."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shops.stock.reserving import Ask, HoldMismatch, Kept, OutOfStock, Wanted, walk

NOW = datetime(2026, 11, 23, tzinfo=UTC)
IDS = [uuid.UUID(int=number) for number in range(6)]


def ask(*wanted, buyer_id=None):
    return Ask(
        [Wanted(IDS[one], sku, quantity) for one, sku, quantity in wanted],
        timedelta(minutes=10),
        NOW,
        buyer_id,
    )


def kept(number, sku_id=1, quantity=1, buyer_id=None):
    return Kept(IDS[number], sku_id, buyer_id, quantity, "held", NOW, NOW)


def outcome(*asks, known=(), **left):
    walked = walk(asks, known=known, left={int(sku[1:]): units for sku, units in left.items()})
    return [None if one is None else type(one) for one in walked.refusals]


def test_one_who_wants_too_much_does_not_stand_in_the_way_of_others():
    assert outcome(ask((0, 1, 3)), ask((1, 1, 2)), ask((2, 1, 1)), s1=2) == [
        OutOfStock,
        None,
        OutOfStock,
    ]


def test_a_cart_gets_all_or_none_and_leaves_the_rest_to_others():
    both = ask((0, 1, 1), (1, 2, 2))
    assert outcome(both, ask((2, 1, 1)), s1=1, s2=1) == [OutOfStock, None]


def test_a_refusal_says_what_was_left_at_its_turn():
    walked = walk([ask((0, 1, 2)), ask((1, 1, 2), (2, 2, 1))], known=(), left={1: 3})
    assert walked.refusals[1].extra == {
        "sku_id": 1,
        "left": 1,
        "short": [{"sku_id": 1, "left": 1}, {"sku_id": 2, "left": 0}],
    }


def test_a_hold_that_exists_needs_no_units():
    assert outcome(ask((0, 1, 1)), ask((0, 1, 1)), known=[kept(0)], s1=0) == [None, None]


def test_the_same_id_twice_in_a_batch_is_granted_once():
    walked = walk([ask((0, 1, 2)), ask((0, 1, 2))], known=(), left={1: 2})
    assert walked.refusals == [None, None]
    assert len(walked.granted) == 1


def test_an_id_stands_for_one_thing_of_one_buyer():
    before = [kept(0, quantity=1, buyer_id=7)]
    assert outcome(
        ask((0, 1, 2)),
        ask((0, 2, 1)),
        ask((0, 1, 1), buyer_id=8),
        ask((0, 1, 1), buyer_id=7),
        ask((1, 1, 1), buyer_id=7),
        ask((1, 1, 1), buyer_id=8),
        known=before,
        s1=9,
        s2=9,
    ) == [HoldMismatch, HoldMismatch, HoldMismatch, None, None, HoldMismatch]


_WANTED = st.builds(
    Wanted, st.sampled_from(IDS), st.integers(min_value=1, max_value=3), st.integers(1, 4)
)
_ASKS = st.lists(
    st.lists(_WANTED, min_size=1, max_size=3, unique_by=lambda one: one.hold_id), max_size=12
)


@given(asked=_ASKS, left=st.dictionaries(st.integers(1, 3), st.integers(0, 8)))
def test_it_is_as_if_they_had_come_one_by_one(asked, left):
    """The model: one request after the other, each with a look at what is left by then."""
    asks = [Ask(wanted, timedelta(minutes=10), NOW) for wanted in asked]
    walked = walk(asks, known=(), left=left)

    free, holds, expected = Counter(left), {}, []
    for wanted in asked:
        if any(holds.get(one.hold_id, one) != one for one in wanted):
            expected.append(HoldMismatch)
            continue
        new = [one for one in wanted if one.hold_id not in holds]
        demand = Counter()
        for one in new:
            demand[one.sku_id] += one.quantity
        if demand <= free:
            free -= demand
            holds |= {one.hold_id: one for one in new}
            expected.append(None)
        else:
            expected.append(OutOfStock)
    assert [None if one is None else type(one) for one in walked.refusals] == expected
    assert {one.wanted.hold_id: one.wanted for one in walked.granted} == holds
    assert len(walked.granted) == len(holds)
    for number, one in walked.granted:
        assert one in asked[number]
