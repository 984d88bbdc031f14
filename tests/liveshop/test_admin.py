"""Operators can look at everything of ours; the books and the facts nobody changes by hand."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from shops.facts.models import Event
from shops.ledger.models import Journal
from shops.orders.models import Order
from shops.stock.models import Stock

OURS = [
    model
    for model in admin.site._registry
    if model.__module__.split(".")[0] in ("shops", "creators")
]


def _name(model):
    return f"{model._meta.app_label}_{model._meta.model_name}"


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_each_list_opens(client, olga, model):
    client.force_login(olga)
    assert client.get(reverse(f"admin:{_name(model)}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:{_name(model)}_changelist"), {"q": "x"}).status_code == 200


def test_every_room_with_models_has_its_pages():
    rooms = {
        model._meta.app_label
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ("shops", "creators")
    }
    assert {model._meta.app_label for model in OURS} == rooms


@pytest.mark.parametrize("model", [Event, Journal, Order, Stock])
def test_what_services_keep_cannot_be_changed_by_hand(client, olga, model):
    client.force_login(olga)
    assert client.get(reverse(f"admin:{_name(model)}_add")).status_code == 403


def test_it_bears_the_sites_name_and_plurals_that_are_words(client, olga):
    client.force_login(olga)

    page = client.get("/admin/").text

    assert "liveshop administration" in page
    assert "Django" not in page
    assert "Addresss" not in page
    assert "Categorys" not in page


def test_pages_that_name_no_icon_have_one_all_the_same(client):
    answer = client.get("/favicon.ico")

    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(".svg")


def test_viewers_have_no_business_there(client, alice):
    client.force_login(alice)
    assert client.get("/admin/").status_code == 302
