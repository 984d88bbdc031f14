"""A held line is shown on time even when the process that took it is no more."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from creators.chat.models import Message
from creators.stage import desk as desk_module
from creators.stage.desk import desk_here
from creators.stage.threads import in_thread
from tests.creators.stage.waiting import until
from tests.factories.accounts import UserFactory
from tests.factories.creators import LiveSessionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def left_behind():
    """What a process took two seconds ago, before it was killed."""
    now = datetime.now(UTC)
    return Message.objects.create(
        piece=LiveSessionFactory().piece,
        author=UserFactory(),
        client_id=uuid.uuid4(),
        body="still here",
        sent_at=now - timedelta(seconds=2),
        state="held",
        shown_at=now - timedelta(seconds=1),
    )


async def test_any_process_shows_what_a_dead_one_held(left_behind, hub, monkeypatch):
    monkeypatch.setattr(desk_module, "ROUND_SECONDS", 0.01)
    desk = desk_here()
    shown = []
    show = desk_module.show_held_lines
    monkeypatch.setattr(desk_module, "show_held_lines", lambda: shown.append(show()))
    rounds = desk.hub.spawn(desk._go_round())
    await until(lambda: shown)
    rounds.cancel()
    await in_thread(left_behind.refresh_from_db)
    assert left_behind.is_seen
