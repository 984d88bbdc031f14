import pytest

from creators.social import queries, services
from shops.facts.models import Event
from shops.facts.refused import NotFound

pytestmark = pytest.mark.django_db


def test_following_and_stopping_are_told_once_each(bob, alice, now):
    for _ in range(2):
        services.follow(creator_id=bob.creator.pk, user=alice, now=now)
    assert queries.is_following(creator_id=bob.creator.pk, user=alice)
    assert queries.count_followers(bob.creator.pk) == 1
    for _ in range(2):
        services.unfollow(creator_id=bob.creator.pk, user=alice)
    assert not queries.is_following(creator_id=bob.creator.pk, user=alice)
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["Followed", "Unfollowed"]


def test_followers_are_found_among_many(bob, alice, dave, now):
    services.follow(creator_id=bob.creator.pk, user=alice, now=now)
    found = queries.followers_among(creator_id=bob.creator.pk, user_ids=[alice.pk, dave.pk])
    assert found == {alice.pk}


def test_nobody_follows_themselves_or_nobody(bob, now):
    with pytest.raises(services.FollowsOneself):
        services.follow(creator_id=bob.creator.pk, user=bob, now=now)
    with pytest.raises(NotFound):
        services.follow(creator_id=10**9, user=bob, now=now)


def test_the_button_follows_and_comes_back(client, bob, alice):
    client.force_login(alice)
    page = client.get("/creators/bob/").content.decode()
    assert 'action="/creators/bob/follow/"' in page
    answer = client.post("/creators/bob/follow/", {"next": "/live/7/"})
    assert answer.headers["Location"] == "/live/7/"
    assert 'action="/creators/bob/unfollow/"' in client.get("/creators/bob/").content.decode()
    script = client.post("/creators/bob/unfollow/", headers={"Accept": "application/json"})
    assert script.status_code == 204
    elsewhere = client.post("/creators/bob/follow/", {"next": "https://evil.example/"})
    assert elsewhere.headers["Location"] == "/creators/bob/"


def test_who_follows_is_nobody_elses_business(client, bob, alice, dave, now):
    services.follow(creator_id=bob.creator.pk, user=alice, now=now)
    client.force_login(dave)
    assert "Alice" not in client.get("/creators/bob/").content.decode()


def test_guests_sign_in_first_and_creators_have_no_button(client, bob):
    assert "login" in client.post("/creators/bob/follow/").headers["Location"]
    client.force_login(bob)
    assert "follow/" not in client.get("/creators/bob/").content.decode()
