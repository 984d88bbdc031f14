"""Uploading a feed: checked first, imported on request, by the shop's people only."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shops.catalog.models import Product
from shops.feeds.models import FeedImport
from tests.factories.catalog import ShopFactory, ShopStaffFactory
from tests.shops.feeds.conftest import as_csv, one

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(shop, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return f"/seller/{shop.slug}/feeds/"


def upload(client, page, content):
    return client.post(page, {"feed": SimpleUploadedFile("spring.csv", content, "text/csv")})


def token_of(answer):
    return re.search(r'name="token" value="(\w+)"', answer.content.decode())[1]


@pytest.mark.parametrize("who", ["alice", "bob", "dave", "erin"])
def test_others_are_refused(client, request, page, who):
    client.force_login(request.getfixturevalue(who))

    assert client.get(page).status_code == 403
    assert upload(client, page, as_csv([one("mug")])).status_code == 403
    assert client.post(f"{page}import/", {"token": "0" * 32}).status_code == 403


def test_preview_then_import(client, carol, page, tmp_path):
    client.force_login(carol)

    preview = upload(client, page, as_csv([one("mug"), one("cup", price="<b>")]))
    assert not Product.objects.exists()
    text = preview.content.decode()
    assert "Import 1 product" in text
    assert "Variant Price" in text
    assert "&lt;b&gt;" in text

    answer = client.post(
        f"{page}import/", {"token": token_of(preview), "file_name": "spring.csv"}, follow=True
    )

    assert Product.objects.get().handle == "mug"
    assert "cup" in answer.content.decode()
    assert "spring.csv" in client.get(page).content.decode()
    assert not list(tmp_path.rglob("*.csv"))


def test_a_file_that_is_no_feed_is_explained(client, carol, page):
    client.force_login(carol)

    answer = upload(client, page, b"PK\x03\x04...")

    assert answer.status_code == 422
    assert "This is a ZIP archive" in answer.content.decode()


def test_no_file_at_all(client, carol, page):
    client.force_login(carol)
    assert client.post(page).status_code == 422


def test_a_feed_without_a_good_product_cannot_be_imported(client, carol, page):
    client.force_login(carol)

    text = upload(client, page, as_csv([one("mug", price="x")])).content.decode()

    assert "None of these products can be imported" in text
    assert 'name="token"' not in text


@pytest.mark.parametrize("token", ["", "0" * 32, "../../secret", "x" * 500])
def test_an_upload_that_is_gone(client, carol, page, token):
    client.force_login(carol)
    assert client.post(f"{page}import/", {"token": token}).status_code == 410


def test_an_upload_belongs_to_its_shop(client, carol, page):
    other = ShopFactory()
    ShopStaffFactory(shop=other, user=carol)
    client.force_login(carol)
    token = token_of(upload(client, page, as_csv([one("mug")])))

    assert client.post(f"/seller/{other.slug}/feeds/import/", {"token": token}).status_code == 410
    assert not Product.objects.exists()


def test_another_shops_import_is_not_shown(client, carol, page, now):
    foreign = FeedImport.objects.create(shop=ShopFactory(), file_name="x.csv", started_at=now)
    client.force_login(carol)

    assert client.get(f"{page}{foreign.pk}/").status_code == 404
