"""The cards of the sandbox provider and what each of them does."""

from dataclasses import dataclass
from typing import Final, Literal

# How the news of a charge travels: the same message twice, long after, a later one before an
# earlier one, or not at all.
Webhooks = Literal["once", "twice", "late", "shuffled", "never"]


@dataclass(frozen=True)
class Card:
    """`failure_code` "" means that the charge succeeds."""

    token: str
    label: str
    failure_code: str = ""
    # Answers "pending" first; how it ended comes by webhook.
    is_slow: bool = False
    # Charges, but keeps the caller waiting longer than any caller waits.
    stalls: bool = False
    # The buyer's bank asks the buyer first, on a page of its own (3-D Secure).
    asks_buyer: bool = False
    webhooks: Webhooks = "once"
    # Is paid, and a while later the buyer's bank takes the money back.
    charges_back: bool = False


CARDS: Final = (
    Card("tok_success", label="4242 — is paid at once"),
    Card("tok_declined", label="0002 — is declined", failure_code="card_declined"),
    Card(
        "tok_insufficient_funds",
        label="9995 — has too little money",
        failure_code="insufficient_funds",
    ),
    Card("tok_3ds", label="3184 — asks you on your bank's page (3-D Secure)", asks_buyer=True),
    Card("tok_delay", label="3220 — is paid after a few seconds", is_slow=True),
    Card("tok_timeout", label="0044 — is paid, but the provider's answer is lost", stalls=True),
    Card("tok_chargeback", label="0259 — is paid, and charged back later", charges_back=True),
    Card(
        "tok_webhook_twice",
        label="2200 — is paid soon; the news comes twice",
        is_slow=True,
        webhooks="twice",
    ),
    Card(
        "tok_webhook_late",
        label="2201 — is paid soon; the news comes late",
        is_slow=True,
        webhooks="late",
    ),
    Card(
        "tok_webhook_out_of_order",
        label="2202 — is paid soon; the news comes out of order",
        is_slow=True,
        webhooks="shuffled",
    ),
    Card(
        "tok_webhook_never",
        label="2203 — is paid soon; no news comes",
        is_slow=True,
        webhooks="never",
    ),
)
BY_TOKEN: Final = {card.token: card for card in CARDS}
