"""What became of payments, in words for their buyer."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_WHY: Final[dict[str, Promise]] = {
    "card_declined": _("The card was declined."),
    "insufficient_funds": _("There is not enough money on the card."),
    "expired_card": _("The card has expired."),
    "incorrect_cvc": _("The security code was not the card's."),
    "lost_card": _("The card was declined."),
    "stolen_card": _("The card was declined."),
    "processing_error": _("Something went wrong at the provider."),
    "authentication_failed": _("Your bank did not confirm the payment."),
    "authentication_required": _("Your bank wants to confirm the payment."),
    "payment_intent_authentication_failure": _("Your bank did not confirm the payment."),
    "unknown_card": _("The provider does not know this card."),
    "amount_not_possible": _("The provider can't take this amount in this currency."),
    "cancelled": _("The payment was given up."),
}


def why_not(code: str) -> Promise:
    """Say why a payment failed, in general terms where its code tells a buyer nothing."""
    return _WHY.get(code, _("The payment did not go through."))
