"""A rehearsal is like a show, and when it has ended nothing of it is left."""

import uuid
from datetime import timedelta

import pytest

from creators.audience.models import ProductClick, QualifiedView
from creators.audience.services import record_click, record_view
from creators.chat.models import Action, Message, Question, Sanction
from creators.chat.moderation.sanctions import mute
from creators.chat.posting import post_message
from creators.chat.questions import ask
from creators.chat.writers import ChatClosed
from creators.live import queries, reactions, services
from creators.live.events import RehearsalEnded
from creators.live.models import LiveSession, Pin, ShowState
from creators.media.models import Stream, StreamKey
from creators.media.services import make_key
from creators.pieces import referral
from shops.checkout import services as checkout
from shops.checkout.models import CartLine, Quote
from shops.checkout.owner import CartOwner
from shops.facts.models import Event
from shops.facts.publishing import read
from shops.orders.models import Order, OrderState
from shops.payments import refunds
from shops.payments import services as payments
from shops.payments.models import PaymentState, Refund, RefundState
from shops.payments.wire import RefundReport
from shops.stock.models import Stock
from tests.factories.checkout import purchase_of, quote_for
from tests.factories.payments import report


@pytest.fixture
def planned(bob, product, now):
    return services.schedule_show(
        creator=bob.creator,
        title="Silk at six",
        scheduled_at=now + timedelta(hours=1),
        product_ids=[product.pk],
        now=now,
    )


@pytest.fixture
def rehearsal(planned, bob, now):
    return services.rehearse(piece_id=planned.pk, by=bob, now=now)


@pytest.fixture
def buy(rehearsal, product, now):
    """buy(user) orders one unit in the rehearsal; the order's payment is not known yet."""

    def order(user):
        earned = referral.make(rehearsal.pk, rehearsal.piece.creator_id)
        return purchase_of(user, product.skus.get(), referral=earned, now=now)

    return order


def _available(product):
    return Stock.objects.get(sku__product=product).available


def _end(rehearsal, bob, now):
    services.end_show(piece_id=rehearsal.pk, by=bob, now=now)
    fact = read(Event.objects.get(kind="RehearsalEnded"))
    assert isinstance(fact, RehearsalEnded)
    reactions.erase(fact, event_id=1, now=now)
    return services.void_rehearsal(piece_id=rehearsal.pk, now=now)


def test_it_is_a_private_show_with_the_same_bag_and_a_picture_of_its_own(planned, rehearsal):
    assert rehearsal.is_live
    assert rehearsal.is_private
    assert rehearsal.piece.title == planned.piece.title
    assert [i.product_id for i in queries.bag(rehearsal)] == [
        i.product_id for i in queries.bag(planned)
    ]
    stream = Stream.objects.get(session=rehearsal)
    assert stream.is_private
    assert stream.pk != planned.stream_id


def test_nobody_is_told_of_it(rehearsal, bob, now):
    _end(rehearsal, bob, now)
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["ShowScheduled", "RehearsalStarted", "RehearsalEnded"]


def test_rehearsing_again_while_one_goes_on_leads_to_it(planned, rehearsal, bob, now):
    assert services.rehearse(piece_id=planned.pk, by=bob, now=now) == rehearsal


def test_one_is_not_live_in_both(planned, rehearsal, bob, now):
    with pytest.raises(services.AlreadyLive):
        services.start_show(piece_id=planned.pk, by=bob, now=now)


@pytest.mark.parametrize("name", ["show", "rehearsal"])
def test_what_began_is_not_rehearsed(request, name, bob, now):
    began = request.getfixturevalue(name)
    with pytest.raises(services.WrongState):
        services.rehearse(piece_id=began.pk, by=bob, now=now)


def test_who_goes_live_first_is_not_rehearsed_any_more(planned, bob, now, monkeypatch):
    def begun_meanwhile(creator_id):
        services.start_show(piece_id=planned.pk, by=bob, now=now)

    monkeypatch.setattr("creators.live.services.rehearsals.in_turn", begun_meanwhile)
    with pytest.raises(services.WrongState):
        services.rehearse(piece_id=planned.pk, by=bob, now=now)


def test_after_its_end_nothing_is_said_in_it(rehearsal, bob, now):
    _end(rehearsal, bob, now)
    with pytest.raises(ChatClosed):
        post_message(
            piece_id=rehearsal.pk,
            author=bob,
            client_id=uuid.uuid4(),
            body="late",
            now=now,
            grace=timedelta(seconds=5),
        )


