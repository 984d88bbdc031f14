"""What must hold between orders, payments, refunds and the books; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Sum

from shops.facts.checking import Check, sentences
from shops.ledger.models import Kind
from shops.payments.models import Payment, Refund, RefundState
from shops.payments.queries import (
    SOURCE_CAPTURE,
    SOURCE_CHARGE_BACK,
    SOURCE_REFUND,
    SOURCE_UNDONE,
    SOURCE_WON,
    capture_key,
    shares,
)

# What follows a payment is done by jobs, a provider that is away is asked again for some minutes.
_PATIENCE: Final = timedelta(minutes=10)

# What the keys of a payment's charge-backs end in, "" for the first one; `c` is the charge-back.
_NUMBER: Final = """(
    SELECT CASE count(*) WHEN 0 THEN '' ELSE ':' || count(*) + 1 END
    FROM payments_chargeback b WHERE b.payment_id = c.payment_id AND b.id < c.id)"""
_BOOKS: Final[dict[str, object]] = {
    "escrow": Kind.ORDER_ESCROW.value,
    "clearing": Kind.PSP_CLEARING.value,
    "capture": SOURCE_CAPTURE,
    "refund": SOURCE_REFUND,
    "charge_back": SOURCE_CHARGE_BACK,
    "undone": SOURCE_UNDONE,
    "won": SOURCE_WON,
}


def paid(now: datetime) -> Iterator[str]:
    """A purchase whose orders are paid has exactly one captured payment."""
    return sentences(
        "purchase {} is paid, and has {} captured payments",
        """
        SELECT p.id, count(c.id) FROM orders_purchase p
        LEFT JOIN payments_payment c
            ON c.purchase_id = p.id AND c.state IN ('captured', 'charged_back')
        WHERE p.total_minor > 0 AND EXISTS (
            SELECT 1 FROM orders_order o WHERE o.purchase_id = p.id AND o.paid_at IS NOT NULL)
        GROUP BY p.id HAVING count(c.id) <> 1
        """,
    )


def captured(now: datetime) -> Iterator[str]:
    """A captured payment has made all its orders paid, or goes back."""
    return sentences(
        "payment {} captured {} for purchase {}, which is not paid, and gives back only {}",
        """
        SELECT c.id, c.captured_minor, c.purchase_id, c.refunds_minor FROM payments_payment c
        WHERE c.state = 'captured' AND c.captured_at < %(before)s
            AND c.refunds_minor < c.captured_minor AND EXISTS (
                SELECT 1 FROM orders_order o
                WHERE o.purchase_id = c.purchase_id AND o.paid_at IS NULL)
        """,
        {"before": now - _PATIENCE},
    )


def amounts(now: datetime) -> Iterator[str]:
    """A payment asks for what its purchase costs, and captured at most that."""
    return sentences(
        "payment {} ({}) of {} {} with {} captured, its purchase costs {} {}",
        """
        SELECT c.id, c.state, c.amount_minor, c.currency, c.captured_minor, p.total_minor,
            p.currency
        FROM payments_payment c JOIN orders_purchase p ON p.id = c.purchase_id
        WHERE (c.amount_minor, c.currency) <> (p.total_minor, p.currency)
            OR c.captured_minor > c.amount_minor
            OR (c.state IN ('captured', 'charged_back')) <> (c.captured_minor > 0)
        """,
    )


def refunds(now: datetime) -> Iterator[str]:
    """Refunds add up to what their payment says, and never to more than was captured."""
    return sentences(
        "payment {}: {} captured, {} counted as given back, its refunds add up to {}",
        """
        SELECT c.id, c.captured_minor, c.refunds_minor, coalesce(r.amount, 0)
        FROM payments_payment c
        LEFT JOIN (
            SELECT payment_id, sum(amount_minor) AS amount FROM payments_refund
            WHERE state <> 'failed' GROUP BY payment_id
        ) AS r ON r.payment_id = c.id
        WHERE c.refunds_minor <> coalesce(r.amount, 0) OR c.refunds_minor > c.captured_minor
        """,
    )


def refunded(now: datetime) -> Iterator[str]:
    """A paid order says that it was refunded what its refunds gave back.

    What was never captured of it counts as refunded, too.
    """
    yield from sentences(
        "order {}: {} of {} refunded, its refunds that were made add up to {}",
        """
        SELECT o.number, o.refunded_minor, o.total_minor, coalesce(r.amount, 0)
        FROM orders_order o
        LEFT JOIN (
            SELECT order_id, sum(amount_minor) AS amount FROM payments_refund
            WHERE state = 'succeeded' GROUP BY order_id
        ) AS r ON r.order_id = o.id
        WHERE o.paid_at IS NOT NULL AND (
            o.refunded_minor <> coalesce(r.amount, 0) OR o.refunded_minor > o.total_minor)
            AND NOT EXISTS (
                SELECT 1 FROM payments_payment c WHERE c.purchase_id = o.purchase_id
                    AND c.captured_minor > 0 AND c.captured_minor < c.amount_minor)
        ORDER BY o.id
        """,
    )
    partly = Payment.objects.filter(captured_minor__gt=0, captured_minor__lt=F("amount_minor"))
    for payment in partly.order_by("pk").iterator():
        made = Refund.objects.filter(payment=payment, state=RefundState.SUCCEEDED)
        given = dict(made.values_list("order").annotate(minor=Sum("amount_minor")))
        for order, taken in shares(payment):
            expected = order.total_minor - taken + given.get(order.pk, 0)
            if order.is_paid and order.refunded_minor != expected:
                yield (
                    f"order {order.number}: {order.refunded_minor} of {order.total_minor} refunded,"
                    f" {taken} was captured of it and its refunds make that {expected}"
                )


def unpaid(now: datetime) -> Iterator[str]:
    """Orders that were not paid in time are closed, unless a payment may still come."""
    return sentences(
        "order {} should have been paid by {:%F %T} UTC, and still waits",
        """
        SELECT o.number, p.pay_by FROM orders_order o JOIN orders_purchase p ON p.id = o.purchase_id
        WHERE o.state = 'unpaid' AND p.pay_by < %(before)s AND NOT EXISTS (
            SELECT 1 FROM payments_payment c WHERE c.purchase_id = p.id
                AND c.state NOT IN ('failed', 'cancelled'))
        ORDER BY o.id
        """,
        {"before": now - _PATIENCE},
    )


def posted_captures(now: datetime) -> Iterator[str]:
    """Each order's share of what was captured is in the books, once (a journal's key is unique)."""
    yield from sentences(
        "order {}: {} captured by payment {}, the books say {}",
        """
        SELECT o.number, o.total_minor, c.id, coalesce(e.amount, 0)
        FROM payments_payment c JOIN orders_order o ON o.purchase_id = c.purchase_id
        LEFT JOIN LATERAL (
            SELECT sum(CASE e.side WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END)
                AS amount
            FROM ledger_journal j JOIN ledger_entry e ON e.journal_id = j.id
            JOIN ledger_account a ON a.id = e.account_id AND a.kind = %(escrow)s
                AND a.owner = 'shop:' || o.shop_id AND a.currency = o.currency
            WHERE j.source = %(capture)s AND j.key = c.id || ':' || o.id
        ) AS e ON true
        WHERE c.captured_minor = c.amount_minor AND c.captured_at < %(before)s
            AND coalesce(e.amount, 0) <> o.total_minor
        ORDER BY o.id
        """,
        _BOOKS | {"before": now - _PATIENCE},
    )
    partly = Payment.objects.filter(captured_minor__gt=0, captured_at__lt=now - _PATIENCE)
    for payment in partly.exclude(captured_minor=F("amount_minor")).order_by("pk").iterator():
        for order, minor in shares(payment):
            key = capture_key(payment_id=payment.pk, order_id=order.pk)
            yield from sentences(
                f"order {order.number}: {minor} captured by payment {payment.pk},"
                " the books say {}",
                """
                SELECT coalesce(sum(e.amount_minor), 0)
                FROM ledger_journal j JOIN ledger_entry e ON e.journal_id = j.id
                JOIN ledger_account a ON a.id = e.account_id AND a.kind = %(escrow)s
                WHERE j.source = %(capture)s AND j.key = %(key)s AND e.side = 'credit'
                HAVING coalesce(sum(e.amount_minor), 0) <> %(minor)s
                """,
                _BOOKS | {"key": key, "minor": minor},
            )


def posted_refunds(now: datetime) -> Iterator[str]:
    """Each refund that was made is in the books once, in this room's journals or in payouts'."""
    yield from sentences(
        "refund {} of {} did not arrive, and its opposite is in the books {} times",
        """
        SELECT r.id, r.amount_minor, count(j.id) FROM payments_refund r
        LEFT JOIN ledger_journal j ON j.key = r.id::text
            AND j.source IN (%(undone)s, 'payouts.refund_undone')
        WHERE r.came_back_at < %(before)s
        GROUP BY r.id HAVING count(j.id) <> 1
        """,
        _BOOKS | {"before": now - _PATIENCE},
    )
    yield from sentences(
        "refund {} of {} was made, and is in the books {} times",
        """
        SELECT r.id, r.amount_minor, count(j.id) FROM payments_refund r
        LEFT JOIN ledger_journal j ON j.key = r.id::text
            AND j.source IN (%(refund)s, 'payouts.refund')
        WHERE (r.state = 'succeeded' OR r.came_back_at IS NOT NULL)
            AND coalesce(r.ended_at, r.created_at) < %(before)s
        GROUP BY r.id HAVING count(j.id) <> 1
        """,
        _BOOKS | {"before": now - _PATIENCE},
    )


def posted_charge_backs(now: datetime) -> Iterator[str]:
    """Each charge-back is in the books, and so is each that was won."""
    return sentences(
        "charge-back {} of {} (won: {}), the books say that {} were taken",
        f"""
        SELECT c.provider_ref, c.amount_minor, c.won_at IS NOT NULL, coalesce(sum(
            CASE e.side WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END), 0)
        FROM payments_chargeback c
        JOIN payments_payment p ON p.id = c.payment_id
        JOIN orders_order o ON o.purchase_id = p.purchase_id
        LEFT JOIN ledger_journal j
            ON j.source IN (%(charge_back)s, %(won)s, 'payouts.charge_back',
                'payouts.charge_back_won')
            AND j.key = p.id || ':' || o.id || {_NUMBER}
        LEFT JOIN ledger_entry e ON e.journal_id = j.id AND EXISTS (
            SELECT 1 FROM ledger_account a WHERE a.id = e.account_id AND a.kind = %(clearing)s)
        WHERE coalesce(c.won_at, c.told_at) < %(before)s
        GROUP BY c.id
        HAVING coalesce(sum(
            CASE e.side WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END), 0)
            <> CASE WHEN c.won_at IS NULL THEN c.amount_minor ELSE 0 END
        """,  # noqa: S608  # of our own words
        _BOOKS | {"before": now - _PATIENCE},
    )


def escrow(now: datetime) -> Iterator[str]:
    """What the books keep for each shop is what was captured of its orders that are not settled.

    Less what went back of them. Captures and refunds that no job has posted yet count on neither
    side; `posted_captures` and `posted_refunds` see to it that they don't stay so.
    """
    return sentences(
        "escrow of shop {} in {}: the books say {}, its orders that are not settled {}",
        f"""
        WITH books AS (
            SELECT a.owner, a.currency,
                sum(CASE e.side WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END) AS kept
            FROM ledger_account a JOIN ledger_entry e ON e.account_id = a.id
            WHERE a.kind = %(escrow)s GROUP BY a.owner, a.currency
        ), open AS (
            SELECT o.id, o.shop_id, o.currency, c.id AS payment_id,
                CASE WHEN c.captured_minor = c.amount_minor THEN o.total_minor
                    ELSE j.amount END AS share
            FROM orders_order o
            JOIN payments_payment c
                ON c.purchase_id = o.purchase_id AND c.state IN ('captured', 'charged_back')
            CROSS JOIN LATERAL (
                SELECT sum(e.amount_minor) AS amount
                FROM ledger_journal j JOIN ledger_entry e ON e.journal_id = j.id
                WHERE j.source = %(capture)s AND j.key = c.id || ':' || o.id AND e.side = 'credit'
            ) AS j
            WHERE o.settled_at IS NULL AND j.amount IS NOT NULL
        ), orders AS (
            SELECT 'shop:' || o.shop_id AS owner, o.currency,
                sum(o.share - coalesce(r.amount, 0) - coalesce(b.amount, 0)) AS kept
            FROM open o
            LEFT JOIN LATERAL (
                SELECT sum(CASE j.source WHEN %(refund)s THEN r.amount_minor
                    ELSE -r.amount_minor END) AS amount
                FROM payments_refund r JOIN ledger_journal j
                    ON j.source IN (%(refund)s, %(undone)s) AND j.key = r.id::text
                WHERE r.order_id = o.id
            ) AS r ON true
            LEFT JOIN LATERAL (
                SELECT sum(CASE e.side WHEN 'debit' THEN e.amount_minor ELSE -e.amount_minor END)
                    AS amount
                FROM payments_chargeback c
                JOIN ledger_journal j ON j.source IN (%(charge_back)s, %(won)s)
                    AND j.key = o.payment_id || ':' || o.id || {_NUMBER}
                JOIN ledger_entry e ON e.journal_id = j.id
                JOIN ledger_account a ON a.id = e.account_id AND a.kind = %(escrow)s
                WHERE c.payment_id = o.payment_id
            ) AS b ON true
            GROUP BY o.shop_id, o.currency
        )
        SELECT replace(coalesce(books.owner, orders.owner), 'shop:', ''),
            coalesce(books.currency, orders.currency), coalesce(books.kept, 0),
            coalesce(orders.kept, 0)
        FROM books FULL JOIN orders
            ON orders.owner = books.owner AND orders.currency = books.currency
        WHERE coalesce(books.kept, 0) <> coalesce(orders.kept, 0)
        ORDER BY 1, 2
        """,  # noqa: S608  # of our own words
        _BOOKS,
    )


CHECKS: Final[Mapping[str, Check]] = {
    "paid ⇔ exactly one captured payment": paid,
    "what was captured made orders paid, or goes back": captured,
    "payments are of their purchases' price": amounts,
    "refunds ≤ captured, and add up": refunds,
    "orders were refunded what their refunds say": refunded,
    "unpaid orders are closed in time": unpaid,
    "captures are in the books": posted_captures,
    "refunds are in the books": posted_refunds,
    "charge-backs are in the books": posted_charge_backs,
    "escrow is what orders are waiting for": escrow,
}
