"""A statement as PDF."""

import io
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from shops.facts.lettering import TEXT, in_fonts, register
from shops.ledger.money import Money
from shops.payouts.statements import Statement, title

_INK: Final = colors.HexColor("#2b2028")
_LINE: Final = colors.HexColor("#d9cfc0")


def as_pdf(statement: Statement) -> bytes:
    """Print a statement on A4 pages, its head repeated on each."""
    register()
    body = ParagraphStyle("body", fontName=TEXT, fontSize=9, leading=12, textColor=_INK)
    small = ParagraphStyle("small", parent=body, fontSize=8, leading=11)
    right = ParagraphStyle("right", parent=small, alignment=2)
    head = ParagraphStyle("head", parent=body, fontSize=16, leading=22)

    def money(minor: int) -> Paragraph:
        return Paragraph(in_fonts(str(Money(minor, statement.currency)), TEXT), right)

    def text(words: str) -> Paragraph:
        return Paragraph(in_fonts(words, TEXT), small)

    names = (_("Date"), _("What"), _("Order or payout"), _("Amount"), _("Balance"))
    rows = [[text(name) for name in names]]
    rows.append(["", text(_("Opening balance")), "", "", money(statement.opening_minor)])
    rows += [
        [
            text(date_format(row.at, "j M Y")),
            text(row.text),
            text(row.reference),
            money(row.amount_minor),
            money(row.balance_minor),
        ]
        for row in statement.rows
    ]
    rows.append(["", text(_("Closing balance")), "", "", money(statement.closing_minor)])
    table = Table(rows, colWidths=[24 * mm, 58 * mm, 40 * mm, 27 * mm, 27 * mm], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=17 * mm,
        rightMargin=17 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=title(statement),
        author="liveshop",
        initialFontName=TEXT,
        invariant=1,
    )
    document.build(
        [
            Paragraph(in_fonts(title(statement), TEXT), head),
            Paragraph(in_fonts(statement.name, TEXT), body),
            Spacer(1, 6 * mm),
            table,
        ]
    )
    return out.getvalue()
