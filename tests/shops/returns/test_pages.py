"""The pages: each side sees and does what is its own, by forms that need no script."""

import re
import secrets
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.facts.reacting import carry_out
from shops.returns import deciding, disputes, requesting
from shops.returns.models import Dispute, Return, ReturnEvent
from shops.returns.reactions import send_mails
from shops.returns.states import Side
from tests.factories.catalog import ShopFactory, ShopStaffFactory
from tests.factories.returns import ask, photo

pytestmark = pytest.mark.django_db

PROGRAM = {"Accept": "application/json"}


def _as(client, user):
    client.force_login(user)
    return client


def _post(client, name, *args, key=None, headers=None, **data):
    data.setdefault("idempotency_key", key or secrets.token_urlsafe(12))
    return client.post(reverse(f"returns:{name}", args=args), data, headers=headers)


def _form(answer):
    """Read the hidden key that a page's first form of this room has."""
    return re.search(r'name="idempotency_key" value="([^"]+)"', answer.content.decode()).group(1)


def test_from_the_order_to_the_return(client, order, mugs, alice):
    _as(client, alice)
    page = client.get(reverse("returns:new", args=[order.number]))
    assert "Units (of 3)" in page.content.decode()
    answer = _post(
        client,
        "new",
        order.number,
        key=_form(page),
        reason="damaged",
        words="Cracked",
        photos=[photo(), photo()],
        **{f"units-{mugs.pk}": "2"},
    )
    case = Return.objects.get()
    assert answer["Location"] == reverse("returns:case", args=[case.pk])
    assert (case.goods_minor, case.shipping_minor, case.photos.count()) == (3980, 590, 2)
    body = client.get(answer["Location"]).content.decode()
    assert "Cracked" in body
    assert "€45.70" in body
    assert body.count("/returns/photos/") == 4


def test_a_form_that_was_refused_keeps_what_was_written(client, order, mugs, alice):
    _as(client, alice)
    answer = _post(
        client,
        "new",
        order.number,
        reason="other",
        words="It smells",
        **{f"units-{mugs.pk}": "9"},
    )
    body = answer.content.decode()
    assert answer.status_code == 409
    assert "That is more than what can still be sent back." in body
    assert "It smells" in body
    assert 'value="9"' in body
    assert not Return.objects.exists()


@pytest.mark.parametrize("field", ["1.5", "-1", "x", "99999999"])
def test_units_are_whole_numbers(client, order, mugs, alice, field):
    answer = _post(
        _as(client, alice),
        "new",
        order.number,
        reason="damaged",
        **{f"units-{mugs.pk}": field},
    )
    assert answer.status_code == 400


def test_a_page_named_jpg_is_refused_and_nothing_is_asked(client, order, mugs, alice):
    bad = photo()
    bad.file.seek(0)
    bad.file.write(b"<script>alert(1)</script>")
    answer = _post(
        _as(client, alice),
        "new",
        order.number,
        reason="damaged",
        photos=[photo(), bad],
        **{f"units-{mugs.pk}": "1"},
    )
    assert answer.status_code == 400
    assert not Return.objects.exists()


def test_a_second_click_asks_once(client, order, mugs, alice):
    _as(client, alice)
    sent = {"reason": "damaged", f"units-{mugs.pk}": "1"}
    first = _post(client, "new", order.number, key="the-same-key", **sent)
    second = _post(client, "new", order.number, key="the-same-key", **sent)
    assert first["Location"] == second["Location"]
    assert Return.objects.count() == 1


