"""A private show and a rehearsal: nothing is there for who was not invited, at any door."""

import uuid

import pytest

from creators.audience.models import ProductClick
from creators.chat.models import Message
from creators.chat.moderation import moderators
from creators.chat.moderation.authority import place_of
from creators.live import access, queries
from creators.live.models import LiveSession, ShowState
from creators.pieces import referral
from creators.pieces.access import invite_for
from shops.checkout.models import CartLine
from tests.factories.creators import LiveSessionFactory

JSON = {"accept": "application/json"}


@pytest.fixture
def private(show):
    show.visibility = LiveSession.Visibility.PRIVATE
    show.save()
    return show


@pytest.fixture
def viewer(client, alice):
    client.force_login(alice)
    return client


def _try_all(client, show, product):
    """Knock at every door over HTTP; returns what each answered."""
    click = {"product": product.pk}
    line = {"client_id": str(uuid.uuid4()), "body": "Hello"}
    return [
        client.get(f"/live/{show.pk}/").status_code,
        client.get(f"/live/{show.pk}/snapshot.json").status_code,
        client.post(f"/live/{show.pk}/click/", click, headers=JSON).status_code,
        client.post(f"/live/{show.pk}/chat/", line, headers=JSON).status_code,
    ]


def test_a_stranger_finds_nothing_of_a_private_show(viewer, private, product):
    assert _try_all(viewer, private, product) == [404] * 4
    assert not Message.objects.exists()
    assert not ProductClick.objects.exists()


def test_a_public_show_is_for_everybody(viewer, show, product):
    assert _try_all(viewer, show, product) == [200, 200, 204, 201]


def test_who_opened_the_invite_link_is_let_in_everywhere(viewer, private, product):
    assert viewer.get(access.invite_path(private)).status_code == 200
    assert _try_all(viewer, private, product) == [200, 200, 204, 201]


@pytest.mark.parametrize("is_everywhere", [True, False])
def test_who_moderates_a_private_show_needs_no_invite(
    viewer, private, product, alice, bob, now, is_everywhere
):
    other = LiveSessionFactory(piece__creator=bob.creator, visibility="private")
    place = place_of(private.pk)
    added = moderators.add_moderator(
        place=place.everywhere if is_everywhere else place, user_id=alice.pk, by=bob, now=now
    )
    assert _try_all(viewer, private, product) == [200, 200, 204, 201]
    assert viewer.get(f"/live/{other.pk}/").status_code == (200 if is_everywhere else 404)
    moderators.remove_moderator(moderator_id=added.pk, by=bob, now=now)
    assert _try_all(viewer, private, product) == [404] * 4


def test_an_invite_is_good_for_its_show_only(viewer, private, product):
    other = LiveSessionFactory(visibility="private")
    for invite in (invite_for(other.pk), "", "x" * 43, "é"):
        assert viewer.get(f"/live/{private.pk}/", {"invite": invite}).status_code == 404
    assert _try_all(viewer, private, product) == [404] * 4


def test_the_host_needs_no_invite(client, private, product, bob):
    client.force_login(bob)
    assert _try_all(client, private, product) == [200, 200, 204, 201]


def test_a_public_show_has_no_invite_link(show, private):
    assert access.invite_path(private)
    private.visibility = "public"
    assert access.invite_path(private) == ""


def test_an_ended_rehearsal_is_closed_to_its_host_too(show, bob, now):
    show.rehearsal_of = LiveSessionFactory(piece__creator=bob.creator)
    show.save()
    assert access.may_watch(show, user=bob, invited=False)
    show.state, show.ended_at = ShowState.ENDED, now
    show.save()
    assert not access.may_watch(show, user=bob, invited=True)


@pytest.mark.parametrize("is_invited", [False, True])
def test_a_sale_is_credited_to_a_private_show_for_the_invited_only(
    viewer, private, product, is_invited
):
    if is_invited:
        viewer.get(access.invite_path(private))
    earned = referral.make(private.pk, private.piece.creator_id)
    sku = product.skus.get()
    viewer.post("/cart/add/", {"sku": sku.pk, "quantity": 1, "referral": earned})
    assert CartLine.objects.get().referral == (earned if is_invited else "")


def test_a_show_is_not_credited_by_what_we_did_not_sign(viewer, show, product):
    forged = f"{referral.prefix(show.pk)}{show.piece.creator_id}.0.signed-by-me"
    viewer.post("/cart/add/", {"sku": product.skus.get().pk, "quantity": 1, "referral": forged})
    assert CartLine.objects.get().referral == ""


def test_lists_for_everybody_have_public_shows_only(client, bob, now):
    public = LiveSessionFactory(piece__creator=bob.creator, piece__title="Seen by all")
    LiveSessionFactory(piece__creator=bob.creator, piece__title="For friends", visibility="private")
    LiveSessionFactory(piece__creator=bob.creator, piece__title="Only a trial", rehearsal_of=public)
    assert queries.live_now() == [public]
    for page in ("/", "/creators/bob/"):
        text = client.get(page).content.decode()
        assert "Seen by all" in text
        assert "For friends" not in text
        assert "Only a trial" not in text


def test_the_studio_lists_private_shows_but_no_rehearsals(client, bob, show):
    LiveSessionFactory(
        piece__creator=bob.creator,
        piece__title="For friends",
        visibility="private",
        state=ShowState.SCHEDULED,
    )
    LiveSessionFactory(piece__creator=bob.creator, piece__title="A trial", rehearsal_of=show)
    client.force_login(bob)
    text = client.get("/creator/").content.decode()
    assert "For friends" in text
    assert "A trial" not in text
