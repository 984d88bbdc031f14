"""The price of a cart, to the last minor unit."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shops.ledger.money import Money
from shops.pricing.calculation import Line, Option, Reduction, Tax, price, split

taxes = st.builds(Tax, bps=st.integers(0, 10_000), is_inclusive=st.booleans())
lines = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 99), st.integers(0, 10**9), taxes),
    min_size=1,
    max_size=8,
).map(
    lambda rows: [Line(key, *row) for key, row in enumerate(rows)]
)  # fmt: skip
options = st.lists(
    st.builds(
        Option,
        method_id=st.integers(1, 3),
        name=st.just("Standard"),
        days_min=st.just(1),
        days_max=st.just(2),
        base_minor=st.integers(0, 10_000),
        per_item_minor=st.integers(0, 500),
        free_from_minor=st.none() | st.integers(0, 10**6),
    ),
    max_size=3,
)
reductions = st.dictionaries(
    st.integers(1, 3),
    st.one_of(
        st.builds(Reduction, st.just(1), st.just(1), st.just("A"), bps=st.integers(1, 10_000)),
        st.builds(
            Reduction, st.just(1), st.just(1), st.just("A"), amount_minor=st.integers(1, 10**10)
        ),
    ),
)


def _price(rows, *, offered=None, reduced=None, choices=None, tax=None):
    return price(
        lines=rows,
        options=offered or {},
        choices=choices or {},
        reductions=reduced or {},
        shipping_tax=tax or Tax(),
    )


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_what_is_split_adds_up_and_nobody_is_a_unit_away_from_their_share(total, weights):
    parts = split(total, weights)
    if not sum(weights):
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


def test_the_largest_remainder_gets_the_odd_unit_and_of_equals_the_first():
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(10, [1, 2, 4]) == [1, 3, 6]


@given(lines, st.dictionaries(st.integers(1, 3), options), reductions, taxes)
def test_the_parts_add_up_to_the_whole_whatever_is_in_the_cart(rows, offered, reduced, tax):
    priced = _price(rows, offered=offered, reduced=reduced, tax=tax)
    assert [line.goods_minor for line in priced.lines] == [line.goods_minor for line in rows]
    for line in priced.lines:
        assert 0 <= line.discount_minor <= line.goods_minor
        assert 0 <= line.tax_minor <= 2 * line.goods_minor
    for one in priced.vouchers:
        shop = [line for line in rows if reduced.get(line.shop_id) is one.reduction]
        assert one.discount_minor <= sum(line.goods_minor for line in shop)
    assert priced.discount_minor == sum(one.discount_minor for one in priced.vouchers)
    added = sum(line.tax_minor for line in priced.lines if not line.tax.is_inclusive)
    added += sum(one.tax_minor for one in priced.shipments if not one.tax.is_inclusive)
    assert priced.total_minor == (
        priced.goods_minor - priced.discount_minor + priced.shipping_minor + added
    )
    assert priced.total_minor >= 0
    assert priced.is_available == all(offered.get(line.shop_id) for line in rows)


@given(lines)
def test_the_tax_of_a_shop_is_that_of_its_sum_and_not_a_unit_more(rows):
    priced = _price(rows)
    for shop_id in {line.shop_id for line in rows}:
        for tax in {line.tax for line in rows if line.shop_id == shop_id}:
            own = [line for line in rows if (line.shop_id, line.tax) == (shop_id, tax)]
            taxed = sum(line.goods_minor for line in own)
            whole = 10_000 + (tax.bps if tax.is_inclusive else 0)
            keys = {line.key for line in own}
            found = sum(line.tax_minor for line in priced.lines if line.key in keys)
            assert abs(found - Fraction(taxed * tax.bps, whole)) <= Fraction(1, 2)


def test_italian_tax_is_in_the_price_and_american_comes_on_top():
    assert Tax(2200).of(12_200) == 2200
    assert Tax(888, is_inclusive=False).of(10_000) == 888
    row = Line(1, 1, 1, 10_000, Tax(888, is_inclusive=False))
    priced = _price([row], offered={1: [Option(1, "Standard", 2, 5, 500)]},
                    tax=Tax(1000, is_inclusive=False))  # fmt: skip
    assert (priced.tax_minor, priced.total_minor) == (888 + 50, 10_000 + 888 + 500 + 50)


def test_half_a_unit_is_rounded_up():
    assert Tax(5000, is_inclusive=False).of(1) == 1
    assert Tax(4999, is_inclusive=False).of(1) == 0
    assert Reduction(1, 1, "A", bps=5000).of(3) == 2


def test_currencies_without_and_with_three_decimals_lose_nothing():
    yen = _price([Line(1, 1, 3, 333, Tax(1000))], reduced={1: Reduction(1, 1, "A", bps=1000)})
    assert (yen.discount_minor, yen.tax_minor, yen.total_minor) == (100, 82, 899)
    assert str(Money(yen.total_minor, "JPY")) == "¥899"
    dinar = _price([Line(1, 1, 1, 19_995, Tax(1600, is_inclusive=False))])
    assert str(Money(dinar.total_minor, "KWD")) == "23.194 KWD"


def test_free_shipping_counts_what_is_left_after_the_voucher():
    offered = {1: [Option(1, "Standard", 2, 5, 490, free_from_minor=5000)]}
    row = Line(1, 1, 1, 5000)
    assert _price([row], offered=offered).shipping_minor == 0
    less = {1: Reduction(1, 1, "A", amount_minor=1)}
    assert _price([row], offered=offered, reduced=less).shipping_minor == 490


def test_the_cheapest_way_is_taken_until_another_one_is_chosen():
    offered = {1: [Option(1, "Express", 1, 1, 990), Option(2, "Standard", 2, 5, 300, 10)]}
    rows = [Line(1, 1, 2, 100)]
    assert _price(rows, offered=offered).shipments[0].chosen.name == "Standard"
    chosen = _price(rows, offered=offered, choices={1: 1}).shipments[0]
    assert (chosen.chosen.name, chosen.amount_minor) == ("Express", 990)
    gone = _price(rows, offered=offered, choices={1: 9}).shipments[0]
    assert gone.amount_minor == 320
