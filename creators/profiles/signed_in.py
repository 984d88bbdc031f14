"""The user of a request that needed somebody to be signed in."""

from django.http import HttpRequest

from shops.accounts.models import User
from shops.facts.refused import NotAllowed


def signed_in(request: HttpRequest) -> User:
    """Return the user of a request; `login_required` has sent guests to the sign-in page.

    :raises NotAllowed: nobody is signed in
    """
    if not isinstance(request.user, User):
        raise NotAllowed
    return request.user
