"""Pages of payouts: what a seller, a creator and an operator see, and what nobody else does."""

import csv
import io
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.html import escape

from creators.pieces import referral
from shops.payouts import paying, settling, statements
from shops.payouts.accounts import save_account
from shops.payouts.models import Payout, PayoutAccount, PayoutRun, Settlement
from tests.factories.catalog import ShopFactory
from tests.factories.payouts import delivered, line, refunded

pytestmark = pytest.mark.django_db
IBAN = "IT60X0542811101000000123456"


@pytest.fixture
def sold(now, shop, bob):
    """sold(): carol sold something at 100.00 in bob's show, delivered eight days ago."""

    def sell(**more):
        found = line(
            10_000, commission_bps=1_000, referral=referral.make(1, bob.creator.pk), tax_minor=1_803
        )
        return delivered(now=now, shop=shop, lines=[found], **more)

    return sell


def get(client, user, name, *args):
    client.force_login(user)
    return client.get(reverse(f"payouts:{name}", args=args))


def text(answer):
    return " ".join(answer.content.decode().split())


def test_a_new_seller_and_a_new_creator_see_what_will_be_there(client, carol, bob):
    assert "No money yet" in text(get(client, carol, "shop_overview", "carols"))
    assert "No earnings yet" in text(get(client, bob, "my_overview"))


def test_a_seller_sees_each_order_and_why_its_money_is_where_it_is(client, carol, sold, now):
    on_its_way, in_window, released = sold(days_ago=8), sold(days_ago=2), sold()
    Settlement.objects.filter(order=on_its_way).update(due_at=None)
    settling.settle(order_id=released.pk, now=now)

    page = text(get(client, carol, "shop_overview", "carols"))

    for order in (on_its_way, in_window, released):
        assert order.number in page
    due = in_window.delivered_at + timedelta(days=7)
    assert "Waiting for delivery" in page
    assert f"until {due.day} " in page
    assert "in reserve until" in page


def test_the_explainer_sums_up_to_what_reached_the_balance(client, carol, sold, shop, now):
    order = sold()
    settling.settle(order_id=order.pk, now=now)
    refunded(order, 2_500, now=now)

    answer = get(client, carol, "shop_order", "carols", order.number)

    it = answer.context["it"]
    balance = -paying.ledger.balance_of(
        kind=paying.Kind.SELLER_PAYABLE, owner=f"shop:{shop.pk}", currency="EUR"
    )
    assert [step.gross_minor for step in it.steps] == [10_000, -2_500]
    assert it.net_minor == balance
    released = {item.label: item.amount_minor for item in it.steps[0].items}
    assert released == {
        "Taxes, passed on": -1_803,
        "Platform fee": -410,
        "Creator’s commission": -820,
        "Held in reserve": -348,
    }
    assert "5 % of the goods" in text(answer)
    assert "Went back to the buyer" in text(answer)


def test_a_seller_need_not_wait_for_the_job_to_see_the_plan(client, carol, sold):
    order = sold(days_ago=0)
    Settlement.objects.all().delete()

    answer = get(client, carol, "shop_order", "carols", order.number)

    assert answer.context["it"].net_minor == 6_619
    assert get(client, carol, "shop_order", "carols", "LS-NONE").status_code == 404


def test_what_went_back_is_not_still_to_be_released(client, carol, sold, now):
    refunded(sold(days_ago=1), 5_000, now=now)
    sold(days_ago=1)

    [balance] = get(client, carol, "shop_overview", "carols").context["balances"]

    assert balance.coming_minor == 6_967 + 3_484


def test_before_the_release_the_explainer_tells_the_plan(client, carol, sold, now):
    order = sold(days_ago=1)
    planned = get(client, carol, "shop_order", "carols", order.number).context["it"]
    later = now + timedelta(days=6)
    settling.settle(order_id=order.pk, now=later)

    released = get(client, carol, "shop_order", "carols", order.number).context["it"]

    assert planned.steps[0].items == released.steps[0].items
    assert planned.net_minor == released.net_minor
    assert planned.release_at == order.delivered_at + timedelta(days=7)


def test_a_creator_sees_the_commission_and_nothing_of_the_buyer(client, bob, sold, now):
    order = sold()
    settling.settle(order_id=order.pk, now=now)
    refunded(order, 5_000, now=now)

    overview = get(client, bob, "my_overview")
    answer = get(client, bob, "my_order", order.number)

    assert "€4.10" in text(overview)
    assert [step.net_minor for step in answer.context["it"].steps] == [820, -410]
    for page in (text(overview), text(answer)):
        assert "Alice" not in page
        assert "Via Roma" not in page
        assert "Held in reserve" not in page


def test_others_see_nothing(client, alice, bob, carol, dave, sold, now):
    order = sold()
    other = ShopFactory(slug="others")
    elsewhere = delivered(now=now, shop=other)

    for user in (alice, bob, dave):
        assert get(client, user, "shop_overview", "carols").status_code == 403
        assert get(client, user, "shop_order", "carols", order.number).status_code == 403
        assert get(client, user, "shop_account", "carols").status_code == 403
        assert get(client, user, "shop_statement", "carols", "2026-11-EUR").status_code == 403
    assert get(client, carol, "shop_order", "carols", elsewhere.number).status_code == 404
    assert get(client, carol, "my_overview").status_code == 404
    assert get(client, bob, "my_order", elsewhere.number).status_code == 404
    for user in (alice, bob, carol):
        assert get(client, user, "runs").status_code == 403
        client.force_login(user)
        assert client.post(reverse("payouts:start")).status_code == 403
    client.logout()
    assert client.get(reverse("payouts:runs")).status_code == 302


