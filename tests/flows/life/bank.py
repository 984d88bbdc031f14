"""A provider in memory whose truth is known: what it really charged, gave back and paid out.

What it answers is another matter: an answer may be lost, a request may never come, and its messages
come late, twice and in any order.
"""

import uuid
from dataclasses import dataclass, field

import msgspec

from shops.payments.providers import Choice, NoAnswer, Rejected, Unheard, Unreadable
from shops.payments.sandbox.cards import CARDS
from shops.payments.wire import ChargeBackReport, ChargeReport, PayoutReport, RefundReport

FINE, LOST, AWAY = "fine", "lost", "away"
_KINDS = {kind.__name__: kind for kind in (ChargeReport, RefundReport, ChargeBackReport)}


@dataclass
class Charge:
    amount_minor: int
    currency: str
    state: str
    refunded: dict = field(default_factory=dict)
    taken_back_minor: int = 0
    disputed_minor: int = 0
    is_won: bool = False
    sent_back: dict = field(default_factory=dict)


class Bank:
    """`mood` is what becomes of the next requests."""

    name = "sandbox"

    def open(self):
        """Begin with empty books, in a good mood."""
        self.mood = FINE
        self.charges = {}
        self.payouts = {}
        self.messages = []

    # --- What the provider is asked --------------------------------------------------------

    def choices(self):
        return [Choice(card.token, card.label) for card in CARDS]

    def page_url(self, ref):
        return f"https://bank.example/{ref}"

    def prepare(self, ask):
        return ""

    def charge(self, ask):
        self._hear()
        charge = self.charges.get(ask.key)
        if charge is None:
            state = "failed" if ask.card_token == "tok_declined" else "succeeded"
            charge = self.charges[ask.key] = Charge(ask.amount_minor, ask.currency, state)
            self._tell(self._charge_report(ask.key))
        return self._answer(self._charge_report(ask.key))

    def find(self, *, key, ref):
        self._hear()
        if key not in self.charges:
            raise Unheard
        return self._answer(self._charge_report(key))

    def capture(self, *, key, ref, amount_minor, currency):
        raise Rejected("not_authorized")

    def cancel(self, *, key, ref):
        self._hear()
        if key not in self.charges:
            self.charges[key] = Charge(0, "EUR", "cancelled")
        return self._answer(self._charge_report(key))

    def refund(self, *, key, charge_key, charge_ref, amount_minor, currency):
        self._hear()
        charge = self.charges[charge_key]
        if key in charge.sent_back:
            return self._answer(self._refund_report(key, charge.sent_back[key], "failed"))
        if key not in charge.refunded:
            left = charge.amount_minor - sum(charge.refunded.values()) - charge.taken_back_minor
            if charge.state != "succeeded" or amount_minor > left:
                raise Rejected("charge_already_refunded")
            charge.refunded[key] = amount_minor
        report = self._refund_report(key, charge.refunded[key], "succeeded")
        self._tell(report)
        return self._answer(report)

    def chargebacks(self, *, since):
        self._hear()
        disputed = [key for key, charge in self.charges.items() if charge.disputed_minor]
        return self._answer([self._charge_back_report(key) for key in disputed])

    def payout(self, *, key, amount_minor, currency, account):
        self._hear()
        known = self.payouts.setdefault(key, (amount_minor, currency))
        return self._answer(
            PayoutReport(
                key=str(key),
                ref=f"po_{key}",
                state="paid",
                amount_minor=known[0],
                currency=known[1],
            )
        )

    def read(self, body):
        try:
            told = msgspec.json.decode(body)
            return msgspec.convert(told["data"], _KINDS[told["type"]])
        except (msgspec.MsgspecError, KeyError):
            raise Unreadable from None

    # --- What only a test does -------------------------------------------------------------

    def take_back(self, key):
        """Have the buyer's bank take a charge back, once."""
        charge = self.charges[key]
        left = charge.amount_minor - sum(charge.refunded.values())
        if charge.state != "succeeded" or charge.disputed_minor or not left:
            return
        charge.taken_back_minor = charge.disputed_minor = left
        self._tell(self._charge_back_report(key))

    def decide_for_the_shop(self, key):
        """Have the shop win a charge-back."""
        charge = self.charges[key]
        if charge.taken_back_minor:
            charge.is_won, charge.taken_back_minor = True, 0
            self._tell(self._charge_back_report(key))

    def send_refund_back(self, key):
        """Have the buyer's bank send a charge's newest refund back."""
        charge = self.charges[key]
        if charge.refunded:
            refund, amount = charge.refunded.popitem()
            charge.sent_back[refund] = amount
            self._tell(self._refund_report(refund, amount, "failed"))

    # --- Within ----------------------------------------------------------------------------

    def _hear(self):
        if self.mood == AWAY:
            raise NoAnswer("away")

    def _answer(self, report):
        if self.mood == LOST:
            raise NoAnswer("lost")
        return report

    def _tell(self, report):
        body = {"type": type(report).__name__, "data": msgspec.to_builtins(report)}
        self.messages.append((f"msg_{uuid.uuid4().hex}", msgspec.json.encode(body)))

    def _charge_back_report(self, key):
        charge = self.charges[key]
        return ChargeBackReport(
            ref=f"cb_{key}",
            charge_ref=f"ch_{key}",
            amount_minor=charge.disputed_minor,
            currency=charge.currency,
            reason="fraudulent",
            is_won=charge.is_won,
        )

    def _refund_report(self, key, amount_minor, state):
        return RefundReport(
            key=str(key), ref=f"re_{key}", state=state, amount_minor=amount_minor, currency="EUR"
        )

    def _charge_report(self, key):
        charge = self.charges[key]
        return ChargeReport(
            key=str(key),
            ref=f"ch_{key}",
            state=charge.state,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            failure_code="card_declined" if charge.state == "failed" else "",
        )


_BANK = Bank()


def the_bank():
    return _BANK
