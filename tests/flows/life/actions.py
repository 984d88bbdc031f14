"""What may happen in a life: when there is something it can be done to, and with what."""

from hypothesis import strategies as st

from shops.ledger.models import Journal
from shops.orders.models import Order
from shops.payments.models import Payment
from shops.returns.models import Return
from tests.flows.life.bank import AWAY, FINE, LOST

which = st.integers(0, 9)
cards = st.sampled_from(["tok_success", "tok_success", "tok_declined"])


def orders_in(*states):
    return lambda _life: Order.objects.filter(state__in=states).exists()


def always(_life):
    return True


ACTIONS = {
    "put_in_cart": (always, {"buyer": which, "sku": which, "units": st.integers(1, 3)}),
    "check_out": (always, {"buyer": which}),
    "order": (
        always,
        {"buyer": which, "sku": which, "units": st.integers(1, 2), "card": cards},
    ),
    "pay_again": (orders_in("unpaid"), {"number": which, "card": cards}),
    "cancel": (orders_in("unpaid"), {"number": which}),
    "think_better_of_it": (orders_in("on_hold"), {"number": which}),
    "confirm_receipt": (orders_in("in_transit"), {"number": which}),
    "ask_to_return": (
        orders_in("in_transit", "delivered"),
        {"number": which, "units": st.integers(1, 2)},
    ),
    "ship": (orders_in("awaiting_shipment", "partially_shipped"), {"number": which}),
    "deliver": (orders_in("partially_shipped", "in_transit"), {"number": which}),
    "give_some_back": (
        lambda _life: Order.objects.filter(paid_at__isnull=False).exists(),
        {"number": which, "amount_minor": st.integers(1, 3_000)},
    ),
    "decide_return": (
        lambda _life: Return.objects.exists(),
        {
            "number": which,
            "decide": st.sampled_from(["approve", "reject", "receive", "refund"]),
        },
    ),
    "count": (always, {"sku": which, "units": st.integers(0, 6)}),
    "change_mood": (always, {"mood": st.sampled_from([FINE, FINE, LOST, AWAY])}),
    "hear_of_it": (lambda life: bool(life.bank.messages), {"number": which}),
    "take_money_back": (lambda life: len(life.bank.charges) > 2, {"number": which}),
    "decide_for_the_shop": (
        lambda life: any(charge.taken_back_minor for charge in life.bank.charges.values()),
        {"number": which},
    ),
    "send_refund_back": (
        lambda life: any(charge.refunded for charge in life.bank.charges.values()),
        {"number": which},
    ),
    "let_time_pass": (always, {"hours": st.sampled_from([1, 24, 24 * 8, 24 * 31])}),
    "sweep": (always, {}),
    "reconcile": (lambda _life: Payment.objects.exists(), {}),
    "do_jobs": (lambda _life: Order.objects.exists(), {"again": st.booleans()}),
    "settle": (lambda _life: Order.objects.exists(), {}),
    "examine": (lambda _life: Journal.objects.exists(), {}),
    "pay_out": (lambda _life: Journal.objects.exists(), {}),
}
