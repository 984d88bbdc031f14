"""manage.py doctor: quiet where all is well, and it names whatever is broken behind its back."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from liveshop.management.commands.doctor import CHECKS
from shops.facts.models import Event
from shops.facts.publishing import read, table
from shops.facts.reacting import carry_out
from shops.payments import charges, refunds
from shops.payments.models import Payment
from shops.payments.wire import RefundReport
from shops.stock.models import Stock
from shops.stock.services import give_back
from tests.factories.accounts import AddressFactory, UserFactory
from tests.factories.catalog import ShopFactory, SkuFactory
from tests.factories.checkout import purchase_of, quote_for
from tests.factories.payments import report
from tests.factories.stock import keep, order, wait
from tests.shops.orders.life import sent

pytestmark = pytest.mark.django_db


def react():
    """Do what the job worker would: all that must follow on what happened."""
    seen = 0
    while new := list(Event.objects.filter(pk__gt=seen).order_by("pk")):
        for event in new:
            for name in table()[type(read(event))].must:
                carry_out(event_id=event.pk, reaction=name, now=datetime.now(UTC))
            seen = event.pk


def pay(purchase, now):
    payment = Payment.objects.get(purchase=purchase)
    charges.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)
    return payment


def buyer():
    user = UserFactory()
    AddressFactory(user=user)
    return user


def build():
    """Make an unpaid, a paid, a sent and a refunded order, a quote, an offer, and who waits.

    It happened an hour ago, so nobody is about to do anything about it. Returns what the
    statements below call its rows.
    """
    now = datetime.now(UTC)
    shop = ShopFactory(name="Carol's")
    mug = SkuFactory(product__shop=shop, product__title="Mug", on_hand=20)
    lamp = SkuFactory(product__title="Lamp", on_hand=20)
    few = SkuFactory(on_hand=2)
    unpaid = purchase_of(buyer(), mug, now=now).orders.get()
    paid = purchase_of(buyer(), mug, quantity=2, now=now)
    pay(paid, now)
    pay(purchase_of(buyer(), mug, lamp, now=now), now)
    shipped = purchase_of(buyer(), mug, now=now)
    pay(shipped, now)
    sent(*shipped.orders.all(), now=now)
    given = purchase_of(buyer(), mug, quantity=2, now=now)
    pay(given, now)
    refund = refunds.create_refund(
        order_id=given.orders.get().pk, amount_minor=500, reason="Late", by=None, now=now
    )
    said = RefundReport(
        key=str(refund.pk),
        ref="re_1",
        state="succeeded",
        amount_minor=500,
        currency="EUR",
    )
    refunds.apply_refund(refund_id=refund.pk, report=said, now=now)
    quote = quote_for(buyer(), lamp, now=now)
    held = keep(lamp)
    gone = order(few, 2)
    offered = wait(UserFactory(), few)
    wait(UserFactory(), few, 2)
    give_back(hold_ids=[gone.pk], now=now)
    wait(UserFactory(), few, 2)
    react()
    execute("UPDATE payments_payment SET captured_at = captured_at - interval '1 hour'")
    execute("UPDATE payments_refund SET created_at = created_at - interval '1 hour'")
    execute("UPDATE payments_refund SET ended_at = ended_at - interval '1 hour'")
    execute("UPDATE stock_waitlistentry SET joined_at = joined_at - interval '1 hour'")
    execute("UPDATE facts_event SET occurred_at = occurred_at - interval '1 hour'")
    offered.refresh_from_db()
    order_of_paid = paid.orders.get()
    return {
        "mug": mug.pk,
        "lamp": lamp.pk,
        "few": few.pk,
        "unpaid": unpaid.number,
        "purchase": paid.pk,
        "paid": order_of_paid.number,
        "paid_id": order_of_paid.pk,
        "committed": order_of_paid.lines.get().hold_id,
        "released": gone.pk,
        "held": held.pk,
        "offered": offered.hold_id,
        "quote": quote.pk,
        "quoted": quote.lines.get().hold_id,
        "receipt": Event.objects.filter(kind="OrderPaid").latest("id").pk,
    }


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
        return cursor.rowcount


def diagnose():
    """Run every check as the command does; returns what is off by room and check."""
    now = datetime.now(UTC)
    found = {}
    for room, checks in CHECKS.items():
        for name, check in checks.items():
            if said := list(check(now)):
                found[f"{room}: {name}"] = said
    return found


def test_nothing_is_off_where_nothing_happened(db):
    assert diagnose() == {}


UNGUARDED = "SET LOCAL session_replication_role = replica; "
NO_BOUNDS = "ALTER TABLE stock_stock DROP CONSTRAINT stock_reserved_within_on_hand; "
BROKEN = {
    "a count without a movement": (
        "UPDATE stock_stock SET on_hand = on_hand + 1 WHERE sku_id = {mug}",
        "stock: stock is the sum of its movements",
        "SKU {mug}:",
    ),
    "a movement too many": (
        "INSERT INTO stock_stockmovement (sku_id, kind, quantity, on_hand)"
        " VALUES ({mug}, 'received', 3, 3)",
        "stock: stock is the sum of its movements",
        "SKU {mug}:",
    ),
    "movements of no stock": (
        "DELETE FROM stock_stock WHERE sku_id = {mug}",
        "stock: stock is the sum of its movements",
        "SKU {mug}: 0 on hand",
    ),
    "reserved for nobody": (
        "UPDATE stock_stock SET reserved = reserved + 1 WHERE sku_id = {lamp}",
        "stock: reserved is what holds keep",
        "SKU {lamp}:",
    ),
    "a hold that nothing reserves": (
        "UPDATE stock_hold SET state = 'held' WHERE id = '{released}'",
        "stock: reserved is what holds keep",
        "SKU {few}:",
    ),
    "oversold": (
        NO_BOUNDS + "UPDATE stock_stock SET reserved = on_hand + 1 WHERE sku_id = {mug}",
        "stock: 0 ≤ reserved ≤ on hand",
        "SKU {mug}:",
    ),
    "less than nothing reserved": (
        NO_BOUNDS + "UPDATE stock_stock SET reserved = -1 WHERE sku_id = {mug}",
        "stock: 0 ≤ reserved ≤ on hand",
        "SKU {mug}: -1 reserved",
    ),
    "a hold moved without a movement": (
        "UPDATE stock_hold SET state = 'sold' WHERE id = '{committed}'",
        "stock: holds are where their movements lead",
        "hold {committed}",
    ),
    "a hold without any movement": (
        "INSERT INTO stock_hold (id, sku_id, quantity, state, expires_at)"
        " VALUES ('00000000-0000-0000-0000-000000000001', {mug}, 1, 'expired', now())",
        "stock: holds are where their movements lead",
        "hold 00000000-0000-0000-0000-000000000001",
    ),
    "a hold that nobody swept": (
        "UPDATE stock_hold SET expires_at = now() - interval '6 minutes' WHERE id = '{held}'",
        "stock: holds that ran out are swept",
        "hold {held}",
    ),
    "an offer whose hold went elsewhere": (
        "UPDATE stock_hold SET buyer_id = NULL WHERE id = '{offered}'",
        "stock: offers are holds",
        "hold {offered}",
    ),
    "an offer of more than is kept": (
        "UPDATE stock_waitlistentry SET offered = 9 WHERE hold_id = '{offered}'",
        "stock: offers are holds",
        "9 offered",
    ),
    "an offer that ended and keeps": (
        "UPDATE stock_waitlistentry SET state = 'declined' WHERE hold_id = '{offered}'",
        "stock: offers that are over keep nothing",
        "hold {offered}",
    ),
    "an offer that was taken and not ordered": (
        "UPDATE stock_waitlistentry SET state = 'taken' WHERE hold_id = '{offered}'",
        "stock: offers that are over keep nothing",
        "is taken",
    ),
    "one who waits beside free units": (
        "UPDATE stock_stock SET on_hand = on_hand + 2 WHERE sku_id = {few}",
        "stock: nobody waits beside free units",
        "of which 2 are free",
    ),
    "an order with another total": (
        "UPDATE orders_order SET total_minor = total_minor + 1 WHERE number = '{paid}'",
        "orders: orders add up",
        "order {paid}:",
    ),
    "an order with other goods": (
        "UPDATE orders_orderline SET quantity = quantity + 1"
        " WHERE order_id = (SELECT id FROM orders_order WHERE number = '{paid}')",
        "orders: orders add up",
        "order {paid}:",
    ),
    "a purchase with another total": (
        "UPDATE orders_purchase SET total_minor = total_minor - 1 WHERE id = '{purchase}'",
        "orders: purchases are the sum of their orders",
        "purchase {purchase}:",
    ),
    "a paid order without a time of payment": (
        "UPDATE orders_order SET paid_at = NULL WHERE number = '{paid}'",
        "orders: paid at some time ⇔ in a state after payment",
        "order {paid}",
    ),
    "an unpaid order with a time of payment": (
        "UPDATE orders_order SET paid_at = now() WHERE number = '{unpaid}'",
        "orders: paid at some time ⇔ in a state after payment",
        "order {unpaid}",
    ),
    "a paid order whose units are free": (
        "UPDATE stock_hold SET state = 'released' WHERE id = '{committed}'",
        "orders: units are where their orders are",
        "order {paid}",
    ),
    "a cancelled order that keeps its units": (
        "UPDATE orders_order SET state = 'cancelled' WHERE number = '{unpaid}'",
        "orders: units are where their orders are",
        "order {unpaid}",
    ),
    "a sent order whose units are still there": (
        "UPDATE stock_hold SET state = 'committed' WHERE state = 'sold'",
        "orders: units are where their orders are",
        "should have a hold that is sold",
    ),
    "a line with another quantity than its hold": (
        "UPDATE stock_hold SET quantity = 7 WHERE id = '{committed}'",
        "orders: units are where their orders are",
        "(7 of SKU",
    ),
    "ordered units without an order": (
        "UPDATE orders_orderline SET hold_id = gen_random_uuid() WHERE hold_id = '{committed}'",
        "orders: what is ordered has an order",
        "hold {committed}",
    ),
    "a quote whose hold is gone": (
        "UPDATE stock_hold SET state = 'released' WHERE id = '{quoted}'",
        "checkout: open quotes keep what they promise",
        "its hold {quoted} is released",
    ),
    "a quote that nobody closed": (
        "UPDATE checkout_quote SET expires_at = now() - interval '6 minutes' WHERE state = 'open'",
        "checkout: quotes that ran out are closed",
        "quote {quote} ran out",
    ),
    "a closed quote that keeps": (
        "UPDATE checkout_quote SET state = 'closed' WHERE state = 'open'",
        "checkout: closed quotes keep nothing",
        "hold {quoted} still keeps",
    ),
    "an ordered quote without a purchase": (
        "UPDATE checkout_quote SET state = 'ordered' WHERE state = 'open'",
        "checkout: ordered quotes are purchases",
        "quote {quote} is ordered, and 0",
    ),
    "paid without a payment": (
        "UPDATE payments_payment SET state = 'failed' WHERE purchase_id = '{purchase}'",
        "payments: paid ⇔ exactly one captured payment",
        "purchase {purchase} is paid, and has 0",
    ),
    "paid twice": (
        "DROP INDEX payments_one_capture;"
        'INSERT INTO payments_payment SELECT (jsonb_populate_record(p, \'{{"id":'
        ' "00000000-0000-0000-0000-000000000002"}}\')).* FROM payments_payment p'
        " WHERE purchase_id = '{purchase}'",
        "payments: paid ⇔ exactly one captured payment",
        "purchase {purchase} is paid, and has 2",
    ),
    "captured for nothing": (
        "UPDATE orders_order SET paid_at = NULL, state = 'expired' WHERE number = '{paid}'",
        "payments: what was captured made orders paid, or goes back",
        "which is not paid",
    ),
    "a payment of another amount": (
        "UPDATE payments_payment SET amount_minor = amount_minor + 1"
        " WHERE purchase_id = '{purchase}'",
        "payments: payments are of their purchases' price",
        "its purchase costs",
    ),
    "a refund that is not counted": (
        "UPDATE payments_payment SET refunds_minor = 0",
        "payments: refunds ≤ captured, and add up",
        "0 counted as given back, its refunds add up to 500",
    ),
    "more refunded than captured": (
        "ALTER TABLE payments_payment DROP CONSTRAINT payments_refunds_within_capture;"
        "UPDATE payments_refund SET amount_minor = 999999;"
        "UPDATE payments_payment SET refunds_minor = 999999 WHERE refunds_minor > 0",
        "payments: refunds ≤ captured, and add up",
        "999999 counted as given back",
    ),
    "an order that forgot its refund": (
        "UPDATE orders_order SET refunded_minor = 0",
        "payments: orders were refunded what their refunds say",
        "its refunds that were made add up to 500",
    ),
    "an order that should have expired": (
        "UPDATE orders_purchase SET pay_by = now() - interval '1 hour';"
        "UPDATE payments_payment SET state = 'failed' WHERE state = 'created'",
        "payments: unpaid orders are closed in time",
        "order {unpaid}",
    ),
    "a capture that is not in the books": (
        UNGUARDED + "UPDATE ledger_journal SET key = 'x' WHERE key LIKE '%%:{paid_id}'",
        "payments: captures are in the books",
        "order {paid}:",
    ),
    "a refund that is not in the books": (
        UNGUARDED + "UPDATE ledger_journal SET key = 'x' WHERE source = 'payments.refund'",
        "payments: refunds are in the books",
        "is in the books 0 times",
    ),
    "a refund that came back and is still in the books": (
        "UPDATE payments_refund SET state = 'failed', came_back_at = now() - interval '1 hour'",
        "payments: refunds are in the books",
        "did not arrive, and its opposite is in the books 0 times",
    ),
    "a charge-back that is not in the books": (
        "INSERT INTO payments_chargeback (payment_id, provider_ref, amount_minor, reason, told_at)"
        " SELECT id, 'cb_1', 100, '', now() - interval '1 hour' FROM payments_payment"
        " WHERE purchase_id = '{purchase}'",
        "payments: charge-backs are in the books",
        "charge-back cb_1 of 100 (won: False), the books say that 0 were taken",
    ),
    "money in escrow for nothing": (
        UNGUARDED + "UPDATE ledger_entry SET amount_minor = amount_minor + 5 WHERE id ="
        " (SELECT max(e.id) FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id"
        " WHERE a.kind = 'order_escrow')",
        "payments: escrow is what orders are waiting for",
        "escrow of shop",
    ),
    "a journal that does not sum to zero": (
        UNGUARDED + "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE id ="
        " (SELECT max(id) FROM ledger_entry)",
        "ledger: journals sum to zero, checkpoints are the sum of entries",
        "does not sum to zero",
    ),
    "a checkpoint of something else": (
        "INSERT INTO ledger_checkpoint (account_id, entry_id, balance_minor)"
        " SELECT account_id, id, 123456 FROM ledger_entry LIMIT 1",
        "ledger: journals sum to zero, checkpoints are the sum of entries",
        "says 123456",
    ),
    "settled without a settlement": (
        "INSERT INTO payouts_settlement"
        " (order_id, state, currency, total_minor, left_minor, reserve_bps, planned_at)"
        " VALUES ({paid_id}, 'settled', 'EUR', 9, 5, 0, now())",
        "payouts: settlements, reserves and payouts are in the books",
        "order {paid_id}",
    ),
    "a reaction that failed for good": (
        "DELETE FROM facts_reaction WHERE event_id = {receipt};"
        "UPDATE procrastinate_jobs SET status = 'failed'"
        " WHERE args->'asked'->0->>0 = '{receipt}'",
        "outbox: no reaction failed for good",
        "of fact #{receipt} failed for good",
    ),
    "a reaction that was forgotten": (
        "DELETE FROM facts_reaction WHERE event_id = {receipt};"
        "DELETE FROM procrastinate_events WHERE job_id IN"
        " (SELECT id FROM procrastinate_jobs WHERE args->'asked'->0->>0 = '{receipt}');"
        "DELETE FROM procrastinate_jobs WHERE args->'asked'->0->>0 = '{receipt}'",
        "outbox: what must follow followed, or has a job",
        "#{receipt} was not followed by",
    ),
}


# tests/shops/returns/test_checks.py
BROKEN_ELSEWHERE = ("returns: ",)


def test_it_is_quiet_where_goods_were_sold_and_names_whatever_is_broken_behind_its_back(db):
    rows = build()
    assert diagnose() == {}
    missed = {}

    for broken, (sql, check, sentence) in BROKEN.items():
        room, name = check.split(": ", 1)
        with transaction.atomic():
            assert execute(sql.format(**rows)), broken
            said = list(CHECKS[room][name](datetime.now(UTC)))
            if not any(sentence.format(**rows) in one for one in said):
                missed[broken] = said
            transaction.set_rollback(True)

    assert missed == {}


def test_every_check_is_broken_by_some_test():
    every = {f"{room}: {name}" for room, checks in CHECKS.items() for name in checks}
    here = {check for _sql, check, _said in BROKEN.values()}

    assert here == {check for check in every if not check.startswith(BROKEN_ELSEWHERE)}


@pytest.mark.django_db(transaction=True)
def test_the_command_says_ok_and_then_what_is_off_and_changes_nothing(capsys):
    lamp = SkuFactory(on_hand=5)
    keep(lamp)

    call_command("doctor")

    said = capsys.readouterr().out
    assert "Everything holds." in said
    assert said.count("ok ") == sum(len(checks) for checks in CHECKS.values())
    execute("UPDATE stock_stock SET on_hand = 6")

    with pytest.raises(SystemExit) as left:
        call_command("doctor")

    assert left.value.code == 1
    said = capsys.readouterr().out
    assert "OFF  stock: stock is the sum of its movements" in said
    assert f"SKU {lamp.pk}: 6 on hand and 1 reserved, its movements add up to 5 and 1" in said
    assert "1 thing is off." in said
    assert Stock.objects.get().on_hand == 6


@pytest.mark.django_db(transaction=True)
def test_the_command_prints_the_first_of_many_and_all_when_asked(capsys):
    for _ in range(23):
        SkuFactory(on_hand=1)
    execute("UPDATE stock_stock SET on_hand = 2")

    with pytest.raises(SystemExit):
        call_command("doctor")
    assert "… and 3 more" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("doctor", "--all")
    assert capsys.readouterr().out.count("SKU ") == 23
