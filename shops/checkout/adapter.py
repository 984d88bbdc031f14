"""At sign-in, what a browser had put in its cart goes to the user."""

import uuid
from datetime import UTC, datetime
from typing import Any

from shops.accounts.adapter import AccountAdapter
from shops.checkout.owner import SESSION_KEY
from shops.checkout.services import merge_carts


class CheckoutAccountAdapter(AccountAdapter):
    def login(self, request: Any, user: Any) -> None:
        # Before: the session starts afresh when somebody else was signed in.
        token = request.session.get(SESSION_KEY)
        super().login(request, user)
        if token:
            merge_carts(token=uuid.UUID(token), user_id=user.pk, now=datetime.now(UTC))
            request.session.pop(SESSION_KEY, None)
