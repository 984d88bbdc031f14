"""How allauth meets our user model."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from shops.accounts.emails import checked_email


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nothing about a user is derived from a username: there is none."""

    def clean_email(self, email: str) -> str:
        return checked_email(email)

    def populate_username(self, request: Any, user: Any) -> None:
        return None
