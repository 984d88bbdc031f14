"""Shares of what was paid: exact, never more, and all of it when all comes back."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shops.returns.amounts import Bought, asked_for, share
from shops.returns.states import ReturnReason

LINES = st.lists(st.tuples(st.integers(1, 7), st.integers(0, 10_000)), min_size=1, max_size=4)


def _some_returns(lines, shipping, seed, reasons):
    """Ask for random units of random lines until nothing is left; some are taken back."""
    dice = random.Random(seed)
    counted = []  # (units by line, Asked)
    while True:
        bought = [
            Bought(
                line_id=i,
                quantity=quantity,
                paid_minor=paid,
                taken=sum(units.get(i, 0) for units, _ in counted),
                taken_minor=sum(asked.lines.get(i, 0) for _, asked in counted),
            )
            for i, (quantity, paid) in enumerate(lines)
        ]
        left = [line for line in bought if line.left]
        if not left:
            return counted
        chosen = dice.sample(left, dice.randint(1, len(left)))
        units = {line.line_id: dice.randint(1, line.left) for line in chosen}
        asked = asked_for(
            bought=bought,
            units=units,
            reason=dice.choice(reasons),
            stays=False,
            shipping_left_minor=shipping - sum(asked.shipping_minor for _, asked in counted),
            rest_minor=sum(paid for _, paid in lines)
            + shipping
            - sum(asked.goods_minor + asked.shipping_minor for _, asked in counted),
        )
        if counted and dice.random() < 0.3:
            counted.pop(dice.randrange(len(counted)))
        else:
            counted.append((units, asked))


@given(LINES, st.integers(0, 2_000), st.integers(), st.booleans())
def test_whatever_the_sequence_what_goes_back_is_what_was_paid(lines, shipping, seed, is_fault):
    reasons = list(ReturnReason) if is_fault else [ReturnReason.CHANGED_MIND]
    counted = _some_returns(lines, shipping, seed, reasons)
    goods = sum(asked.goods_minor for _, asked in counted)
    assert goods == sum(paid for _, paid in lines)
    assert sum(asked.shipping_minor for _, asked in counted) <= shipping
    for i, (_, paid) in enumerate(lines):
        assert sum(asked.lines.get(i, 0) for _, asked in counted) == paid


@given(LINES, st.integers(0, 2_000), st.integers(0, 5_000), st.integers())
def test_never_more_than_the_rest(lines, shipping, rest, seed):
    dice = random.Random(seed)
    bought = [Bought(line_id=i, quantity=q, paid_minor=p) for i, (q, p) in enumerate(lines)]
    units = {line.line_id: dice.randint(1, line.quantity) for line in bought}
    asked = asked_for(
        bought=bought,
        units=units,
        reason=ReturnReason.DAMAGED,
        stays=False,
        shipping_left_minor=shipping,
        rest_minor=rest,
    )
    assert asked.goods_minor + asked.shipping_minor <= rest
    assert min(asked.goods_minor, asked.shipping_minor) >= 0


def test_shares_round_down_and_the_last_takes_the_rest():
    assert share(Bought(1, quantity=3, paid_minor=100), 1) == 33
    assert share(Bought(1, quantity=3, paid_minor=100, taken=1, taken_minor=33), 1) == 33
    assert share(Bought(1, quantity=3, paid_minor=100, taken=2, taken_minor=66), 1) == 34


@pytest.mark.parametrize(
    ("reason", "units", "stays", "shipping"),
    [
        (ReturnReason.CHANGED_MIND, {1: 2, 2: 1}, False, 590),
        (ReturnReason.CHANGED_MIND, {1: 1, 2: 1}, False, 0),
        (ReturnReason.CHANGED_MIND, {1: 2, 2: 1}, True, 0),
        (ReturnReason.OTHER, {1: 1}, False, 0),
        (ReturnReason.DAMAGED, {1: 1}, False, 590),
        (ReturnReason.NEVER_ARRIVED, {2: 1}, True, 590),
    ],
    ids=["whole", "part", "whole-but-more-comes", "other", "damaged", "lost"],
)
def test_the_shipping_comes_back_with_the_whole_order_or_for_the_shops_fault(
    reason, units, stays, shipping
):
    bought = [Bought(1, quantity=2, paid_minor=4000), Bought(2, quantity=1, paid_minor=500)]
    asked = asked_for(
        bought=bought,
        units=units,
        reason=reason,
        stays=stays,
        shipping_left_minor=590,
        rest_minor=5090,
    )
    assert asked.shipping_minor == shipping
