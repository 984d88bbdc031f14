"""One sale, from the click to the books, on the real site: every joint is walked once."""

import time

from creators.scoring.models import Score
from shops.catalog.models import Sku
from shops.facts.models import Event, Reaction
from shops.ledger.models import Kind
from shops.ledger.queries import balance_of, trial_balance
from shops.orders.models import Order, OrderState
from shops.payments.models import Payment, PaymentState, ProviderMessage
from shops.stock.models import Hold, HoldState
from tests.doors import Visitor


def _eventually(check, *, patience=20):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_click_hold_order_payment_webhook_fact_socket_score_ledger(site, show, alice, bob):
    with (
        Visitor(site, alice) as viewer,
        Visitor(site, bob) as host,
        viewer.socket(f"/ws/live/{show.pk}/") as watching,
        host.socket(f"/ws/live/{show.pk}/") as hosting,
    ):
        for socket in (watching, hosting):
            socket.send({"t": "resume", "rooms": {}})
            socket.until(lambda seen: seen.get("t") == "snapshot" and seen.get("room") == "live")

        pinned = host.post(f"/live/{show.pk}/pin/", {"product": show.product.pk}, json_answer=True)
        assert pinned.status_code == 204
        card = watching.event("pinned")
        assert card["pin"]["product_id"] == show.product.pk

        added = viewer.post(
            "/cart/add/",
            {"sku": show.sku.pk, "quantity": 2, "referral": card["pin"]["referral"]},
            json_answer=True,
        )
        assert added.json()["units"] == 2
        watching.event("cart", units=2)

        quote = viewer.get("/checkout/")
        assert quote.status_code == 200
        assert Hold.objects.get().state == HoldState.HELD
        assert watching.event("stock", sku_id=show.sku.pk)["available"] == 8

        ordered = viewer.checkout()
        assert ordered.status_code == 201
        order = Order.objects.get(number=ordered.json()["number"])
        line = order.lines.get()
        assert (line.quantity, line.referral) == (2, card["pin"]["referral"])
        assert Hold.objects.get().state == HoldState.COMMITTED

        sold = watching.event("sold", product_id=show.product.pk)
        assert sold["sold"] == 2
        figures = hosting.until(lambda seen: seen.get("t") == "figures" and seen["orders"] == 1)
        assert figures["gmv_minor"] == order.total_minor == 2 * Sku.objects.get().price_minor
        assert not [seen for seen in watching.events if seen["t"] == "figures"]

    order.refresh_from_db()
    assert order.state == OrderState.AWAITING_SHIPMENT
    assert Payment.objects.get().state == PaymentState.CAPTURED
    _eventually(lambda: ProviderMessage.objects.exists())

    paid = Event.objects.get(kind="OrderPaid")
    _eventually(lambda: Reaction.objects.filter(event=paid).count() == 2)
    _eventually(
        lambda: balance_of(kind=Kind.PSP_CLEARING, currency="EUR") == order.total_minor,
    )
    assert sum(row.balance_minor for row in trial_balance()) == 0

    indicators = {"sales", "assiduity"}
    _eventually(lambda: set(Score.objects.values_list("indicator", flat=True)) == indicators)
    sales = Score.objects.filter(indicator="sales").latest("pk")
    assert sales.low <= sales.value <= sales.high
    with Visitor(site, bob) as host:
        page = host.get("/creators/bob/scores/")
        assert page.status_code == 200
        assert "Sales ability" in page.text
