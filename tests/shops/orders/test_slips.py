"""Packing slips: a page for each parcel, in any script, however long a name is."""

import re

import pytest

from shops.facts.lettering import in_fonts, register
from shops.orders import packing, slips
from shops.orders.models import Order, OrderLine
from shops.orders.slips import packing_slips
from tests.shops.orders.life import sent

pytestmark = pytest.mark.django_db

NAME = "Žofie Łukaszewicz Αθηνά Дарья 山田太郎 김민준 👍 <b>&"


def _pages(pdf):
    return len(re.findall(rb"/Type /Page\b", pdf))


def _fonts(pdf):
    return {name.decode() for name in re.findall(rb"/BaseFont /(?:[A-Z]+\+)?([\w-]+)", pdf)}


def test_each_parcel_has_a_page_of_its_own(paid, purchase, lamp, shop):
    boxes = packing.boxes(shop_id=shop.pk)
    assert _pages(packing_slips(boxes)) == 1
    theirs = packing.boxes(shop_id=lamp.product.shop_id)
    assert _pages(packing_slips([*boxes, *theirs])) == 2


def test_names_in_any_script_are_drawn(paid, shop):
    Order.objects.filter(pk=paid.pk).update(address={**paid.address, "full_name": NAME})
    pdf = packing_slips(packing.boxes(shop_id=shop.pk))
    assert pdf.startswith(b"%PDF-")
    assert {"DejaVuSans", "DejaVuSans-Bold", "HYSMyeongJo-Medium"} <= _fonts(pdf)


@pytest.mark.parametrize(
    ("text", "font"),
    [("山田さん", "HeiseiMin-W3"), ("김", "HYSMyeongJo-Medium"), ("王小明", "STSong-Light")],
)
def test_the_language_is_told_by_what_only_it_writes(text, font):
    marked = f'A <font name="{font}">{text}</font> &amp; B'
    assert in_fonts(f"A {text} & B", "DejaVuSans") == marked


@pytest.mark.parametrize("letter", ["W", "山", "a b "], ids=["latin", "han", "words"])
def test_long_names_wrap(paid, shop, letter):
    address = {**paid.address, "full_name": letter * 3000, "line1": letter * 500}
    Order.objects.filter(pk=paid.pk).update(address=address)
    OrderLine.objects.filter(order=paid).update(
        title=(letter * 255)[:255], options_text=letter * 200
    )
    pdf = packing_slips(packing.boxes(shop_id=shop.pk))
    assert 2 <= _pages(pdf) < 20


@pytest.mark.parametrize("letter", ["W", "山", "W山"], ids=["latin", "han", "both"])
def test_no_line_is_wider_than_its_place(letter):
    register()
    paragraph = slips._paragraph(letter * 1000, size=12)
    paragraph.wrap(200, 10_000)
    lines = paragraph.blPara.lines
    assert len(lines) > 10
    for line in lines:
        left_over = line[0] if isinstance(line, tuple) else line.extraSpace
        assert left_over >= -0.1


def test_the_shop_prints_slips_of_what_it_packs_and_of_what_it_sent(
    client, carol, bob, shop, paid, now
):
    url = f"/seller/{shop.slug}/parcels/slips.pdf"
    client.force_login(bob)
    assert client.get(f"{url}?box={paid.pk}").status_code == 403
    client.force_login(carol)
    page = client.get(f"{url}?box={paid.pk}")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "application/pdf")
    assert client.post(url, {"box": [str(paid.pk)]}).content.startswith(b"%PDF-")
    for nothing in ("", "?box=x", "?box=0", "?parcel=0"):
        assert client.get(f"{url}{nothing}").status_code in (400, 404)
    parcel = sent(paid, now=now)
    assert client.get(f"{url}?box={paid.pk}").status_code == 400
    assert client.get(f"{url}?parcel={parcel.pk}").content.startswith(b"%PDF-")
