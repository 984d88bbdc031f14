"""Who may do what: every action by everybody."""

from datetime import timedelta

import pytest

from creators.chat import pinning, questions
from creators.chat.models import Action, Appeal, MessageState, Question
from creators.chat.moderation import (
    appeals,
    blocklists,
    lines,
    moderators,
    rules,
    sanctions,
    screening,
    undoing,
)
from creators.chat.moderation.filters import Rule
from shops.facts.refused import NotAllowed
from tests.factories.accounts import UserFactory
from tests.factories.creators import CreatorFactory

pytestmark = pytest.mark.django_db

EMPTY = b"""{"format": "liveshop-block-list", "version": 1, "site": "", "creator": "x",
"exported_at": "2026-01-01T00:00:00Z", "bans": []}"""

WHO = ["viewer", "author", "other_creator", "moderator", "moderator_of_all", "host", "operator"]
MODERATORS = {"moderator", "moderator_of_all", "host", "operator"}
JUDGES = {"moderator_of_all", "host", "operator"}
HOSTS = {"host", "operator"}
MAY = {
    "delete": MODERATORS | {"author"},
    "restore": MODERATORS,
    "show_held": MODERATORS,
    "reject_held": MODERATORS,
    "pin": MODERATORS,
    "unpin": MODERATORS,
    "answer_question": MODERATORS,
    "delete_question": MODERATORS | {"author"},
    "mute": MODERATORS,
    "mute_everywhere": JUDGES,
    "ban": MODERATORS,
    "ban_everywhere": JUDGES,
    "unmute": MODERATORS,
    "lift_everywhere": JUDGES,
    "rules": MODERATORS,
    "default_rules": HOSTS,
    "add_filter": HOSTS,
    "add_moderator": HOSTS,
    "add_moderator_of_all": HOSTS,
    "remove_moderator": HOSTS,
    "answer_appeal": JUDGES,
    "export": HOSTS,
    "import": HOSTS,
    "undo": MODERATORS,
}


class Acts:
    def __init__(self, show, place, say, by_least, now, author):
        self.show, self.place, self.now = show, place, now
        self.line = say(author)
        self.target = UserFactory()
        self.say, self.author, self.by_least = say, author, by_least

    def do(self, name, by):
        getattr(self, name.replace("import", "import_"))(by)

    def delete(self, by):
        lines.delete_message(message_id=self.line.pk, by=by, now=self.now)

    def restore(self, by):
        lines.delete_message(message_id=self.line.pk, by=self.by_least, now=self.now)
        lines.restore_message(message_id=self.line.pk, by=by, now=self.now)

    def _judge(self, by, show):
        held = self.say(self.author, state=MessageState.WITHHELD)
        lines.judge_line(message_id=held.pk, show=show, by=by, now=self.now)

    def show_held(self, by):
        self._judge(by, True)

    def reject_held(self, by):
        self._judge(by, False)

    def pin(self, by):
        pinning.pin_line(piece_id=self.show.pk, message_id=self.line.pk, by=by, now=self.now)

    def unpin(self, by):
        self.pin(self.by_least)
        pinning.unpin_line(piece_id=self.show.pk, by=by, now=self.now)

    def _question(self):
        return Question.objects.create(
            piece_id=self.show.pk,
            author=self.author,
            client_id=self.line.client_id,
            body="?",
            asked_at=self.now,
        )

    def answer_question(self, by):
        asked = self._question()
        questions.answer(question_id=asked.pk, piece_id=self.show.pk, by=by, now=self.now)

    def delete_question(self, by):
        asked = self._question()
        questions.delete_question(question_id=asked.pk, piece_id=self.show.pk, by=by, now=self.now)

    def _sanction(self, by, kind, place):
        return sanctions.impose(
            kind=kind,
            place=place,
            user_id=self.target.pk,
            by=by,
            lasts=timedelta(minutes=5),
            now=self.now,
        )

    def mute(self, by):
        self._sanction(by, "mute", self.place)

    def mute_everywhere(self, by):
        self._sanction(by, "mute", self.place.everywhere)

    def ban(self, by):
        self._sanction(by, "ban", self.place)

    def ban_everywhere(self, by):
        self._sanction(by, "ban", self.place.everywhere)

    def unmute(self, by):
        self.mute(self.by_least)
        sanctions.unmute(piece_id=self.show.pk, user_id=self.target.pk, by=by, now=self.now)

    def _everywhere(self, frank):
        return self._sanction(frank, "ban", self.place.everywhere)

    def lift_everywhere(self, by):
        sanctions.lift(sanction_id=self._everywhere(self.frank).pk, by=by, now=self.now)

    def rules(self, by):
        rules.set_rules(place=self.place, by=by, now=self.now, slow_seconds=5)

    def default_rules(self, by):
        rules.set_rules(place=self.place.everywhere, by=by, now=self.now, slow_seconds=5)

    def add_filter(self, by):
        screening.add_filter(
            creator_id=self.place.creator_id,
            rule=Rule(0, "words", "lamp", "refuse"),
            by=by,
            now=self.now,
        )

    def add_moderator(self, by):
        moderators.add_moderator(place=self.place, user_id=self.target.pk, by=by, now=self.now)

    def add_moderator_of_all(self, by):
        moderators.add_moderator(
            place=self.place.everywhere, user_id=self.target.pk, by=by, now=self.now
        )

    def remove_moderator(self, by):
        added = moderators.add_moderator(
            place=self.place, user_id=self.target.pk, by=self.bob, now=self.now
        )
        moderators.remove_moderator(moderator_id=added.pk, by=by, now=self.now)

    def answer_appeal(self, by):
        sanction = self._sanction(self.by_least, "mute", self.place)
        made = Appeal.objects.create(sanction=sanction, text="sorry", at=self.now)
        appeals.answer(appeal_id=made.pk, by=by, grant=False, words="no", now=self.now)

    def export(self, by):
        blocklists.export(creator=self.bob.creator, by=by, now=self.now)

    def import_(self, by):
        listed = blocklists.parse(EMPTY)
        blocklists.take_in(creator_id=self.place.creator_id, listed=listed, by=by, now=self.now)

    def undo(self, by):
        self.mute(self.by_least)
        action = Action.objects.filter(kind="mute").latest("pk")
        undoing.undo(action_id=action.pk, by=by, now=self.now)


def test_the_table_names_every_act():
    made = {
        name.removesuffix("_") for name in vars(Acts) if not name.startswith("_") and name != "do"
    }
    assert made == MAY.keys()


@pytest.mark.parametrize("act", MAY)
def test_who_may(act, show, place, say, alice, bob, erin, frank, olga, dave, now):
    people = {
        "viewer": dave,
        "author": alice,
        "other_creator": CreatorFactory().user,
        "moderator": erin,
        "moderator_of_all": frank,
        "host": bob,
        "operator": olga,
    }
    done = set()
    for who in WHO:
        # As erin: nothing that somebody above the others decided is in the way.
        acts = Acts(show, place, say, erin, now, alice)
        acts.bob, acts.frank = bob, frank
        try:
            acts.do(act, people[who])
        except NotAllowed:
            continue
        done.add(who)
    assert done == MAY[act]
