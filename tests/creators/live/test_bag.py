import pytest

from creators.live import queries, services
from creators.live.models import Pin, ShowState
from creators.live.reactions import take_out_of_bags
from creators.live.services import bag
from creators.pieces import referral
from creators.pieces.models import PieceProduct
from shops.catalog.events import ProductArchived
from shops.catalog.models import Product
from shops.facts.models import Event
from tests.factories.catalog import SkuFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory


def _order(show):
    shown = PieceProduct.objects.filter(piece=show.piece, removed_at__isnull=True)
    return list(shown.order_by("position").values_list("product_id", flat=True))


def test_a_product_is_added_last(show, bob, product, other_product, now):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    assert _order(show) == [product.pk, other_product.pk]
    assert Event.objects.get().kind == "BagChanged"


def test_adding_what_is_in_the_bag_changes_nothing(show, bob, product, now):
    services.add_to_bag(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert _order(show) == [product.pk]
    assert not Event.objects.exists()


def test_a_removed_product_keeps_its_row_and_can_come_back(show, bob, product, now):
    services.remove_from_bag(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert _order(show) == []
    services.add_to_bag(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert _order(show) == [product.pk]
    assert PieceProduct.objects.filter(piece=show.piece).count() == 2


def test_removing_the_pinned_product_unpins_it(show, bob, product, now):
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    services.remove_from_bag(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    assert Pin.objects.get().unpinned_at == now


def test_removing_what_is_not_in_the_bag_is_refused(show, bob, other_product, now):
    with pytest.raises(services.NotInBag):
        services.remove_from_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)


def test_a_foreign_product_is_not_added(show, bob, foreign_product, now):
    with pytest.raises(services.NotPartner):
        services.add_to_bag(piece_id=show.pk, product_id=foreign_product.pk, by=bob, now=now)


@pytest.mark.parametrize("status", [Product.Status.ARCHIVED, Product.Status.DRAFT])
def test_a_product_that_is_not_sold_is_not_added(show, bob, other_product, now, status):
    Product.objects.filter(pk=other_product.pk).update(status=status)
    with pytest.raises(services.ProductGone):
        services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)


def test_the_bag_of_a_show_that_is_over_does_not_change(bob, product, now):
    over = LiveSessionFactory(piece__creator=bob.creator, state=ShowState.ENDED)
    with pytest.raises(services.ShowOver):
        services.add_to_bag(piece_id=over.pk, product_id=product.pk, by=bob, now=now)


def test_only_the_host_changes_the_bag(show, alice, product, other_product, now):
    with pytest.raises(services.NotHost):
        services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=alice, now=now)
    with pytest.raises(services.NotHost):
        services.remove_from_bag(piece_id=show.pk, product_id=product.pk, by=alice, now=now)
    with pytest.raises(services.NotHost):
        services.reorder_bag(piece_id=show.pk, product_ids=[product.pk], by=alice, now=now)


def test_a_full_bag_takes_no_more(show, bob, other_product, now, monkeypatch):
    monkeypatch.setattr(bag, "LARGEST_BAG", 1)
    with pytest.raises(services.BagFull):
        services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)


def test_reordering_puts_the_named_ones_first(show, bob, product, other_product, now):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    services.reorder_bag(piece_id=show.pk, product_ids=[other_product.pk], by=bob, now=now)
    assert _order(show) == [other_product.pk, product.pk]


def test_reordering_with_a_product_that_is_not_there_is_refused(show, bob, other_product, now):
    with pytest.raises(services.NotInBag):
        services.reorder_bag(piece_id=show.pk, product_ids=[other_product.pk], by=bob, now=now)


def test_an_archived_product_leaves_every_open_bag_and_its_pin(show, bob, product, now):
    scheduled = LiveSessionFactory(piece__creator=bob.creator, state=ShowState.SCHEDULED)
    over = LiveSessionFactory(piece__creator=bob.creator, state=ShowState.ENDED)
    for session in (scheduled, over):
        PieceProductFactory(piece=session.piece, product=product)
    services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    take_out_of_bags(
        ProductArchived(product_id=product.pk, shop_id=product.shop_id), event_id=1, now=now
    )
    assert _order(show) == []
    assert _order(scheduled) == []
    assert _order(over) == [product.pk]
    assert Pin.objects.get().unpinned_at == now
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["ProductPinned", "ProductUnpinned", "BagChanged", "BagChanged"]


def test_the_bag_shows_the_pinned_product_first_with_a_referral_of_its_pin(
    show, bob, product, other_product, now
):
    services.add_to_bag(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    pin = services.pin(piece_id=show.pk, product_id=other_product.pk, by=bob, now=now)
    first, second = queries.bag(show)
    assert (first.product_id, first.pin_id) == (other_product.pk, pin.pk)
    assert referral.read(first.referral) == referral.Referral(show.pk, bob.creator.pk, pin.pk)
    assert (second.product_id, second.is_pinned) == (product.pk, False)
    assert referral.read(second.referral) == referral.Referral(show.pk, bob.creator.pk, None)


def test_the_bag_tells_stock_and_price_of_each_option(show, product):
    SkuFactory(product=product, options=["blue"], price_minor=2500, on_hand=0, position=2)
    (item,) = queries.bag(show)
    assert [(o.options_text, o.price_minor, o.available) for o in item.offers] == [
        ("red", 1990, 10),
        ("blue", 2500, 0),
    ]
    assert item.available == 10
    assert item.first_choice.options_text == "red"
    assert item.has_price_range


def test_the_bag_takes_as_many_queries_for_ten_products_as_for_one(
    show, shop, django_assert_num_queries
):
    with django_assert_num_queries(4):
        queries.bag(show)
    for _ in range(9):
        sku = SkuFactory(product__shop=shop)
        PieceProductFactory(piece=show.piece, product=sku.product)
    with django_assert_num_queries(4):
        assert len(queries.bag(show)) == 10


def test_an_archived_product_is_not_shown(show, product):
    Product.objects.update(status=Product.Status.ARCHIVED)
    assert list(queries.bag(show)) == []


def test_addable_products_are_the_partners_that_are_not_in_the_bag(
    show, product, other_product, foreign_product
):
    assert [p.pk for p in queries.addable_products(show)] == [other_product.pk]
    assert [p.pk for p in queries.addable_products(show, words="linen shi")] == [other_product.pk]
    assert queries.addable_products(show, words="wool") == []
