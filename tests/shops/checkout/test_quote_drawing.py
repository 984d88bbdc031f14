"""Parts of the checkout page are kept for all who buy the same, and for nobody else."""

import pytest
from django.utils.translation import override

from shops.checkout import quote_drawing
from shops.checkout.quote_drawing import Goods, Part, Picture, Totals, Way, drawn_part, drawn_totals

ODD = "x\"<&>'"
GOODS = Goods(Picture("/mug.jpg"), "Mug", "red", 2, 1500, 1990, 3000, True)
WAYS = (Way(1, "Standard", 2, 5, 490), Way(2, "Express", 1, 1, 0))
PART = Part("Shop", "ship-1", "IT", "EUR", (GOODS,), WAYS, True, 1, "Standard", 490)
TOTALS = Totals("EUR", 2, 3980, 980, (("SPRING", 300),), 490, 120, 540, 3310, True)


@pytest.fixture(autouse=True)
def drawings(monkeypatch):
    """Count what is drawn, from nothing kept on."""
    quote_drawing._drawn.cache_clear()
    draw, drawn = quote_drawing.render_to_string, []
    monkeypatch.setattr(
        quote_drawing,
        "render_to_string",
        lambda template, context: drawn.append(template) or draw(template, context),
    )
    yield drawn
    quote_drawing._drawn.cache_clear()


CHANGES = [
    *(PART._replace(**{name: ODD}) for name in ("shop", "field", "currency")),
    PART._replace(country="FR", is_available=False),
    PART._replace(ways=()),
    PART._replace(ways=WAYS[:1]),
    PART._replace(ways=WAYS[:1], amount_minor=0),
    PART._replace(ways=(), name="Courier"),
    PART._replace(is_available=False),
    PART._replace(chosen_id=2),
    PART._replace(chosen_id=None),
    PART._replace(ways=(WAYS[0], WAYS[1]._replace(name=ODD))),
    PART._replace(ways=(WAYS[0], WAYS[1]._replace(amount_minor=5))),
    PART._replace(ways=(WAYS[0], WAYS[1]._replace(days_max=3))),
    PART._replace(goods=(GOODS, GOODS)),
    *(
        PART._replace(goods=(GOODS._replace(**{name: value}),))
        for name, value in {
            "image": None,
            "title": ODD,
            "options_text": "",
            "quantity": 3,
            "unit_price_minor": 1990,
            "list_price_minor": 2000,
            "total_minor": 1,
            "is_held": False,
        }.items()
    ),
    *(
        TOTALS._replace(**{name: value})
        for name, value in {
            "currency": "USD",
            "units": 1,
            "list_goods_minor": 1,
            "saved_minor": 0,
            "vouchers": ((ODD, 300),),
            "shipping_minor": 0,
            "added_tax_minor": 0,
            "included_tax_minor": 0,
            "total_minor": 1,
            "is_available": False,
        }.items()
    ),
    TOTALS._replace(vouchers=()),
]


def _drawn(values):
    return drawn_part(values) if isinstance(values, Part) else drawn_totals(values)


@pytest.mark.parametrize("values", CHANGES, ids=range(len(CHANGES)))
def test_what_differs_in_anything_is_drawn_by_itself(values, drawings):
    plain = _drawn(PART if isinstance(values, Part) else TOTALS)

    assert _drawn(values) != plain
    assert len(drawings) == 2
    assert ODD not in _drawn(values)


def test_what_is_the_same_is_drawn_once_a_language(drawings):
    for language in ("en", "it", "en"):
        with override(language):
            assert drawn_totals(TOTALS) == drawn_totals(Totals(*TOTALS))
            drawn_part(PART._replace(goods=(GOODS._replace(),)))

    assert len(drawings) == 4


def test_it_tells_what_there_is_to_tell():
    part, totals = drawn_part(PART), drawn_totals(TOTALS)

    for said in ("Mug", "red", "2 ×", "€15.00", "€19.90", "€30.00", 'src="/mug.jpg"', "Deal"):
        assert said in part
    assert 'name="ship-1" value="1" checked' in part
    for said in ("2 pieces", "€39.80", "−€9.80", "SPRING", "−€3.00", "€4.90", "€1.20", "€5.40"):
        assert said in totals
    assert "Order and pay €33.10" in totals