def test_the_stream_key_follows_the_rehearsal_and_returns(planned, bob, now):
    make_key(creator=bob.creator, now=now)
    rehearsal = services.rehearse(piece_id=planned.pk, by=bob, now=now)
    assert StreamKey.objects.get().target_id == rehearsal.stream_id
    services.end_show(piece_id=rehearsal.pk, by=bob, now=now)
    assert StreamKey.objects.get().target_id == planned.stream_id


def test_its_figures_chat_pins_and_recording_are_erased(rehearsal, product, bob, alice, now):
    record_view(piece_id=rehearsal.pk, viewer=f"u:{alice.pk}", now=now)
    record_click(piece_id=rehearsal.pk, product_id=product.pk, viewer="a:1", now=now)
    post_message(
        piece_id=rehearsal.pk, author=bob, client_id=uuid.uuid4(), body="One, two", now=now
    )
    ask(piece_id=rehearsal.pk, author=bob, client_id=uuid.uuid4(), body="On?", now=now)
    mute(piece_id=rehearsal.pk, user_id=alice.pk, by=bob, now=now)
    services.pin(piece_id=rehearsal.pk, product_id=product.pk, by=bob, now=now)

    _end(rehearsal, bob, now)

    for model in (QualifiedView, ProductClick, Message, Question, Sanction, Action, Pin):
        assert not model.objects.exists(), model
    stream = Stream.objects.get(session=rehearsal)
    assert stream.erased_at == stream.closed_at == now
    assert LiveSession.objects.get(pk=rehearsal.pk).state == ShowState.ENDED


def test_a_paid_order_goes_back_and_its_stock_too(rehearsal, product, buy, alice, bob, now):
    before = _available(product)
    payment = buy(alice).payments.get()
    payments.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)
    assert queries.show_figures(rehearsal.pk).orders == 1
    assert _available(product) == before - 1

    _end(rehearsal, bob, now)

    refund = Refund.objects.get()
    assert refund.state == RefundState.CREATED
    refunds.apply_refund(
        refund_id=refund.pk,
        report=RefundReport(
            key=str(refund.pk),
            ref="re_1",
            state="succeeded",
            amount_minor=refund.amount_minor,
            currency="EUR",
        ),
        now=now,
    )
    order = Order.objects.get()
    assert (order.state, order.is_refunded) == (OrderState.CANCELLED, True)
    assert _available(product) == before
    # Once is enough.
    services.void_late(now=now)
    assert Refund.objects.count() == 1


def test_a_payment_that_is_not_known_is_waited_for(rehearsal, product, buy, alice, bob, now):
    before = _available(product)
    payment = buy(alice).payments.get()

    assert _end(rehearsal, bob, now) == 1
    assert Order.objects.get().is_unpaid

    payments.apply(payment_id=payment.pk, report=report(payment, "failed"), now=now)
    assert payment.events.filter(to_state=PaymentState.FAILED).exists()
    assert services.void_late(now=now + timedelta(minutes=1)) == 0
    assert Order.objects.get().state == OrderState.CANCELLED
    assert _available(product) == before


def test_what_was_in_carts_and_kept_is_let_go(rehearsal, product, other_product, alice, bob, now):
    before = _available(product)
    earned = referral.make(rehearsal.pk, rehearsal.piece.creator_id)
    mine = other_product.skus.get()
    checkout.add_to_cart(owner=CartOwner(user_id=alice.pk), sku_id=mine.pk, quantity=1, now=now)
    quote = quote_for(alice, product.skus.get(), referral=earned, now=now)

    _end(rehearsal, bob, now)

    quote.refresh_from_db()
    assert quote.state == Quote.State.CLOSED
    assert [line.sku for line in CartLine.objects.all()] == [mine]
    assert _available(product) == before


def test_the_buttons_lead_from_the_show_to_its_rehearsal_and_back(client, planned, bob):
    client.force_login(bob)
    answer = client.post(f"/live/{planned.pk}/rehearse/")
    rehearsal = LiveSession.objects.get(rehearsal_of=planned)
    assert answer["Location"] == f"/live/{rehearsal.pk}/console/"
    assert "Rehearsal" in client.get(answer["Location"]).content.decode()
    answer = client.post(f"/live/{rehearsal.pk}/end/")
    assert answer["Location"] == f"/live/{planned.pk}/console/"
    assert client.get(f"/live/{rehearsal.pk}/console/")["Location"] == answer["Location"]
    assert client.get(f"/live/{rehearsal.pk}/").status_code == 404