def test_programs_bring_their_own_key(client, order, mugs, alice):
    _as(client, alice)
    sent = {"reason": "damaged", f"units-{mugs.pk}": "1"}
    without = _post(client, "new", order.number, idempotency_key="", headers=PROGRAM, **sent)
    assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_missing")
    keyed = PROGRAM | {"Idempotency-Key": "one-of-mine"}
    made = _post(client, "new", order.number, headers=keyed, **sent)
    again = _post(client, "new", order.number, headers=keyed, **sent)
    assert (made.status_code, again.json()) == (201, made.json())
    other = _post(client, "new", order.number, headers=keyed, **sent | {"reason": "other"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Return.objects.count() == 1


def test_a_return_to_and_fro(client, case, order, alice, carol, olga):
    """Each step by its form; what the next one may do is on its page."""
    shop = [order.shop.slug, case.pk]
    line = case.lines.get()
    page = _as(client, carol).get(reverse("returns:shop_case", args=shop)).content.decode()
    assert reverse("returns:approve", args=shop) in page
    assert reverse("returns:receive", args=shop) not in page
    _post(client, "approve", *shop)
    _post(_as(client, alice), "send", case.pk, carrier="Poste", tracking_number="IT1")
    _post(
        _as(client, carol),
        "receive",
        *shop,
        **{f"restocked-{line.pk}": "0", f"written_off-{line.pk}": "1"},
    )
    page = client.get(reverse("returns:shop_case", args=shop)).content.decode()
    assert 'value="40.00"' in page
    _post(client, "refund", *shop, amount="10,50", reason="It is scratched")
    case.refresh_from_db()
    assert (case.state, case.refund_minor) == ("refunded", 1050)

    page = _as(client, alice).get(reverse("returns:case", args=[case.pk])).content.decode()
    assert "It is scratched" in page
    _post(client, "dispute", case.pk, text="It was new", photos=[photo()])
    assert reverse("returns:desk_case", args=[case.pk]) in (
        _as(client, olga).get(reverse("returns:desk")).content.decode()
    )
    page = client.get(reverse("returns:desk_case", args=[case.pk])).content.decode()
    assert reverse("returns:decide", args=[case.pk]) not in page
    _post(_as(client, carol), "answer", *shop, text="It was not")
    _as(client, olga)
    _post(client, "desk_say", case.pk, text="Is there a bill?")
    page = client.get(reverse("returns:desk_case", args=[case.pk])).content.decode()
    assert "It was new" in page
    assert "It was not" in page
    _post(client, "decide", case.pk, decision="refund", amount="20", reason="Half")
    case.refresh_from_db()
    assert (case.state, case.refund_minor) == ("closed", 3050)


def test_an_operator_refuses_without_an_amount(client, case, alice, carol, olga, now):
    deciding.reject(case_id=case.pk, reason="Worn", by=carol, now=now)
    disputes.open_dispute(case_id=case.pk, text="No", by=alice, now=now)
    Dispute.objects.update(answer_by=now - timedelta(seconds=1))
    _post(_as(client, olga), "decide", case.pk, decision="reject", amount="", reason="Worn it is")
    assert Dispute.objects.get().decision == "Worn it is"
    body = client.get(reverse("returns:desk") + "?show=over").content.decode()
    assert case.order.number in body


@pytest.mark.parametrize("amount", ["", "ten", "1.234", "1,2,3", "-5", "1e3x", "NaN", "Infinity"])
def test_amounts_that_are_none(client, case, carol, amount):
    answer = _post(
        _as(client, carol),
        "refund",
        case.order.shop.slug,
        case.pk,
        headers=PROGRAM,
        amount=amount,
        reason="x",
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_amount")


@pytest.mark.parametrize(
    ("currency", "text", "minor"), [("JPY", "12", 12), ("KWD", "1.234", 1234), ("EUR", "1.5", 150)]
)
def test_amounts_have_their_currencys_decimals(client, case, carol, currency, text, minor):
    Return.objects.update(currency=currency)
    _post(
        _as(client, carol),
        "refund",
        case.order.shop.slug,
        case.pk,
        amount=text,
        reason="x",
    )
    assert Return.objects.get().refund_minor == minor


_BUYERS = ["case", "send", "cancel", "dispute", "say", "withdraw"]
_SHOPS = ["shop_case", "approve", "reject", "receive", "refund", "answer"]
_DESKS = ["desk_case", "desk_say", "decide"]


def _all_doors(case):
    slug = case.order.shop.slug
    yield from ((name, [case.pk]) for name in _BUYERS + _DESKS)
    yield from ((name, [slug, case.pk]) for name in _SHOPS)
    yield "new", [case.order.number]
    yield "of_shop", [slug]
    yield "desk", []
    yield "try_again", [case.pk, 1]


def test_a_stolen_id_opens_nothing(client, case, erin):
    """Another user with the right ids: 403 or 404 at every door, and not a word of the return."""
    _as(client, erin)
    before = ReturnEvent.objects.count()
    for name, args in _all_doors(case):
        path = reverse(f"returns:{name}", args=args)
        for answer in (client.get(path), client.post(path, {"idempotency_key": "12345678"})):
            assert answer.status_code in (403, 404, 405), (name, answer.status_code)
            assert case.order.number not in answer.content.decode().replace(path, "")
    assert ReturnEvent.objects.count() == before


def test_a_return_of_another_shop_does_not_exist(client, case, erin):
    other = ShopFactory()
    ShopStaffFactory(shop=other, user=erin)
    _as(client, erin)
    for name in _SHOPS:
        path = reverse(f"returns:{name}", args=[other.slug, case.pk])
        post = client.post(path, {"idempotency_key": "12345678", "amount": "1", "text": "x"})
        assert post.status_code == (405 if name == "shop_case" else 404), name
    assert client.get(reverse("returns:of_shop", args=[other.slug])).status_code == 200
    assert (
        case.order.number
        not in client.get(reverse("returns:of_shop", args=[other.slug])).content.decode()
    )


def test_who_is_not_signed_in_is_asked_to(client, case):
    for name, args in _all_doors(case):
        answer = client.post(reverse(f"returns:{name}", args=args))
        assert answer.status_code in (302, 405), name
    assert client.get(reverse("returns:mine")).status_code == 302


def test_what_does_not_exist(client, alice, olga):
    nothing = uuid.uuid4()
    assert _as(client, alice).get(f"/returns/{nothing}/").status_code == 404
    assert client.get(f"/returns/photos/{nothing}.webp").status_code == 404
    assert _as(client, olga).get(f"/disputes/{nothing}/").status_code == 404


def test_lists_and_empty_ones(client, case, alice, carol, erin):
    goods = "1 × Lamp"
    assert goods in _as(client, alice).get("/returns/").content.decode()
    page = reverse("returns:of_shop", args=[case.order.shop.slug])
    assert goods in _as(client, carol).get(page).content.decode()
    assert goods in client.get(page, {"state": "requested"}).content.decode()
    assert goods not in client.get(page, {"state": "closed"}).content.decode()
    assert "Nothing was sent back" in _as(client, erin).get("/returns/").content.decode()


def test_names_and_words_are_written_as_text(client, case, alice, carol, now):
    words = "<script>alert(1)</script>" + "é" * 900
    deciding.reject(case_id=case.pk, reason=words, by=carol, now=now)
    body = _as(client, alice).get(reverse("returns:case", args=[case.pk])).content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_a_buyer_reads_at_once_why_it_was_rejected(client, case, alice, carol, now):
    page = reverse("returns:case", args=[case.pk])
    assert "The shop rejected it" not in _as(client, alice).get(page).content.decode()
    deciding.reject(case_id=case.pk, reason="It is worn.", by=carol, now=now)
    body = _as(client, alice).get(page).content.decode()
    assert body.count("It is worn.") == 2
    assert body.index("The shop rejected it") < body.index("It is worn.") < body.index("History")


def test_both_sides_get_a_mail_of_each_change(case, alice, carol, now, settings):
    settings.SITE_URL = "https://shop.example/"
    deciding.reject(case_id=case.pk, reason="It is <worn>", by=carol, now=now)
    event = Event.objects.filter(kind="ReturnChanged").latest("pk")
    send_mails(read(event), event_id=event.pk, now=now)
    to_buyer, to_shop = mail.outbox
    assert (to_buyer.to, to_shop.to) == ([alice.email], [carol.email])
    assert to_buyer.subject == f"Return of order {case.order.number}: Rejected"
    assert "It is <worn>" in to_buyer.body
    assert f"https://shop.example/returns/{case.pk}/" in to_buyer.body
    assert f"https://shop.example/seller/carols/returns/{case.pk}/" in to_shop.body


def test_the_mails_are_wired_and_sent_once(case, now):
    event = Event.objects.get(kind="ReturnChanged")
    name = "shops.returns.reactions.send_mails"
    assert carry_out(event_id=event.pk, reaction=name, now=now)
    assert not carry_out(event_id=event.pk, reaction=name, now=now)
    assert len(mail.outbox) == 2


def test_the_admin_shows_it(client, case, olga, alice, carol, now):
    deciding.reject(case_id=case.pk, reason="x", by=carol, now=now)
    disputes.open_dispute(case_id=case.pk, text="No", by=alice, now=now)
    _as(client, olga)
    for path in (
        "/admin/returns/return/",
        f"/admin/returns/return/{case.pk}/change/",
        "/admin/returns/dispute/",
        f"/admin/returns/dispute/{case.dispute.pk}/change/",
    ):
        assert client.get(path).status_code == 200, path


def test_the_orders_page_leads_to_it_while_there_is_time(client, order, alice, carol, now):
    ways = reverse("returns:new", args=[order.number])
    page, shops = f"/orders/{order.number}/", f"/seller/carols/orders/{order.number}/"

    def shown(user, path):
        return _as(client, user).get(path).content.decode()

    assert ways in shown(alice, page)
    case = ask(order, now=now)
    assert ways not in shown(alice, page)
    assert reverse("returns:case", args=[case.pk]) in shown(alice, page)
    assert reverse("returns:shop_case", args=["carols", case.pk]) in shown(carol, shops)
    requesting.cancel(case_id=case.pk, by=alice, now=now)
    assert ways in shown(alice, page)
    type(order).objects.update(delivered_at=now - timedelta(days=60))
    assert ways not in shown(alice, page)


def test_an_operator_adds_words_to_no_side(case, alice, carol, olga, now):
    deciding.reject(case_id=case.pk, reason="x", by=carol, now=now)
    disputes.open_dispute(case_id=case.pk, text="No", by=alice, now=now)
    disputes.say(case_id=case.pk, side=Side.OPERATOR, text="Please answer", by=olga, now=now)
    # The shop has not answered yet.
    assert Dispute.objects.get().state == "open"
