"""What views of the API know of who asks."""

from typing import cast

from shops.accounts.models import User
from shops.facts.rest import ApiView


class UserView(ApiView):
    """A view for who is known; its `scopes` see to that."""

    @property
    def user(self) -> User:
        return cast(User, self.request.user)
