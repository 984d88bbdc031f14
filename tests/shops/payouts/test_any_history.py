"""Whatever happens to orders, in whatever sequence: the books add up, and nobody gets too much."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from creators.pieces import referral
from shops.ledger import checkpoints
from shops.ledger import checks as ledger_checks
from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.payouts import checks, paying, reactions, settling
from shops.payouts.accounts import save_account
from shops.payouts.models import Payout, PayoutState, Settlement, SettlementState
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ShopFactory
from tests.factories.payouts import came_back, charged_back, delivered, refund, refunded, won

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

rates = st.sampled_from([0, 1, 333, 500, 1_000, 4_999, 10_000])
steps = st.lists(
    st.sampled_from(
        [
            "settle",
            "refund",
            "late refund",
            "post late",
            "send back",
            "charge back",
            "win",
            "reserve",
            "pay",
            "bounce",
        ]
    ),
    max_size=10,
)


@st.composite
def lines(draw):
    price = draw(st.sampled_from([1, 2, 3, 99, 1_000, 12_345, 999_999_999]))
    quantity = draw(st.integers(1, 3))
    discount = draw(st.integers(0, price * quantity))
    tax_bps = draw(st.sampled_from([0, 550, 2_200]))
    return {
        "quantity": quantity,
        "unit_price_minor": price,
        "discount_minor": discount,
        "tax_bps": tax_bps,
        "tax_minor": (price * quantity - discount) * tax_bps // (10_000 + tax_bps),
        "is_tax_inclusive": draw(st.booleans()),
        "fee_bps": draw(rates),
        "commission_bps": draw(rates),
        "referral": draw(st.sampled_from(["", "forged", referral.make(1, 7), referral.make(2, 8)])),
    }


class AnyHistory(TestCase):
    @given(
        sold=st.lists(lines(), min_size=1, max_size=3),
        shipping=st.sampled_from([0, 1, 590]),
        currency=st.sampled_from(["EUR", "JPY", "KWD"]),
        steps=steps,
        data=st.data(),
    )
    def test_adds_up(self, sold, shipping, currency, steps, data):
        shop, user = ShopFactory(currency=currency), UserFactory()
        order = delivered(
            now=NOW, shop=shop, lines=sold, currency=currency, shipping_minor=shipping
        )
        owners = [f"shop:{shop.pk}", "creator:7", "creator:8"]
        for owner in owners:
            save_account(owner=owner, holder="Carol", number="ACCOUNT01", bic="", by=user, now=NOW)
        given, late, taken, lost, at = [], [], None, 0, NOW
        for step in steps:
            at += timedelta(days=11)
            left = order.total_minor - order.refunded_minor
            match step:
                case "settle":
                    settling.settle_due(now=at)
                case "refund" | "late refund" if left and not taken:
                    amount = data.draw(st.integers(1, left))
                    if step == "refund":
                        given.append(refunded(order, amount, now=at))
                    else:
                        late.append(refund(order, amount, now=at))
                case "post late" if late:
                    reactions.reverse_released(late.pop(), event_id=0, now=at)
                case "send back" if given and not taken:
                    came_back(given.pop(), now=at)
                    order.refresh_from_db()
                case "charge back" if left and not taken:
                    # Banks do not know what was refunded.
                    amount = data.draw(st.sampled_from([left, order.total_minor]))
                    lost = amount - left
                    taken = charged_back(order, amount, now=at)
                case "win" if taken:
                    won(taken, now=at)
                    taken, lost = None, 0
                case "reserve":
                    settling.release_reserves(now=at)
                case "pay" | "bounce":
                    run = paying.start_run(run_id=data.draw(st.uuids(version=4)), now=at)
                    paid = step == "pay"
                    for payout in run.payouts.all():
                        paying.confirm(payout_id=payout.pk, is_paid=paid, reason="", now=at)
            checkpoints.write(now=at, least=data.draw(st.sampled_from([1, 100])))
        for fact in late:
            reactions.reverse_released(fact, event_id=0, now=at)
        settling.settle_due(now=at + timedelta(days=1))
        settling.release_reserves(now=at)

        assert list(ledger_checks.off()) == []
        assert list(checks.off(now=at)) == []
        row = Settlement.objects.get(order=order)
        balances = Counter()
        for trial in ledger.trial_balance():
            balance = ledger.balance(account=trial.account)
            assert balance == trial.balance_minor
            balances[trial.account.kind] -= balance
        gone = order.total_minor if taken else order.refunded_minor
        paid_out = sum(
            Payout.objects.filter(state=PayoutState.PAID).values_list("amount_minor", flat=True)
        )
        assert balances[Kind.ORDER_ESCROW] == 0
        assert balances[Kind.PAYOUT_CLEARING] == 0
        assert -balances[Kind.PSP_CLEARING] == order.total_minor - gone - lost - paid_out
        assert -balances[Kind.CHARGE_BACK_LOSS] == lost
        if row.state == SettlementState.SETTLED:
            assert row.left_minor == order.total_minor - gone
            assert row.left_minor == paid_out + sum(
                balances[kind]
                for kind in (
                    Kind.SELLER_PAYABLE,
                    Kind.SELLER_RESERVE,
                    Kind.CREATOR_COMMISSION_PAYABLE,
                    Kind.PLATFORM_FEE,
                    Kind.CREATOR_FUND,
                    Kind.TAX_PAYABLE,
                )
            )
        for kind in (Kind.PLATFORM_FEE, Kind.CREATOR_FUND, Kind.TAX_PAYABLE, Kind.SELLER_RESERVE):
            assert 0 <= balances[kind] <= row.left_minor
