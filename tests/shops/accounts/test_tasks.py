from datetime import timedelta

from django.contrib.sessions.models import Session

from shops.accounts.tasks import forget_sessions


def test_only_sessions_that_are_over_are_forgotten(db, now):
    for key, lasts in (("over", -1), ("open", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=now + timedelta(hours=lasts)
        )
    forget_sessions(timestamp=0)
    assert [session.session_key for session in Session.objects.all()] == ["open"]
