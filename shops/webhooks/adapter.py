"""A new password ends what a program may do in its user's name."""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from shops.checkout.adapter import CheckoutAccountAdapter
from shops.webhooks.services.tokens import revoke_all


class AccountAdapter(CheckoutAccountAdapter):
    @transaction.atomic
    def set_password(self, user: Any, password: str) -> None:
        """Keep a new password, and revoke the user's API tokens in the same transaction.

        Who changes it may do so because somebody else got in, and made one.
        """
        super().set_password(user, password)
        revoke_all(user=user, now=datetime.now(UTC))
