"""Packing slips as PDF: what goes into each parcel, and where; one page or more for each."""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    Flowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from shops.accounts.countries import country_name
from shops.facts.lettering import BOLD, TEXT, in_fonts, register
from shops.orders.packing import Box

_GREY: Final = colors.HexColor("#555555")


def packing_slips(boxes: Sequence[Box]) -> bytes:
    """Draw a slip for each box, each beginning on a page of its own."""
    register()
    story: list[Flowable] = []
    for box in boxes:
        if story:
            story.append(PageBreak())
        story.extend(_slip(box))
    file = io.BytesIO()
    SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=gettext("Packing slip"),
        author=boxes[0].orders[0].shop.name if boxes else "",
    ).build(story)
    return file.getvalue()


def _slip(box: Box) -> Iterator[Flowable]:
    first = box.orders[0]
    yield _paragraph(first.shop.name, size=10, color=_GREY)
    yield _paragraph(gettext("Packing slip"), size=20, bold=True)
    yield Spacer(1, 6 * mm)
    yield _paragraph(gettext("To"), size=9, color=_GREY)
    address = box.address
    town = " ".join(filter(None, [address.get("postal_code"), address.get("city")]))
    if address.get("region"):
        town = f"{town}, {address['region']}"
    where = [address.get("line1"), address.get("line2"), town]
    yield _paragraph(str(address.get("full_name", "")), size=13, bold=True)
    for line in [*where, country_name(str(address.get("country", ""))), address.get("phone")]:
        if line:
            yield _paragraph(str(line), size=12)
    yield Spacer(1, 6 * mm)
    for order in box.orders:
        placed = date_format(order.placed_at, "j F Y")
        words = gettext("Order %(number)s of %(day)s") % {"number": order.number, "day": placed}
        if order.shipping_method:
            words = f"{words} · {order.shipping_method}"
        yield _paragraph(words, size=10)
    yield Spacer(1, 4 * mm)
    yield _lines(box)
    yield Spacer(1, 8 * mm)
    yield _paragraph(gettext("Thank you for your order."), size=10, color=_GREY)


def _lines(box: Box) -> Table:
    heads = [gettext("Quantity"), gettext("Product"), gettext("SKU"), gettext("Order")]
    rows: list[list[Any]] = [[_paragraph(head, size=9, color=_GREY) for head in heads]]
    numbers = {order.pk: order.number for order in box.orders}
    for line in box.lines:
        what = f"{line.title} ({line.options_text})" if line.options_text else line.title
        rows.append(
            [
                _paragraph(f"{line.quantity} ×", size=11, bold=True),
                _paragraph(what, size=11),
                _paragraph(line.sku.code, size=9),
                _paragraph(numbers[line.order_id], size=9),
            ]
        )
    table = Table(rows, colWidths=[20 * mm, 85 * mm, 35 * mm, 30 * mm], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.HexColor("#bbbbbb")),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
            ]
        )
    )
    return table


def _paragraph(
    text: str, *, size: int, bold: bool = False, color: colors.Color = colors.black
) -> Paragraph:
    font = BOLD if bold else TEXT
    style = ParagraphStyle(
        "text",
        fontName=font,
        fontSize=size,
        leading=size * 1.35,
        textColor=color,
        splitLongWords=1,
    )
    return Paragraph(in_fonts(text, font), style)
