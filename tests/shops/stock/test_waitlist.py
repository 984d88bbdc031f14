"""Who waits for what is sold out: in order, offered what is freed, for a time."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from shops.catalog.models import Product
from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.stock import queries, reactions, tasks
from shops.stock.events import WaitlistEnded, WaitlistOffered
from shops.stock.models import EntryState, Hold, HoldState, Stock, WaitlistEntry
from shops.stock.queries import database_now
from shops.stock.services import (
    BadWish,
    HoldExpired,
    OfferFixed,
    OfferOver,
    OutOfStock,
    StillAvailable,
    commit,
    decline,
    expire_due,
    extend,
    give_back,
    join,
    leave,
    receive,
    release,
    set_on_hand,
    take_back,
)
from tests.factories.catalog import SkuFactory
from tests.factories.stock import keep, let_time_pass, order, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def sku(db):
    """Two units, both ordered."""
    return SkuFactory(on_hand=2, product__title="Lamp")


@pytest.fixture
def gone(sku):
    """The hold of the two units."""
    return order(sku, 2)


def state(entry):
    return WaitlistEntry.objects.get(pk=entry.pk).state


def told(kind):
    return [event.payload for event in Event.objects.filter(kind=kind).order_by("id")]


def free_of(sku):
    return Stock.objects.get(sku=sku).available


# --- Joining ----------------------------------------------------------------------------------


def test_who_waits_keeps_a_place_and_asking_again_is_the_same_place(sku, gone, alice):
    entry = wait(alice, sku)

    assert wait(alice, sku, 5) == entry
    assert entry.state == EntryState.WAITING
    assert WaitlistEntry.objects.count() == 1


def test_nobody_waits_for_what_can_be_bought(sku, alice):
    with pytest.raises(StillAvailable) as refused:
        wait(alice, sku, 2)

    assert refused.value.extra["left"] == 2


def test_one_may_wait_for_more_than_is_left(sku, alice):
    assert wait(alice, sku, 3).state == EntryState.WAITING


@pytest.mark.parametrize("quantity", [0, -1, 100, 10**30])
def test_absurd_wishes_are_refused(sku, gone, alice, now, quantity):
    with pytest.raises(BadWish):
        join(user=alice, sku_id=sku.pk, quantity=quantity, now=now)


@pytest.mark.parametrize("what", ["no sku", "inactive", "archived", "closed"])
def test_nobody_waits_for_what_is_not_sold(sku, gone, alice, now, what):
    if what == "inactive":
        type(sku).objects.update(is_active=False)
    elif what == "archived":
        Product.objects.update(status="archived")
    elif what == "closed":
        type(sku.product.shop).objects.update(is_active=False)

    with pytest.raises(NotFound):
        join(user=alice, sku_id=0 if what == "no sku" else sku.pk, quantity=1, now=now)


def test_the_database_itself_keeps_one_entry_per_user_and_sku(sku, gone, alice, now):
    wait(alice, sku)

    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.create(user=alice, sku=sku, quantity=1, joined_at=now)


# --- Offers -----------------------------------------------------------------------------------


def free_by_giving_back(sku, gone, now):
    give_back(hold_ids=[gone.pk], now=now)


def free_by_delivery(sku, gone, now):
    receive(sku_id=sku.pk, quantity=2, now=now)


def free_by_count(sku, gone, now):
    set_on_hand(counts={sku.pk: 4}, now=now)


def free_by_return(sku, gone, now):
    take_back(sku_id=sku.pk, quantity=2, reason="", actor=None, now=now)


@pytest.mark.parametrize(
    "free", [free_by_giving_back, free_by_delivery, free_by_count, free_by_return]
)
def test_whatever_frees_units_offers_them_in_order(sku, gone, alice, bob, erin, now, free):
    first, second, third = wait(alice, sku), wait(bob, sku), wait(erin, sku)

    free(sku, gone, now)

    assert [state(one) for one in (first, second, third)] == ["offered", "offered", "waiting"]
    assert free_of(sku) == 0
    [offer] = queries.offers_of(user_id=alice.pk)
    held = Hold.objects.get(pk=offer.hold_id)
    assert (held.state, held.quantity, held.buyer) == (HoldState.HELD, 1, alice)
    assert held.expires_at == offer.offer_until
    assert [one["user_id"] for one in told("WaitlistOffered")] == [alice.pk, bob.pk]
    assert told("StockChanged")[-1]["available"] == 0


@pytest.mark.parametrize("how", ["release", "expiry"])
def test_a_hold_that_ends_is_offered_on(sku, alice, now, how):
    held = keep(sku, 2)
    entry = wait(alice, sku)

    if how == "release":
        release(hold_ids=[held.pk], now=now)
    else:
        let_time_pass(minutes=11)
        expire_due(now=database_now())

    assert state(entry) == EntryState.OFFERED
    assert free_of(sku) == 1


def test_fewer_than_wanted_are_offered_when_there_are_no_more(sku, gone, alice, bob, now):
    greedy, patient = wait(alice, sku, 3), wait(bob, sku)

    give_back(hold_ids=[gone.pk], now=now)

    greedy.refresh_from_db()
    assert (greedy.state, greedy.offered, greedy.quantity) == ("offered", 2, 3)
    assert state(patient) == EntryState.WAITING


def test_nobody_else_gets_what_is_offered(sku, gone, alice, now):
    wait(alice, sku, 2)
    give_back(hold_ids=[gone.pk], now=now)

    with pytest.raises(OutOfStock):
        keep(sku)


def test_what_is_not_for_sale_any_more_is_not_offered(sku, gone, alice, now):
    entry = wait(alice, sku)
    Product.objects.update(status="archived")

    give_back(hold_ids=[gone.pk], now=now)

    assert state(entry) == EntryState.WAITING


def test_ordering_the_offers_hold_takes_it(sku, gone, alice, now):
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    offer = queries.offer_of(user_id=alice.pk, sku_id=sku.pk)

    commit(hold_ids=[offer.hold_id], now=now)

    assert state(entry) == EntryState.TAKEN
    assert queries.offer_of(user_id=alice.pk, sku_id=sku.pk) is None
    assert [(one["entry_id"], one["state"]) for one in told("WaitlistEnded")] == [
        (entry.pk, "taken")
    ]
    assert list(entry.events.order_by("id").values_list("from_state", "to_state")) == [
        ("", "waiting"),
        ("waiting", "offered"),
        ("offered", "taken"),
    ]


@pytest.mark.parametrize("how", ["no thanks", "leaving", "expiry"])
def test_an_offer_that_ends_otherwise_goes_to_the_next(sku, gone, alice, bob, now, how):
    entry, following = wait(alice, sku, 2), wait(bob, sku, 2)
    give_back(hold_ids=[gone.pk], now=now)

    if how == "no thanks":
        decline(entry_id=entry.pk, user_id=alice.pk, now=now)
    elif how == "leaving":
        leave(entry_id=entry.pk, user_id=alice.pk, now=now)
    else:
        let_time_pass(minutes=11)
        expire_due(now=database_now())

    ended = {"no thanks": "declined", "leaving": "left", "expiry": "expired"}[how]
    assert (state(entry), state(following)) == (ended, "offered")
    assert [one["state"] for one in told("WaitlistEnded")] == [ended]
    assert free_of(sku) == 0


def test_without_a_next_one_it_is_for_everybody(sku, gone, alice, now):
    entry = wait(alice, sku, 2)
    give_back(hold_ids=[gone.pk], now=now)

    decline(entry_id=entry.pk, user_id=alice.pk, now=now)

    assert free_of(sku) == 2
    with pytest.raises(StillAvailable):
        wait(alice, sku)


def test_who_turns_back_at_checkout_may_still_take_the_offer(sku, gone, alice, now):
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    offer = queries.offer_of(user_id=alice.pk, sku_id=sku.pk)

    assert release(hold_ids=[offer.hold_id], now=now) == 0
    assert state(entry) == EntryState.OFFERED


def test_an_offer_is_not_extended_while_others_wait(sku, gone, alice, now):
    wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    offer = queries.offer_of(user_id=alice.pk, sku_id=sku.pk)

    with pytest.raises(OfferFixed):
        extend(hold_ids=[offer.hold_id], now=now)


def test_an_offer_that_ran_out_but_was_not_swept_yet_cannot_be_taken(sku, gone, alice, now):
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    hold_id = queries.offer_of(user_id=alice.pk, sku_id=sku.pk).hold_id
    let_time_pass(minutes=11)

    assert queries.offer_of(user_id=alice.pk, sku_id=sku.pk) is None
    with pytest.raises(HoldExpired):
        commit(hold_ids=[hold_id], now=now)
    assert state(entry) == EntryState.OFFERED


def test_only_what_is_offered_can_be_declined_and_once(sku, gone, alice, now):
    entry = wait(alice, sku)
    with pytest.raises(OfferOver):
        decline(entry_id=entry.pk, user_id=alice.pk, now=now)
    give_back(hold_ids=[gone.pk], now=now)
    decline(entry_id=entry.pk, user_id=alice.pk, now=now)

    with pytest.raises(OfferOver):
        decline(entry_id=entry.pk, user_id=alice.pk, now=now)


def test_who_ordered_can_neither_decline_nor_leave(sku, gone, alice, now):
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    commit(hold_ids=[WaitlistEntry.objects.get().hold_id], now=now)

    with pytest.raises(OfferOver):
        decline(entry_id=entry.pk, user_id=alice.pk, now=now)
    leave(entry_id=entry.pk, user_id=alice.pk, now=now)
    assert state(entry) == EntryState.TAKEN


def test_who_left_is_passed_over_and_may_join_again_at_the_end(sku, gone, alice, bob, now):
    entry, second = wait(alice, sku), wait(bob, sku)
    leave(entry_id=entry.pk, user_id=alice.pk, now=now)
    leave(entry_id=entry.pk, user_id=alice.pk, now=now)
    again = wait(alice, sku)

    set_on_hand(counts={sku.pk: 3}, now=now)

    assert [state(one) for one in (entry, second, again)] == ["left", "offered", "waiting"]
    assert [one["state"] for one in told("WaitlistEnded")] == ["left"]


@pytest.mark.parametrize("action", [decline, leave])
def test_somebody_elses_place_is_not_there(sku, gone, alice, bob, now, action):
    entry = wait(alice, sku)

    with pytest.raises(NotFound):
        action(entry_id=entry.pk, user_id=bob.pk, now=now)


def test_the_place_in_the_queue_is_counted(sku, gone, alice, bob, erin, now):
    wait(alice, sku), wait(bob, sku), wait(erin, sku)
    leave(entry_id=WaitlistEntry.objects.get(user=alice).pk, user_id=alice.pk, now=now)

    assert [one.ahead for one in queries.waiting_of(user_id=bob.pk)] == [0]
    assert [one.ahead for one in queries.waiting_of(user_id=erin.pk)] == [1]


# --- Mails ------------------------------------------------------------------------------------


def offered(entry, until):
    return WaitlistOffered(
        entry_id=entry.pk,
        user_id=entry.user_id,
        sku_id=entry.sku_id,
        product_id=1,
        quantity=1,
        until=until,
    )


def test_an_offer_is_mailed_with_its_time(sku, gone, alice, now):
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    until = now + timedelta(minutes=10)

    reactions.mail_offer(offered(entry, until), event_id=7, now=now)

    [sent] = mail.outbox
    assert sent.to == [alice.email]
    assert "Lamp" in sent.subject
    assert "/waitlist/" in sent.body
    assert sent.extra_headers["Message-ID"] == "<stock-offer-7@liveshop>"


@pytest.mark.parametrize("late", ["over", "declined"])
def test_an_offer_that_is_over_is_not_mailed(sku, gone, alice, now, late):
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)
    if late == "declined":
        decline(entry_id=entry.pk, user_id=alice.pk, now=now)
    until = now + timedelta(minutes=10 if late == "declined" else -1)

    reactions.mail_offer(offered(entry, until), event_id=7, now=now)

    assert mail.outbox == []


@pytest.mark.parametrize(
    ("ended", "mails"), [("expired", 1), ("declined", 0), ("taken", 0), ("left", 0)]
)
def test_only_who_missed_an_offer_is_mailed_that_it_is_over(sku, gone, alice, now, ended, mails):
    entry = wait(alice, sku)
    fact = WaitlistEnded(
        entry_id=entry.pk, user_id=alice.pk, sku_id=sku.pk, product_id=1, state=ended
    )

    reactions.mail_offer_over(fact, event_id=8, now=now)

    assert len(mail.outbox) == mails


def test_a_title_with_line_breaks_makes_no_header_of_its_own(sku, gone, alice, now):
    Product.objects.update(title="Lamp\nBcc: all@test.example")
    entry = wait(alice, sku)
    give_back(hold_ids=[gone.pk], now=now)

    reactions.mail_offer(offered(entry, now + timedelta(minutes=1)), event_id=7, now=now)

    assert mail.outbox[0].recipients() == [alice.email]


# --- The sweeper ------------------------------------------------------------------------------


def test_what_became_free_while_it_was_not_sold_is_offered_when_it_is_again(sku, gone, alice, now):
    entry = wait(alice, sku)
    Product.objects.update(status="archived")
    give_back(hold_ids=[gone.pk], now=now)
    assert tasks.sweep() == 0
    assert state(entry) == EntryState.WAITING
    Product.objects.update(status="active")

    tasks.sweep()

    assert (state(entry), free_of(sku)) == (EntryState.OFFERED, 1)
    assert told("StockChanged")[-1]["available"] == 1


def test_who_waits_for_more_than_is_free_goes_on_waiting(sku, alice):
    entry = wait(alice, sku, 3)

    tasks.sweep()

    assert (state(entry), free_of(sku)) == (EntryState.WAITING, 2)
