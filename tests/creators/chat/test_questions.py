"""Questions: asked by those who may write, wanted by many, answered once."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from creators.chat import queries, questions, words, writers
from creators.chat.limits import TooFast
from creators.chat.models import (
    Action,
    ChatRules,
    Filter,
    Moderator,
    Question,
    Sanction,
    Vote,
)
from creators.chat.posting import FilteredOut
from creators.live.models import LiveSession
from shops.facts.models import Event
from shops.facts.refused import NotAllowed, NotFound
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory


def ask(show, author, body="does it shrink?", *, now, **more):
    more.setdefault("client_id", uuid.uuid4())
    return questions.ask(piece_id=show.pk, author=author, body=body, now=now, **more)


def about(question, by, now):
    return {"question_id": question.pk, "piece_id": question.piece_id, "by": by, "now": now}


def test_a_question_is_kept_with_its_authors_vote(show, alice, now):
    product = ProductFactory()
    PieceProductFactory(piece=show.piece, product=product)
    question = ask(show, alice, "  does it   shrink? ", now=now, product_id=product.pk)
    assert (question.body, question.product, question.votes) == ("does it shrink?", product, 1)
    assert Vote.objects.get().user == alice
    fact = Event.objects.get()
    assert (fact.kind, fact.payload["question_id"]) == ("QuestionChanged", question.pk)


def test_the_same_client_id_again_is_the_same_question(show, alice, now):
    same = uuid.uuid4()
    first = ask(show, alice, now=now, client_id=same)
    assert ask(show, alice, "other words", now=now, client_id=same) == first
    assert Question.objects.count() == 1


def test_a_fourth_open_question_is_refused_until_one_is_answered(show, alice, bob, now):
    asked = [
        ask(show, alice, f"why {n}?", now=now + timedelta(minutes=n))
        for n in range(questions.MOST_OPEN)
    ]
    later = now + timedelta(minutes=9)
    with pytest.raises(questions.TooManyQuestions):
        ask(show, alice, "one more?", now=later)
    assert ask(LiveSessionFactory(), alice, "elsewhere?", now=later).pk
    questions.answer(**about(asked[0], bob, later))
    assert ask(show, alice, "one more?", now=later).pk


def test_asking_and_taking_back_has_its_limit(show, alice, now):
    for n in range(questions.MOST_IN_WINDOW):
        question = ask(show, alice, f"why {n}?", now=now)
        questions.delete_question(**about(question, alice, now))
    with pytest.raises(TooFast):
        ask(show, alice, "again?", now=now)
    assert ask(show, alice, "again?", now=now + questions.WINDOW).pk


def test_words_are_judged_as_in_the_chat(show, alice, bob, now):
    Filter.objects.create(
        creator=bob.creator, kind="words", text="scam", made_by=bob, at=now, effect="withhold"
    )
    for body, refusal in [
        ("\x00", words.EmptyMessage),
        ("x" * 301, words.MessageTooLong),
        ("is it a scam?", FilteredOut),
    ]:
        with pytest.raises(refusal):
            ask(show, alice, body, now=now)
    assert not Question.objects.exists()


def test_who_may_not_write_may_not_ask(show, alice, bob, now):
    ChatRules.objects.create(creator=bob.creator, followers_only=True)
    with pytest.raises(writers.FollowersOnly):
        ask(show, alice, now=now)
    Sanction.objects.create(
        kind="mute", creator=bob.creator, piece=show.piece, user=alice, by=bob, at=now
    )
    with pytest.raises(writers.Muted):
        ask(show, alice, now=now)
    LiveSession.objects.update(state="ended", ended_at=now)
    with pytest.raises(writers.ChatClosed):
        ask(show, alice, now=now + timedelta(seconds=1))


def test_only_products_of_the_bag_are_asked_about(show, alice, now):
    with pytest.raises(questions.NotInTheBag):
        ask(show, alice, now=now, product_id=ProductFactory().pk)


def test_a_vote_counts_once_and_can_be_taken_back(show, alice, erin, now):
    question = ask(show, alice, now=now)
    assert questions.vote(**about(question, erin, now)).votes == 2
    assert questions.vote(**about(question, erin, now)).votes == 2
    assert questions.unvote(**about(question, erin, now)).votes == 1
    assert questions.unvote(**about(question, erin, now)).votes == 1
    assert questions.unvote(**about(question, alice, now)).votes == 1
    question.refresh_from_db()
    assert (question.votes, question.rev) == (1, 2)


def test_the_banned_do_not_vote(show, alice, erin, bob, now):
    question = ask(show, alice, now=now)
    Sanction.objects.create(kind="ban", creator=bob.creator, user=erin, by=bob, at=now)
    with pytest.raises(writers.Banned):
        questions.vote(**about(question, erin, now))


@pytest.mark.django_db(transaction=True)
def test_votes_at_once_are_all_counted_each_person_once(show, alice, now):
    question = ask(show, alice, now=now)
    people = UserFactory.create_batch(4)
    barrier = threading.Barrier(8)

    def vote(who):
        barrier.wait()
        questions.vote(**about(question, who, now))
        connection.close()

    threads = [threading.Thread(target=vote, args=[who]) for who in people * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    question.refresh_from_db()
    assert (question.votes, Vote.objects.count()) == (5, 5)


def test_host_and_moderators_answer_once(show, alice, bob, erin, now):
    question = ask(show, alice, now=now)
    with pytest.raises(NotAllowed):
        questions.answer(**about(question, erin, now))
    Moderator.objects.create(creator=bob.creator, user=erin, added_by=bob, at=now)
    answered = questions.answer(**about(question, erin, now))
    assert (answered.answered_at, answered.answered_by) == (now, erin)
    with pytest.raises(questions.AnsweredAlready):
        questions.answer(**about(question, bob, now))
    with pytest.raises(questions.AnsweredAlready):
        questions.vote(**about(question, bob, now))
    assert Action.objects.get().kind == "answer"


def test_its_author_takes_a_question_back_and_moderators_delete_it(show, alice, bob, erin, now):
    own, others = ask(show, alice, now=now), ask(show, erin, now=now)
    questions.delete_question(**about(own, alice, now))
    with pytest.raises(NotAllowed):
        questions.delete_question(**about(others, alice, now))
    assert not Action.objects.exists()
    questions.delete_question(**about(others, bob, now))
    assert Action.objects.get().subject == erin
    assert not queries.queue(piece_id=show.pk).open
    with pytest.raises(NotFound):
        questions.vote(**about(own, erin, now))


def test_an_answer_is_part_of_the_show(show, alice, bob, now):
    question = ask(show, alice, now=now)
    questions.answer(**about(question, bob, now))
    with pytest.raises(NotAllowed):
        questions.delete_question(**about(question, alice, now))


def test_a_question_of_another_show_is_not_found_here(show, alice, now):
    question = ask(show, alice, now=now)
    with pytest.raises(NotFound):
        questions.vote(question_id=question.pk, piece_id=LiveSessionFactory().pk, by=alice, now=now)


def test_the_queue_goes_by_product_and_what_is_wanted_most(show, alice, erin, bob, now):
    scarf, hat = ProductFactory(title="Scarf"), ProductFactory(title="Hat")
    for product in (scarf, hat):
        PieceProductFactory(piece=show.piece, product=product)
    anything = ask(show, alice, "when next?", now=now)
    warm = ask(show, alice, "warm?", now=now, product_id=scarf.pk)
    soft = ask(show, erin, "soft?", now=now, product_id=scarf.pk)
    size = ask(show, erin, "which sizes?", now=now, product_id=hat.pk)
    for who in (alice, bob):
        questions.vote(**about(size, who, now))
    questions.vote(**about(soft, alice, now))
    done = ask(show, bob, "done?", now=now)
    questions.answer(**about(done, bob, now))
    queue = queries.queue(piece_id=show.pk, viewer_id=alice.pk)
    assert [(group.title, group.questions) for group in queue.by_product] == [
        ("Hat", [size]),
        ("Scarf", [soft, warm]),
        ("", [anything]),
    ]
    assert list(queue.answered) == [done]
    assert queue.voted == {anything.pk, warm.pk, soft.pk, size.pk}
    assert list(queries.answered_questions(piece_id=show.pk)) == [done]


# --- Without a script -------------------------------------------------------------------------


def test_viewers_ask_and_vote_by_forms(client, show, alice, erin, bob, now):
    question = ask(show, erin, now=now)
    client.force_login(alice)
    page = f"/live/{show.pk}/"
    sent = {"client_id": str(uuid.uuid4()), "body": "is it warm?", "product": "", "next": page}
    assert client.post(f"{page}questions/", sent)["Location"] == page
    client.post(f"{page}questions/", sent)
    assert Question.objects.count() == 2
    assert client.post(f"{page}questions/vote/", {"question": question.pk}).status_code == 302
    shown = client.get(page).content.decode()
    assert "is it warm?" in shown
    assert "Your question is in the list." in shown
    assert f'action="{page}questions/unvote/"' in shown
    answered = client.post(
        f"{page}questions/vote/",
        {"question": question.pk},
        headers={"accept": "application/json"},
    )
    assert answered.json() == {"id": question.pk, "rev": 1, "votes": 2}
    assert client.post(f"{page}questions/answer/", {"question": question.pk}).status_code == 403
    client.force_login(bob)
    client.post(f"{page}questions/answer/", {"question": question.pk})
    question.refresh_from_db()
    assert question.answered_by == bob


def test_guests_read_questions_and_cannot_ask(client, show, alice, now):
    ask(show, alice, now=now)
    page = client.get(f"/live/{show.pk}/").content.decode()
    assert "does it shrink?" in page
    assert 'questions/vote/"' not in page.partition("data-ask-url")[0]
    assert client.post(f"/live/{show.pk}/questions/", {}).status_code == 302
