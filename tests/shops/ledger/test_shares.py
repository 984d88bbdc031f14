"""Splitting by largest remainder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shops.ledger.shares import largest_remainder

weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=6).filter(any)
amounts = st.integers(0, 10**14)


@given(amount=amounts, weights=weights)
def test_nothing_is_lost_and_each_share_is_within_one_unit_of_its_quota(amount, weights):
    shares = largest_remainder(amount, weights)

    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - amount * weight) < sum(weights)
        assert share == 0 or weight


@given(weights=weights)
def test_the_whole_is_split_into_the_weights_themselves(weights):
    assert largest_remainder(sum(weights), weights) == weights


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [(1, [1, 1], [1, 0]), (10, [1, 1, 1], [4, 3, 3]), (2, [1, 98, 1], [0, 2, 0]), (0, [0], [0])],
)
def test_ties_go_to_the_earlier(amount, weights, shares):
    assert largest_remainder(amount, weights) == shares


@pytest.mark.parametrize(("amount", "weights"), [(1, [0]), (-1, [1]), (1, [2, -1])])
def test_what_can_not_be_split_is_refused(amount, weights):
    with pytest.raises(ValueError, match="can't be split"):
        largest_remainder(amount, weights)