def test_a_seller_says_where_the_money_goes(client, carol, shop):
    address = reverse("payouts:shop_account", args=["carols"])
    client.force_login(carol)

    wrong = client.post(address, {"holder": "Carol", "number": "IT00 1234 5678 9012"})
    assert wrong.status_code == 422
    assert "Check it digit by digit" in text(wrong)

    assert client.post(address, {"holder": "Carol", "number": IBAN}).status_code == 302
    page = text(client.get(address))
    assert "IT•••• 3456" in page
    assert IBAN not in page
    assert PayoutAccount.objects.get().owner == f"shop:{shop.pk}"


@pytest.mark.parametrize("slug", ["2026-13-EUR", "0000-01-EUR"])
def test_there_is_no_statement_of_a_month_that_is_none(client, carol, slug):
    assert get(client, carol, "shop_statement", "carols", slug).status_code == 404


def test_a_statement_closes_at_its_opening_and_all_entries(client, carol, sold, shop, now):
    owner = f"shop:{shop.pk}"
    first_of_month = now.replace(day=1, hour=1)
    before, within = sold(days_ago=60), sold()
    settling.settle(order_id=before.pk, now=first_of_month - timedelta(days=3))
    settling.settle(order_id=within.pk, now=now)
    refunded(before, 10_000, now=now)
    save_account(owner=owner, holder="Carol", number=IBAN, bic="", by=carol, now=now)
    paying.start_run(run_id=uuid.uuid4(), now=now)

    slug = f"{now:%Y-%m}-EUR"
    shown = get(client, carol, "shop_statement", "carols", slug).context["statement"]
    table = get(client, carol, "shop_statement_file", "carols", slug, "csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(table)))

    assert shown.opening_minor == 6_619
    assert [row.reference for row in shown.rows][:2] == [within.number, before.number]
    path = "/seller/carols/payouts"
    assert [row.link for row in shown.rows] == [
        f"{path}/orders/{within.number}/",
        f"{path}/orders/{before.number}/",
        "",
    ]
    assert [row.amount_minor for row in shown.rows] == [6_619, -6_619, -6_619]
    assert shown.closing_minor == shown.opening_minor + sum(row.amount_minor for row in shown.rows)
    assert [row["balance"] for row in rows] == ["66.19", "132.38", "66.19", "0.00", "0.00"]
    assert Payout.objects.get().reference == shown.rows[2].reference
    assert statements.months(owner=owner) == [
        (first_of_month.date(), "EUR"),
        ((first_of_month - timedelta(days=3)).date().replace(day=1), "EUR"),
    ]


def test_a_statement_is_a_pdf_too_with_names_of_any_script(client, carol, shop, sold, now):
    shop.name = "Лампы 灯 <b>& Σία</b>"
    shop.save(update_fields=["name"])
    settling.settle(order_id=sold().pk, now=now)

    answer = get(client, carol, "shop_statement_file", "carols", f"{now:%Y-%m}-EUR", "pdf")

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert b"DejaVuSans" in answer.content


def test_an_operator_pays_out_by_file(client, olga, carol, sold, shop, now):
    owner = f"shop:{shop.pk}"
    settling.settle(order_id=sold().pk, now=now)
    save_account(owner=owner, holder="=Carol", number=IBAN, bic="", by=carol, now=now)
    assert "No payouts yet" in text(get(client, olga, "runs"))
    start = get(client, olga, "start")
    assert escape(shop.name) in text(start)
    assert owner not in text(start)
    assert PayoutRun.objects.count() == 0

    for _ in range(2):
        pressed = client.post(reverse("payouts:start"), {"run": str(start.context["run_id"])})
    page = client.get(pressed.url)
    run, payout = PayoutRun.objects.get(), Payout.objects.get()
    file = client.post(reverse("payouts:file", args=[run.pk]))
    again = client.post(reverse("payouts:file", args=[run.pk]))

    assert payout.reference in text(page)
    assert escape(shop.name) in text(page)
    assert IBAN not in text(page)
    assert file.content == again.content
    assert list(csv.reader(io.StringIO(file.content.decode())))[1] == [
        payout.reference,
        "'=Carol",
        IBAN,
        "",
        "EUR",
        "66.19",
    ]
    client.post(reverse("payouts:all_paid", args=[run.pk]))
    payout.refresh_from_db()
    assert payout.state == "paid"
    assert "Nothing to pay out" in text(client.get(reverse("payouts:start")))
    assert "LS-PO-" in text(get(client, carol, "shop_overview", "carols"))


def test_a_payout_that_the_bank_sent_back_says_so(client, olga, carol, sold, shop, now):
    settling.settle(order_id=sold().pk, now=now)
    save_account(owner=f"shop:{shop.pk}", holder="Carol", number=IBAN, bic="", by=carol, now=now)
    run = paying.start_run(run_id=uuid.uuid4(), now=now)
    payout = run.payouts.get()
    client.force_login(olga)
    door = reverse("payouts:ended", args=[run.pk, payout.pk])

    client.post(door, {"end": "failed"})
    late = client.post(door, {"end": "paid"}, follow=True)

    assert "has ended already" in text(late)
    assert "Failed, money is back" in text(get(client, carol, "shop_overview", "carols"))
