"""Feeds made in memory."""

import csv
import io

import pytest

from shops.feeds.services import import_feed, preview_feed

COLUMNS = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Qty",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Status",
]
ABBREVIATIONS = {
    "price": "Variant Price",
    "was": "Variant Compare At Price",
    "qty": "Variant Inventory Qty",
    "grams": "Variant Grams",
    "code": "Variant SKU",
    "barcode": "Variant Barcode",
    "body": "Body (HTML)",
    "option": "Option1 Name",
    "value": "Option1 Value",
    "option2": "Option2 Name",
    "value2": "Option2 Value",
    "image": "Image Src",
    "alt": "Image Alt Text",
    "position": "Image Position",
}


def row(handle, title="", **cells):
    named = {ABBREVIATIONS.get(name, name.title()): value for name, value in cells.items()}
    return {"Handle": handle, "Title": title, **named}


def one(handle, price="19.90", qty="5", **cells):
    """A product without options, in one row."""
    return row(handle, **{"title": handle.title(), "price": price, "qty": qty, **cells})


def as_csv(rows, columns=COLUMNS, encoding="utf-8"):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


@pytest.fixture
def load(shop, now):
    """Import rows or bytes into carol's shop."""

    def load(content, *, dry_run=False):
        data = content if isinstance(content, bytes) else as_csv(content)
        if dry_run:
            return preview_feed(shop=shop, file=io.BytesIO(data), now=now)
        return import_feed(shop=shop, file=io.BytesIO(data), file_name="feed.csv", now=now)

    return load


def told(outcome):
    """The errors, as (line, column, reason)."""
    return [(error.line, error.column, str(error.reason)) for error in outcome.errors]
