"""The doors over HTTP: forms, and scripts that send the same."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from creators.chat.models import Action, ChatRules, Filter, MessageState, Moderator, Sanction
from creators.chat.moderation import appeals, blocklists, sanctions
from creators.stage.mods_state import mods_state
from shops.checkout.owner import CartOwner
from shops.checkout.services import carts
from tests.factories.accounts import UserFactory
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(client, show):
    """post(user, door, **fields) posts as a script does; `page` as a form does."""

    def send(user, door, /, *, page=False, **fields):
        client.force_login(user)
        path = door if door.startswith("/") else f"/live/{show.pk}/moderation/{door}/"
        headers = {} if page else {"Accept": "application/json"}
        return client.post(path, fields, headers=headers)

    return send


def test_a_line_is_deleted_brought_back_and_pinned(post, erin, alice, say):
    line = say(alice)
    assert post(erin, "delete", message=line.pk, reason="rude").status_code == 204
    assert post(erin, "restore", message=line.pk).status_code == 204
    assert post(erin, "pin", message=line.pk).status_code == 204
    assert post(erin, "unpin").status_code == 204
    kinds = list(Action.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds[-4:] == ["delete", "restore", "pin", "unpin"]


def test_a_door_takes_the_lines_of_its_own_show_only(post, bob, olga, say):
    line = say(bob)
    answer = post(olga, f"/live/{line.piece_id + 1}/moderation/delete/", message=line.pk)
    assert answer.status_code == 404


def test_waiting_lines_are_judged(post, erin, alice, say):
    shown, rejected = (say(alice, state=MessageState.WITHHELD) for _ in range(2))
    assert post(erin, "show", message=shown.pk).status_code == 204
    assert post(erin, "reject", message=rejected.pk).status_code == 204
    again = post(erin, "show", message=rejected.pk)
    assert (again.status_code, again.json()["code"]) == (409, "judged_already")


def test_a_mute_has_a_length_a_scope_and_a_reason(post, frank, alice, now):
    post(frank, "mute", user=alice.pk, seconds=60, scope="creator", reason="slow down")
    sanction = Sanction.objects.get()
    assert (sanction.piece_id, sanction.reason) == (None, "slow down")
    assert sanction.until - sanction.at == timedelta(seconds=60)
    assert post(frank, "unmute", user=alice.pk).status_code == 204
    post(frank, "mute", user=alice.pk)
    assert Sanction.objects.latest("pk").until is None


def test_a_form_is_asked_before_it_bans(post, erin, alice, show):
    asked = post(erin, "ban", page=True, user=alice.pk, reason="spam")
    assert b"Ban Alice?" in asked.content
    assert not Sanction.objects.exists()
    done = post(erin, "ban", page=True, user=alice.pk, reason="spam", confirmed="1")
    assert done.headers["Location"] == f"/live/{show.pk}/moderation/"
    assert Sanction.objects.get().kind == "ban"
    assert post(erin, "unban", user=alice.pk).status_code == 204


def test_rules_are_set_and_given_back(post, erin, show):
    post(erin, "rules", slow_seconds=10, followers_only="on")
    row = ChatRules.objects.get()
    assert (row.slow_seconds, row.hold_seconds, row.followers_only) == (10, 0, True)
    post(erin, "rules", as_default="1")
    assert ChatRules.objects.get().as_default


def test_the_host_names_moderators_by_address_or_from_the_chat(post, bob, alice, dave, erin):
    assert post(bob, "moderators", email="ALICE@test.example").status_code == 204
    assert post(bob, "moderators", user=dave.pk, scope="creator").status_code == 204
    assert Moderator.objects.get(user=dave).piece_id is None
    nobody = post(bob, "moderators", email="nobody@test.example")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "nobody_to_add")
    # Who may name nobody is not told who has an account.
    assert post(erin, "moderators", email="nobody@test.example").status_code == 403
    moderator = Moderator.objects.get(user=alice)
    path = f"/moderation/moderators/{moderator.pk}/remove/"
    assert b"Take the role" in post(bob, path, page=True).content
    assert post(bob, path, page=True, confirmed="1").status_code == 302
    assert not Moderator.objects.filter(user=alice).exists()


def test_an_action_is_undone_once(post, erin, alice, show, now):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    path = f"/moderation/actions/{Action.objects.latest('pk').pk}/undo/"
    assert post(erin, path).status_code == 204
    again = post(erin, path)
    assert (again.status_code, again.json()["code"]) == (409, "undone_already")


def test_an_appeal_is_sent_and_answered(post, alice, bob, erin, show, now):
    sanction = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    assert post(alice, f"/sanctions/{sanction.pk}/appeal/", text="sorry").status_code == 204
    path = f"/appeals/{sanction.appeal.pk}/answer/"
    assert post(erin, path, decision="deny", words="no").status_code == 403
    assert post(bob, path, decision="deny").status_code == 400
    assert post(bob, path, decision="grant").status_code == 204
    sanction.refresh_from_db()
    assert sanction.lifted_by == bob


DOORS = ["mute", "ban", "unmute", "unban", "delete", "restore", "show", "reject", "pin", "unpin"]


@pytest.mark.parametrize("door", [*DOORS, "rules", "moderators"])
def test_a_viewer_is_refused_at_every_door(post, alice, dave, say, door):
    line = say(dave)
    fields = {"user": dave.pk, "message": line.pk, "slow_seconds": 5}
    assert post(alice, door, **fields).status_code == 403
    assert not Action.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_nonsense_is_refused_with_words(post, bob, door):
    answer = post(bob, door, user="x" * 99, message="-1")
    assert answer.status_code in (204, 400)
    assert (answer.status_code == 204) == (door == "unpin")


# --- What the banned see ----------------------------------------------------------------------


def test_a_banned_user_gets_a_page_that_says_why_and_nothing_else(client, show, alice, bob, now):
    sanctions.ban(
        piece_id=show.pk, user_id=alice.pk, by=bob, scope="creator", reason="spam", now=now
    )
    client.force_login(alice)
    answer = client.get(f"/live/{show.pk}/")
    page = answer.content.decode()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (403, "no-store")
    assert "You are banned from the shows of Bob" in page
    assert "spam" in page
    assert "for good" in page
    assert "data-live-page" not in page
    assert 'name="text"' in page
    for path in ("snapshot.json", "replay.json"):
        asked = client.get(f"/live/{show.pk}/{path}", headers={"Accept": "application/json"})
        assert (asked.status_code, asked.json()["code"]) == (403, "banned")


def test_a_ban_touches_neither_cart_nor_checkout(client, show, alice, bob, now):
    sku = SkuFactory(on_hand=5)
    carts.add_to_cart(owner=CartOwner(user_id=alice.pk), sku_id=sku.pk, quantity=1, now=now)
    sanctions.ban(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    client.force_login(alice)
    assert sku.product.title in client.get("/cart/").content.decode()
    assert client.get("/checkout/").status_code == 200


def test_a_host_is_never_shut_out_of_their_own_show(client, show, bob):
    client.force_login(bob)
    assert client.get(f"/live/{show.pk}/").status_code == 200


# --- Pages ------------------------------------------------------------------------------------


def test_the_desk_shows_what_waits_and_what_was_done(
    client, show, alice, bob, erin, frank, say, now
):
    say(alice, "what an idiot", state=MessageState.WITHHELD, why="filter:idiot")
    say(alice, "<b>hi</b>")
    muted = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, reason="be kind", now=now)
    appeals.appeal(sanction_id=muted.pk, by=alice, text="I am kind", now=now)
    for user, names in ((erin, False), (frank, False), (bob, True)):
        client.force_login(user)
        page = client.get(f"/live/{show.pk}/moderation/").content.decode()
        assert "A filter found “idiot”." in page
        assert "&lt;b&gt;hi" in page
        assert "be kind" in page
        assert "I am kind" in page
        assert ('name="email"' in page) is names
        assert ('name="decision"' in page) is (user != erin)
    client.force_login(alice)
    assert client.get(f"/live/{show.pk}/moderation/").status_code == 403


def test_the_log_is_filtered_by_kind(client, show, alice, bob, erin, now):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    client.force_login(bob)
    path = f"/live/{show.pk}/moderation/"
    assert 'data-action="' in client.get(path, {"kind": "mute"}).content.decode()
    assert 'data-action="' not in client.get(path, {"kind": "ban"}).content.decode()
    assert client.get(path, {"kind": "nothing"}).status_code == 400
    assert client.get(path, {"from": "9" * 30}).status_code == 200


def test_ones_own_sanctions_are_told_with_what_one_can_say(client, show, alice, dave, erin, now):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, reason="be kind", now=now)
    client.force_login(alice)
    page = client.get("/account/sanctions/").content.decode()
    assert "be kind" in page
    assert 'name="text"' in page
    assert "Erin" not in page
    client.force_login(dave)
    assert "be kind" not in client.get("/account/sanctions/").content.decode()


def test_a_filter_is_tried_before_it_is_used(client, show, bob, alice, say):
    say(alice, "a LAMP")
    client.force_login(bob)
    fields = {"kind": "words", "text": "lamp", "effect": "refuse", "sentence": "l4mp"}
    page = client.post("/creator/chat/filters/", fields).content.decode()
    assert "1 of the last 1 lines would have been found." in page
    assert "It would find “lamp” in your sentence." in page
    assert not Filter.objects.exists()
    client.post("/creator/chat/filters/", {**fields, "save": "1"})
    kept = Filter.objects.get()
    bad = client.post("/creator/chat/filters/", {**fields, "kind": "pattern", "text": "("})
    assert (bad.status_code, b"not closed" in bad.content) == (400, True)
    client.post(f"/creator/chat/filters/{kept.pk}/remove/")
    kept.refresh_from_db()
    assert kept.removed_at is not None


def test_what_all_shows_begin_with_is_set(client, bob):
    client.force_login(bob)
    client.post("/creator/chat/rules/", {"slow_seconds": "30", "as_default": "1"})
    row = ChatRules.objects.get()
    assert (row.piece_id, row.slow_seconds, row.as_default) == (None, 30, False)


def test_all_sanctions_are_searched(client, show, bob, alice, dave, now):
    for user, why in ((alice, "spam"), (dave, "rude")):
        sanctions.ban(piece_id=show.pk, user_id=user.pk, by=bob, reason=why, now=now)
    client.force_login(bob)
    for words in ("ali", "SPAM"):
        page = client.get("/creator/chat/", {"q": words}).content.decode()
        found = page[page.index('id="sanctions"') : page.index('id="lists"')]
        assert "Alice" in found
        assert "Dave" not in found


def test_a_block_list_is_given_looked_at_taken_and_undone(client, show, bob, alice, carol, now):
    from tests.factories.creators import CreatorFactory

    sanctions.ban(
        piece_id=show.pk, user_id=alice.pk, by=bob, scope="creator", reason="spam", now=now
    )
    client.force_login(bob)
    given = client.get("/creator/chat/block-list.json")
    assert "attachment" in given.headers["Content-Disposition"]
    other = CreatorFactory()
    client.force_login(other.user)
    path = "/creator/chat/block-list/"
    file = SimpleUploadedFile("list.json", given.content)
    look = client.post(path, {"file": file}).content.decode()
    assert "Alice" in look
    assert not Sanction.objects.filter(creator=other).exists()
    client.post(path, {"list": given.content.decode()})
    assert Sanction.objects.get(creator=other).user == alice
    action = Action.objects.get(creator=other)
    client.post(f"/moderation/actions/{action.pk}/undo/")
    assert Sanction.objects.get(creator=other).lifted_at is not None
    bad = client.post(path, {"file": SimpleUploadedFile("x", b"{}")})
    assert (bad.status_code, b"not a block list" in bad.content) == (400, True)
    large = SimpleUploadedFile("x", b" " * (blocklists.MOST_BYTES + 1))
    assert b"too large" in client.post(path, {"file": large}).content
    assert json.loads(given.content)["bans"][0]["user"] == alice.pk


def test_settings_are_for_creators(client, alice):
    client.force_login(alice)
    assert client.get("/creator/chat/").headers["Location"] == "/creator/join/"


def test_thousands_of_bans_are_neither_listed_nor_told_all(
    client, show, bob, frank, now, django_assert_max_num_queries
):
    for user in UserFactory.create_batch(120):
        Sanction.objects.create(kind="ban", creator=bob.creator, user=user, by=bob, at=now)
    client.force_login(frank)
    with django_assert_max_num_queries(40):
        page = client.get(f"/live/{show.pk}/moderation/")
    assert page.content.count(b"data-sanction=") == 100
    assert b"And 20 more" in page.content
    last = Sanction.objects.order_by("pk").first().user.display_name
    found = client.get(f"/live/{show.pk}/moderation/", {"q": last})
    assert 1 <= found.content.count(b"data-sanction=") <= 100
    assert len(mods_state(show.pk, now=now).sanctions) == 100


def test_a_reason_has_no_characters_that_do_harm(show, bob, alice, now):
    """A socket's, or a block list's, may have any."""
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, reason="a\x00\u202eb", now=now)
    assert Sanction.objects.get().reason == "a b"


def test_all_that_was_done_in_all_shows_can_be_reached_in_the_settings(client, show, bob, now):
    actions = [
        Action.objects.create(kind="pin", creator=bob.creator, by=bob, at=now, reason=f"n {n:03}")
        for n in range(31)
    ]
    client.force_login(bob)
    first = client.get("/creator/chat/").content.decode()
    assert "?from=30#log" in first
    assert actions[0].reason not in first
    last = client.get("/creator/chat/", {"from": "30"}).content.decode()
    assert actions[0].reason in last
    assert '#log"' not in last
