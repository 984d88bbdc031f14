"""How allauth meets our user model."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nothing about a user is derived from a username: there is none."""

    def populate_username(self, request: Any, user: Any) -> None:
        return None
