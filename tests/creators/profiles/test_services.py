import pytest

from creators.profiles.models import Creator, PartnerShop
from creators.profiles.queries import is_operator, payee_names, payee_of_user
from creators.profiles.services import (
    AlreadyCreator,
    HandleTaken,
    add_partner,
    become_creator,
)
from shops.accounts.models import Role
from shops.facts.refused import Invalid, NotAllowed
from tests.factories.catalog import ShopFactory


def test_a_viewer_becomes_a_creator(alice, now):
    creator = become_creator(user=alice, handle="Alice-Live", name=" Alice ", now=now)
    assert (creator.handle, creator.name) == ("alice-live", "Alice")
    assert alice.grants.filter(role=Role.CREATOR).exists()


def test_a_handle_belongs_to_one_creator(bob, alice, now):
    with pytest.raises(HandleTaken):
        become_creator(user=alice, handle="bob", name="Alice", now=now)
    assert not alice.grants.exists()


def test_a_creator_does_not_become_one_again(bob, now):
    with pytest.raises(AlreadyCreator):
        become_creator(user=bob, handle="bob-two", name="Bob", now=now)
    assert Creator.objects.count() == 1


@pytest.mark.parametrize(
    "handle", ["", "-", "a--b", "-a", "a-", "a b", "a/b", "a\nb", "é", "x" * 41]
)
def test_an_odd_handle_is_refused(alice, now, handle):
    with pytest.raises(Invalid):
        become_creator(user=alice, handle=handle, name="Alice", now=now)


@pytest.mark.parametrize("fields", [{"name": "  "}, {"name": "x" * 61}, {"bio": "x" * 501}])
def test_a_name_is_needed_and_texts_have_an_end(alice, now, fields):
    with pytest.raises(Invalid):
        become_creator(user=alice, handle="alice", now=now, **{"name": "Alice", **fields})


def test_staff_of_a_shop_makes_a_creator_its_partner(bob, carol, shop, now):
    PartnerShop.objects.all().delete()
    add_partner(creator_id=bob.creator.pk, shop_id=shop.pk, by=carol, now=now)
    add_partner(creator_id=bob.creator.pk, shop_id=shop.pk, by=carol, now=now)
    assert PartnerShop.objects.count() == 1


def test_a_creator_does_not_choose_a_shop_alone(bob, carol, olga, now):
    elsewhere = ShopFactory()
    for by in (bob, carol):
        with pytest.raises(NotAllowed):
            add_partner(creator_id=bob.creator.pk, shop_id=elsewhere.pk, by=by, now=now)
    assert add_partner(creator_id=bob.creator.pk, shop_id=elsewhere.pk, by=olga, now=now)


def test_who_operates(alice, olga):
    assert is_operator(olga)
    assert not is_operator(alice)


def test_the_books_owners_are_named_for_people(bob):
    payee = payee_of_user(bob)
    assert payee_names([payee, "shop:1", "creator:0"]) == {payee: bob.creator.name}
