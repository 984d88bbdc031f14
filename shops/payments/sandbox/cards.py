"""The cards of the sandbox provider and what each of them does."""

from dataclasses import dataclass
from typing import Final


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


CARDS: Final = (
    Card("tok_success", label="4242 — is paid at once"),
    Card("tok_declined", label="0002 — is declined", failure_code="card_declined"),
    Card(
        "tok_insufficient_funds",
        label="9995 — has too little money",
        failure_code="insufficient_funds",
    ),
    Card("tok_delay", label="3220 — is paid after a few seconds", is_slow=True),
    Card("tok_timeout", label="0044 — is paid, but the provider's answer is lost", stalls=True),
)
BY_TOKEN: Final = {card.token: card for card in CARDS}
