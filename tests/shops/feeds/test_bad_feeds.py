"""What is no feed is refused whole; a bad row rejects its product and no other."""

import gzip
import io
import zipfile

import pytest
from django.core.management import CommandError, call_command

from shops.catalog.models import Product, Sku
from shops.feeds.models import FeedImport
from shops.feeds.reading import FeedUnreadable
from tests.shops.feeds.conftest import COLUMNS, as_csv, one, row, told

pytestmark = pytest.mark.django_db
GOOD = as_csv([one("mug")])


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("feed.csv", GOOD)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (zipped(), "ZIP"),
        (gzip.compress(GOOD), "compressed"),
        (GOOD.decode().encode("utf-16"), "UTF-16"),
        (b"<!doctype html><html>", "web page"),
        (b'\xef\xbb\xbf {"products": []}', "web page or data file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Line 1: this is not UTF-8"),
        (GOOD + b"caf\xe9,Caf\xe9\r\n", "Line 3: this is not UTF-8"),
        (GOOD + b"a,\0b\r\n", "Line 3: there are NUL bytes"),
        (GOOD.replace(b",", b";"), "Columns are missing: Handle, Title, Variant Price"),
        (b"Handle,Title\r\nmug,Mug\r\n", "Columns are missing: Variant Price"),
        (b"Handle,Title,Title,Variant Price\r\n", "there twice: Title"),
        (as_csv([]), "no product"),
        (GOOD + b'cup,"no end,1\r\n' + b"x,y\r\n" * 50, "quotation marks"),
        (GOOD + b'cup,"no end,1\r\n' + b"x,y\r\n" * 50_000, "quotation mark missing"),
        (GOOD + b'cup,"a"b,1\r\n', "quotation marks do not match"),
        (GOOD + b"a" * 1_100_000, "longer than a megabyte"),
        (as_csv([one("mug", body="x" * 200_000)]), "field is too long"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_a_file_that_is_no_feed_changes_nothing(load, content, says):
    with pytest.raises(FeedUnreadable) as refused:
        load(content)

    assert says in str(refused.value)
    assert not Product.objects.exists()
    assert not FeedImport.objects.exists()


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"price": "-1"}, "Variant Price", "from 0 to under 1000000"),
        ({"price": "1000000"}, "Variant Price", "from 0 to under"),
        ({"price": "1e400"}, "Variant Price", "from 0 to under"),
        ({"price": "NaN"}, "Variant Price", "from 0 to under"),
        ({"price": "19,90"}, "Variant Price", "from 0 to under"),
        ({"price": "19.999"}, "Variant Price", "from 0 to under"),
        ({"price": ""}, "Variant Price", "missing"),
        ({"was": "cheap"}, "Variant Compare At Price", "from 0 to under"),
        ({"qty": "-1"}, "Variant Inventory Qty", "0 to 1000000: -1"),
        ({"qty": "1000000000"}, "Variant Inventory Qty", "0 to 1000000"),
        ({"qty": "9" * 400}, "Variant Inventory Qty", "0 to 1000000"),
        ({"qty": "1.5"}, "Variant Inventory Qty", "whole number"),
        ({"qty": "few"}, "Variant Inventory Qty", ": few"),
        ({"grams": "-5"}, "Variant Grams", "whole number"),
        ({"title": ""}, "Title", "missing"),
        ({"title": "x" * 256}, "Title", "longer than 255"),
        ({"title": "bell\x07"}, "Title", "control characters"),
        ({"status": "sold"}, "Status", "active, draft or archived"),
        ({"published": "maybe"}, "Published", "true or false"),
        ({"image": "http://pictures.example/a.jpg"}, "Image Src", "https"),
        ({"image": "javascript:alert(1)"}, "Image Src", "https"),
        ({"image": "static:../../settings.py"}, "Image Src", "no picture"),
        ({"image": "static:liveshop/demo/products/none.svg"}, "Image Src", "no picture"),
        ({"option": "", "value": "Red"}, "Option1 Name", "missing"),
        ({"option": "Colour", "value": ""}, "Option1 Value", "missing"),
        ({"tags": "x" * 256}, "Tags", "longer than 255"),
        ({"barcode": "1" * 65}, "Variant Barcode", "longer than 64"),
    ],
    ids=str,
)
def test_a_bad_row_rejects_its_product_and_no_other(load, cells, column, says):
    outcome = load([one("mug"), one("cup", **cells), one("pot")])

    assert [(line, at) for line, at, _ in told(outcome)] == [(3, column)]
    assert says in told(outcome)[0][2]
    assert (outcome.created, outcome.rejected) == (2, 1)
    assert set(Product.objects.values_list("handle", flat=True)) == {"mug", "pot"}


