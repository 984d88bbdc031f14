"""erin moderates bob's show, frank all of bob's shows."""

import uuid

import pytest

from creators.chat.models import Message
from creators.chat.moderation import moderators
from creators.chat.moderation.authority import place_of
from tests.factories.accounts import UserFactory


@pytest.fixture
def place(show):
    return place_of(show.pk)


@pytest.fixture
def erin(erin, show, bob, now, place):
    moderators.add_moderator(place=place, user_id=erin.pk, by=bob, now=now)
    return erin


@pytest.fixture
def frank(show, bob, now, place):
    user = UserFactory(email="frank@test.example", display_name="Frank")
    moderators.add_moderator(place=place.everywhere, user_id=user.pk, by=bob, now=now)
    return user


@pytest.fixture
def say(show, now):
    """say(author, body) writes a line in bob's show as if it were there already."""

    def write(author, body="hello", **fields):
        return Message.objects.create(
            **{
                "piece_id": show.pk,
                "author": author,
                "client_id": uuid.uuid4(),
                "body": body,
                "sent_at": now,
                **fields,
            }
        )

    return write
