import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from creators.live import services
from creators.live.models import Pin, ShowState
from creators.live.services import pins
from creators.profiles.models import PartnerShop
from shops.catalog.models import Product
from shops.facts.models import Event
from shops.facts.refused import NotFound
from tests.factories.creators import LiveSessionFactory, PieceProductFactory, PinFactory


def _kinds():
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_the_host_pins_a_product_of_the_bag(show, bob, product, now):
    pin = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert (pin.product_id, pin.pinned_at, pin.unpinned_at) == (product.pk, now, None)
    fact = Event.objects.get()
    assert fact.kind == "ProductPinned"
    assert fact.payload == {
        "piece_id": show.pk,
        "creator_id": bob.creator.pk,
        "rev": 1,
        "pin_id": pin.pk,
        "product_id": product.pk,
    }


def test_pinning_another_product_closes_the_first_pin(show, bob, product, other_product, now):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    first = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    later = now + timedelta(minutes=3)
    second = services.pin(piece_id=show.pk, product_id=other_product.pk, by=bob, now=later)
    first.refresh_from_db()
    assert first.unpinned_at == later
    assert Pin.objects.get(unpinned_at__isnull=True) == second


def test_pinning_what_is_pinned_changes_nothing(show, bob, product, now):
    first = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    again = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert again == first
    assert _kinds() == ["ProductPinned"]


def test_unpinning_keeps_the_time(show, bob, product, now):
    pin = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    later = now + timedelta(minutes=2)
    services.unpin(piece_id=show.pk, by=bob, now=later)
    pin.refresh_from_db()
    assert pin.unpinned_at == later
    assert _kinds() == ["ProductPinned", "ProductUnpinned"]


def test_unpinning_when_nothing_is_pinned_changes_nothing(show, bob, now):
    services.unpin(piece_id=show.pk, by=bob, now=now)
    assert _kinds() == []


def test_each_change_has_a_higher_rev(show, bob, product, now):
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    services.unpin(piece_id=show.pk, by=bob, now=now)
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    revs = [event.payload["rev"] for event in Event.objects.order_by("pk")]
    assert revs == sorted(set(revs))


def test_only_the_host_pins_and_unpins(show, alice, olga, product, now):
    for stranger in (alice, olga):
        with pytest.raises(services.NotHost):
            services.pin(piece_id=show.pk, product_id=product.pk, by=stranger, now=now)
        with pytest.raises(services.NotHost):
            services.unpin(piece_id=show.pk, by=stranger, now=now)
    assert not Pin.objects.exists()


def test_a_product_that_is_not_in_the_bag_is_not_pinned(show, bob, other_product, now):
    with pytest.raises(services.NotInBag):
        services.pin(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)


def test_a_product_that_does_not_exist_is_not_pinned(show, bob, now):
    with pytest.raises(services.NotInBag):
        services.pin(piece_id=show.pk, product_id=10**9, by=bob, now=now)


def test_another_shops_product_is_not_pinned_even_from_the_bag(show, bob, foreign_product, now):
    PieceProductFactory(piece=show.piece, product=foreign_product)
    with pytest.raises(services.NotPartner):
        services.pin(piece_id=show.pk, product_id=foreign_product.pk, by=bob, now=now)
    assert not Pin.objects.exists()


def test_a_product_of_a_former_partner_is_not_pinned(show, bob, product, now):
    PartnerShop.objects.all().delete()
    with pytest.raises(services.NotPartner):
        services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)


def test_an_archived_product_is_not_pinned(show, bob, product, now):
    Product.objects.update(status=Product.Status.ARCHIVED)
    with pytest.raises(services.ProductGone):
        services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)


@pytest.mark.parametrize("state", [ShowState.SCHEDULED, ShowState.ENDED, ShowState.CANCELLED])
def test_a_show_that_is_not_live_has_no_pin(bob, product, now, state):
    session = LiveSessionFactory(piece__creator=bob.creator, state=state)
    PieceProductFactory(piece=session.piece, product=product)
    with pytest.raises(services.NotLive):
        services.pin(piece_id=session.pk, product_id=product.pk, by=bob, now=now)


def test_a_show_that_does_not_exist_is_not_found(bob, product, now):
    with pytest.raises(NotFound):
        services.pin(piece_id=10**9, product_id=product.pk, by=bob, now=now)


def test_the_database_refuses_a_second_open_pin(show, product, other_product):
    PinFactory(session=show, product=product)
    with pytest.raises(IntegrityError, match="live_one_pin"):
        PinFactory(session=show, product=other_product)


def _race(show, bob, products, now):
    barrier = threading.Barrier(len(products))
    errors = []

    def pin(product):
        try:
            barrier.wait()
            services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=pin, args=(product,)) for product in products]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_of_two_pins_at_once_one_is_open_and_both_are_in_the_history(
    show, bob, product, other_product, now
):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    assert _race(show, bob, [product, other_product], now) == []
    assert Pin.objects.filter(unpinned_at__isnull=True).count() == 1
    assert Pin.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_control_without_the_shows_lock_the_constraint_refuses_one_of_two_pins(
    show, bob, product, other_product, now, monkeypatch
):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    both_looked = threading.Barrier(2)
    close = pins.close_pin

    def close_then_meet(*args, **kwargs):
        found = close(*args, **kwargs)
        both_looked.wait(timeout=10)
        return found

    monkeypatch.setattr(pins, "take", lambda piece_id, states: 1)
    monkeypatch.setattr(pins, "close_pin", close_then_meet)
    errors = _race(show, bob, [product, other_product], now)
    assert [type(error) for error in errors] == [IntegrityError]
    assert Pin.objects.filter(unpinned_at__isnull=True).count() == 1