@pytest.mark.parametrize("handle", ["", "a/b", "a b", "a?b", "x" * 256, "a\tb", "50%"])
def test_a_handle_that_cannot_be_an_address(load, handle):
    outcome = load([one("mug"), one(handle, title="Anything")])

    assert "Handle" in [column for _, column, _ in told(outcome)]
    assert Product.objects.count() == 1


def test_one_bad_variant_leaves_the_whole_product_as_it_was(load):
    def shirt(medium):
        return [
            row("shirt", "Shirt", option="Size", value="S", price="19.90", qty="4"),
            row("shirt", value="M", price=medium, qty="4"),
        ]

    load(shirt("19.90"))
    outcome = load([*shirt("gratis"), one("mug")])

    assert [line for line, _, _ in told(outcome)] == [3]
    assert list(Sku.objects.filter(product__handle="shirt").values_list("price_minor")) == [
        (1990,),
        (1990,),
    ]
    assert Product.objects.filter(handle="mug").exists()


def test_the_same_variant_twice(load):
    outcome = load(
        [
            row("shirt", "Shirt", option="Size", value="S", price="1"),
            row("shirt", value="S", price="2"),
        ]
    )

    assert told(outcome) == [(3, "Option1 Value", "is the same variant as on line 2")]
    assert not Product.objects.exists()


def test_rows_of_a_product_apart_from_one_another_reject_all_of_it(load):
    outcome = load([one("mug"), one("cup"), one("mug", price="3")])

    assert [(line, column) for line, column, _ in told(outcome)] == [(2, "Handle"), (4, "Handle")]
    assert "more are on line 4" in told(outcome)[0][2]
    assert "more are on line 2" in told(outcome)[1][2]
    assert [product.handle for product in Product.objects.all()] == ["cup"]


def test_a_row_with_too_few_values(load):
    outcome = load(as_csv([one("mug")]) + b"cup,Cup\r\n")

    assert "more or fewer values" in told(outcome)[0][2]
    assert Product.objects.count() == 1


def test_a_row_with_neither_variant_nor_picture(load):
    outcome = load([one("mug"), row("mug")])

    assert told(outcome) == [(3, "", "has neither a variant nor a picture")]


def test_half_of_the_rows_invalid(load):
    rows = [one(f"mug-{n}", price="bad" if n % 2 else "3.50") for n in range(400)]

    outcome = load(rows)

    assert (outcome.created, outcome.rejected, len(outcome.errors)) == (200, 200, 200)
    assert FeedImport.objects.get().errors.count() == 200
    assert Product.objects.count() == 200


class TestCommand:
    def test_reports_errors_by_line_and_a_summary(self, shop, tmp_path, capsys):
        file = tmp_path / "feed.csv"
        file.write_bytes(as_csv([one("mug"), one("cup", price="x")]))

        call_command("import_feed", shop.slug, file)

        said = capsys.readouterr()
        assert "line 3, cup, Variant Price: must be" in said.err
        assert "2 rows, 2 products: 1 created, 0 updated, 0 unchanged, 1 rejected" in said.out

    def test_a_dry_run_writes_nothing(self, shop, tmp_path, capsys):
        file = tmp_path / "feed.csv"
        file.write_bytes(GOOD)

        call_command("import_feed", shop.slug, file, "--dry-run")

        assert "would be done: 1 rows" in capsys.readouterr().out
        assert not Product.objects.exists()

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"PK\x03\x04", "ZIP"),
            (as_csv([one("mug", price="x")]), "nothing could be imported"),
            (as_csv([], columns=COLUMNS), "no product"),
        ],
    )
    def test_fails_when_nothing_could_be_imported(self, shop, tmp_path, content, says):
        file = tmp_path / "feed.csv"
        file.write_bytes(content)

        with pytest.raises(CommandError, match=says):
            call_command("import_feed", shop.slug, file)

    def test_fails_for_a_shop_or_file_that_is_not_there(self, shop, tmp_path):
        with pytest.raises(CommandError, match="no shop"):
            call_command("import_feed", "nobody", tmp_path / "feed.csv")
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_feed", shop.slug, tmp_path / "feed.csv")
        with pytest.raises(CommandError, match="Is a directory"):
            call_command("import_feed", shop.slug, tmp_path)
