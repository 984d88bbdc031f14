"""The whole life of goods and money, in any order: hold, pay, cancel, ship, return, pay out."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from unittest import mock

from django.db import transaction
from django.db.models import F, Q, Sum
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shops.checkout import services as checkout
from shops.checkout.owner import CartOwner
from shops.facts.models import Event, Reaction
from shops.facts.publishing import fact_class, table
from shops.facts.reacting import carry_out
from shops.facts.refused import Refused
from shops.ledger import checkpoints
from shops.ledger.models import Account, Entry, Journal
from shops.ledger.queries import balance
from shops.orders.models import Order, OrderLine, Parcel, ParcelState
from shops.orders.services import arriving, closing, overdue, paying, shipping
from shops.payments import checks
from shops.payments import services as payments
from shops.payments.models import Payment, PaymentState, Refund
from shops.payments.reconciling import DECIDED_WITHIN
from shops.payouts import paying as paying_out
from shops.payouts import planning, settling
from shops.payouts.accounts import save_account
from shops.payouts.models import Payout
from shops.payouts.reversing import NotPostedYet
from shops.returns import deciding, requesting
from shops.returns.models import Return, ReturnReason
from shops.stock import services as stock
from shops.stock.models import Hold, Stock, StockMovement
from tests.factories.accounts import AddressFactory, UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, ShopStaffFactory, SkuFactory
from tests.flows.life.actions import ACTIONS
from tests.flows.life.bank import the_bank

ADDRESS = {
    "full_name": "Alice Rossi",
    "line1": "Via Roma 1",
    "line2": "",
    "postal_code": "00184",
    "city": "Roma",
    "region": "RM",
    "country": "IT",
    "phone": "",
}
IBAN = "IT60X0542811101000000123456"


def one_of(rows, number):
    found = list(rows)
    return found[number % len(found)] if found else None


class Life(RuleBasedStateMachine):
    """Two buyers, two shops, three SKUs of few units, one bank that is not always there."""

    def __init__(self):
        super().__init__()
        # Rows are taken in the order of their keys, so with others a life would go another way, and
        # what was found in it not be found again.
        self._keys = mock.patch("os.urandom", Random(0).randbytes)
        self._keys.start()
        self._block = transaction.atomic()
        # As a test's own: what must not be in a transaction of others may be in this one.
        self._block._from_testcase = True
        self._block.__enter__()
        self.bank = the_bank()
        self.bank.open()
        self.now = datetime.now(UTC)
        self.buyers = [UserFactory() for _ in range(2)]
        for buyer in self.buyers:
            AddressFactory(user=buyer)
        self.shops = [ShopFactory() for _ in range(2)]
        self.staff = {
            shop.pk: ShopStaffFactory(shop=shop, user=UserFactory()).user for shop in self.shops
        }
        self.skus = [
            SkuFactory(product=ProductFactory(shop=shop), price_minor=price, on_hand=units)
            for shop, price, units in zip(
                [self.shops[0], self.shops[0], self.shops[1]],
                [1990, 333, 10_001],
                [3, 5, 2],
                strict=True,
            )
        ]
        for shop in self.shops:
            save_account(
                owner=f"shop:{shop.pk}",
                holder="Carol",
                number=IBAN,
                bic="",
                by=self.staff[shop.pk],
                now=self.now,
            )

    def teardown(self):
        transaction.set_rollback(True)
        self._block.__exit__(None, None, None)
        self._keys.stop()

    def try_to(self, work, **more):
        """Do something that may be refused."""
        with suppress(Refused):
            return work(**more, now=self.now)
        return None

    @rule(data=st.data())
    def live(self, data):
        """Do something that there is something to do it to: most of a life is not for its start."""
        possible = [name for name, (is_possible, _) in ACTIONS.items() if is_possible(self)]
        name = data.draw(st.sampled_from(possible), label="what")
        getattr(self, name)(**data.draw(st.fixed_dictionaries(ACTIONS[name][1]), label="how"))

    # --- Buyers ----------------------------------------------------------------------------

    def put_in_cart(self, buyer, sku, units):
        self.try_to(
            checkout.add_to_cart,
            owner=CartOwner(user_id=self.buyers[buyer % 2].pk),
            sku_id=self.skus[sku % 3].pk,
            quantity=units,
        )

    def check_out(self, buyer):
        self.try_to(checkout.start_quote, owner=CartOwner(user_id=self.buyers[buyer % 2].pk))

    def order(self, buyer, sku, units, card):
        self.put_in_cart(buyer=buyer, sku=sku, units=units)
        buyer = self.buyers[buyer % 2]
        quote = self.try_to(checkout.start_quote, owner=CartOwner(user_id=buyer.pk))
        if quote is None:
            return
        placed = self.try_to(
            checkout.place_order, quote_id=quote.pk, buyer=buyer, address=ADDRESS, card_token=card
        )
        if placed is not None:
            self.try_to(payments.start, payment_id=placed.payment.pk)

    def pay_again(self, number, card):
        order = one_of(Order.objects.filter(state="unpaid").order_by("pk"), number)
        if order is None:
            return
        payment = self.try_to(
            checkout.retry_payment, number=order.number, buyer_id=order.buyer_id, card_token=card
        )
        if payment is not None:
            self.try_to(payments.start, payment_id=payment.pk)

    def cancel(self, number):
        order = one_of(Order.objects.order_by("pk"), number)
        if order is not None:
            self.try_to(checkout.cancel_order, number=order.number, buyer_id=order.buyer_id)

    def think_better_of_it(self, number):
        order = one_of(Order.objects.filter(state="on_hold").order_by("pk"), number)
        if order is not None:
            self.try_to(closing.cancel_in_remorse, number=order.number, buyer=order.buyer)

    def confirm_receipt(self, number):
        order = one_of(Order.objects.filter(state="in_transit").order_by("pk"), number)
        if order is not None:
            self.try_to(arriving.confirm_receipt, number=order.number, buyer=order.buyer)

    def ask_to_return(self, number, units):
        line = one_of(OrderLine.objects.filter(parcel_line__isnull=False).order_by("pk"), number)
        if line is not None:
            self.try_to(
                requesting.request,
                order_id=line.order_id,
                buyer=line.order.buyer,
                units={line.pk: units},
                reason=ReturnReason.CHANGED_MIND,
            )

    # --- Sellers ---------------------------------------------------------------------------

    def ship(self, number):
        packed = OrderLine.objects.filter(
            order__state__in=["awaiting_shipment", "partially_shipped"], parcel_line=None
        )
        line = one_of(packed.order_by("pk"), number)
        if line is not None:
            self.try_to(
                shipping.ship,
                shop_id=line.order.shop_id,
                line_ids=[line.pk],
                carrier="other",
                tracking_number=f"P{uuid.uuid4().hex[:12]}",
                by=self.staff[line.order.shop_id],
            )

    def deliver(self, number):
        parcel = one_of(Parcel.objects.exclude(state="delivered").order_by("pk"), number)
        if parcel is not None:
            self.try_to(arriving.move_parcel, parcel_id=parcel.pk, to=ParcelState.DELIVERED)

    def give_some_back(self, number, amount_minor):
        order = one_of(Order.objects.order_by("pk"), number)
        if order is not None:
            self.try_to(
                payments.refund_order,
                order_id=order.pk,
                amount_minor=amount_minor,
                reason="Scratched",
                by=self.staff[order.shop_id],
            )

    def decide_return(self, number, decide):
        case = one_of(Return.objects.order_by("requested_at", "pk"), number)
        by = self.staff[case.order.shop_id]
        if decide == "approve":
            self.try_to(deciding.approve, case_id=case.pk, by=by)
        elif decide == "reject":
            self.try_to(deciding.reject, case_id=case.pk, reason="Worn", by=by)
        elif decide == "receive":
            arrived = {
                line.pk: deciding.Arrived(restocked=line.quantity, written_off=0)
                for line in case.lines.all()
            }
            self.try_to(deciding.receive, case_id=case.pk, arrived=arrived, by=by)
        else:
            self.try_to(
                deciding.refund,
                case_id=case.pk,
                amount_minor=deciding.most_minor(case),
                reason="",
                by=by,
            )

    def count(self, sku, units):
        self.try_to(stock.set_on_hand, counts={self.skus[sku % 3].pk: units})

    # --- The provider ----------------------------------------------------------------------

    def change_mood(self, mood):
        self.bank.mood = mood

    def hear_of_it(self, number):
        told = one_of(self.bank.messages, number)
        if told is not None:
            self.try_to(payments.take_in, message_id=told[0], body=told[1])

    def take_money_back(self, number):
        key = one_of(self.bank.charges, number)
        if key is not None:
            self.bank.take_back(key)

    def decide_for_the_shop(self, number):
        taken = [key for key, charge in self.bank.charges.items() if charge.taken_back_minor]
        self.bank.decide_for_the_shop(one_of(taken, number))

    def send_refund_back(self, number):
        given = [key for key, charge in self.bank.charges.items() if charge.refunded]
        self.bank.send_refund_back(one_of(given, number))

    # --- Time and jobs ---------------------------------------------------------------------

    def let_time_pass(self, hours):
        gone = timedelta(hours=hours, minutes=1)
        self.now += gone
        # Whether a hold is over is asked of the database's clock, which does not go faster for us.
        Hold.objects.filter(state="held").update(expires_at=F("expires_at") - gone)

    def sweep(self):
        checkout.close_due_quotes(now=self.now)
        stock.expire_due(now=self.now)
        checkout.expire_due_purchases(now=self.now)
        paying.release_due(now=self.now)
        overdue.cancel_overdue(now=self.now)
        arriving.count_as_delivered(now=self.now)
        arriving.complete_due(now=self.now)

    def reconcile(self):
        payments.settle_unknown(now=self.now + payments.SETTLE_AFTER * 2)
        payments.find_chargebacks(now=self.now, within=DECIDED_WITHIN)

    def do_jobs(self, again):
        """Carry out what must follow; a worker may do the same twice."""
        done = set(Reaction.objects.values_list("event_id", "name"))
        for event in Event.objects.order_by("pk"):
            for name in table()[fact_class(event.kind)].must:
                if not again and (event.pk, name) in done:
                    continue
                if name.startswith("shops."):
                    with suppress(NotPostedYet):  # it is tried again
                        carry_out(event_id=event.pk, reaction=name, now=self.now)

    def settle(self):
        planning.plan_new(now=self.now)
        planning.void_closed(now=self.now)
        settling.settle_due(now=self.now)
        settling.release_reserves(now=self.now)
        checkpoints.write(now=self.now, least=1, patience=0)

    def examine(self):
        """Ask the doctor, once all that must follow has followed."""
        for _ in range(2):
            self.do_jobs(again=False)
        later = self.now + timedelta(hours=1)
        books = [checks.posted_refunds, checks.posted_charge_backs, checks.escrow]
        assert [said for check in books for said in check(later)] == []

    def pay_out(self):
        paying_out.start_run(run_id=uuid.uuid4(), now=self.now)
        paying_out.carry_on_all(now=self.now)

    # --- What always holds -----------------------------------------------------------------

    @invariant()
    def stock_adds_up(self):
        for level in Stock.objects.all():
            rows = StockMovement.objects.filter(sku_id=level.sku_id).aggregate(
                on_hand=Sum("on_hand"), held=Sum("held"), committed=Sum("committed")
            )
            assert rows["on_hand"] == level.on_hand
            assert rows["held"] + rows["committed"] == level.reserved
            assert 0 <= level.available <= level.on_hand
            for state in ("held", "committed"):
                units = Hold.objects.filter(sku_id=level.sku_id, state=state)
                assert (units.aggregate(sum=Sum("quantity"))["sum"] or 0) == rows[state]

    @invariant()
    def paid_means_one_captured_charge(self):
        taken = [PaymentState.CAPTURED, PaymentState.CHARGED_BACK]
        for order in Order.objects.all():
            charges = Payment.objects.filter(purchase_id=order.purchase_id, state__in=taken)
            if order.is_paid:
                assert charges.count() == 1
            # The other way round: money that came too late goes back.
            elif charges.exists() and order.total_minor:
                assert order.refunds.exists()

    @invariant()
    def nobody_is_charged_twice(self):
        for payment in Payment.objects.filter(state=PaymentState.CAPTURED):
            assert self.bank.charges[payment.pk].state == "succeeded"
            assert self.bank.charges[payment.pk].amount_minor == payment.captured_minor
        by_purchase = [
            Payment.objects.get(pk=key).purchase_id
            for key, charge in self.bank.charges.items()
            if charge.state == "succeeded"
        ]
        assert len(by_purchase) == len(set(by_purchase))

    @invariant()
    def no_more_goes_back_than_came(self):
        for key, charge in self.bank.charges.items():
            back = sum(charge.refunded.values()) + charge.taken_back_minor
            assert back <= charge.amount_minor
            asked = Refund.objects.filter(payment_id=key).exclude(state="failed")
            assert (asked.aggregate(sum=Sum("amount_minor"))["sum"] or 0) <= charge.amount_minor

    @invariant()
    def the_books_are_even(self):
        for journal in Journal.objects.prefetch_related("entries"):
            sides = {"debit": 0, "credit": 0}
            for entry in journal.entries.all():
                sides[entry.side] += entry.amount_minor
            assert sides["debit"] == sides["credit"] > 0
        for account in Account.objects.all():
            signed = Entry.objects.filter(account=account).aggregate(
                debit=Sum("amount_minor", filter=Q(side="debit"), default=0),
                credit=Sum("amount_minor", filter=Q(side="credit"), default=0),
            )
            assert balance(account=account) == signed["debit"] - signed["credit"]

    @invariant()
    def nothing_is_paid_out_twice(self):
        for key, (amount_minor, currency) in self.bank.payouts.items():
            payout = Payout.objects.get(pk=key)
            assert (payout.amount_minor, payout.currency) == (amount_minor, currency)
        # All that ever left is less than all that ever came: nothing is paid from nothing.
        left = sum(amount for amount, _currency in self.bank.payouts.values())
        came = sum(
            charge.amount_minor - sum(charge.refunded.values()) - charge.taken_back_minor
            for charge in self.bank.charges.values()
            if charge.state == "succeeded"
        )
        lost = sum(charge.taken_back_minor for charge in self.bank.charges.values())
        lost += sum(sum(charge.refunded.values()) for charge in self.bank.charges.values())
        assert left <= came + lost
