"""Old snapshot + events = fresh snapshot, for every type of event, by the page's own reducer.

The services act, the reactions publish, the real Valkey numbers the events, and Node runs the
modules that browsers run. Each case has its control: without the events of its type the states
differ. A new type of event without a case fails here.
"""

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from creators.stage import wire
from shops.facts.refused import Refused
from tests.creators.stage.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def replay(reducer, world, old, *, of=None):
    """Compare both pages; tell for which of them a loss of all `of` events would be seen."""
    seen = []
    told = set()
    cases, lost = [], []
    for name, user in world.pages().items():
        frames = world.frames(user, old[name])
        by_room = {}
        for one in frames:
            for event in one["events"]:
                told.add(event["t"])
                if event["t"] == of:
                    by_room.setdefault(one["room"], []).append(event["seq"])
        lost.append(by_room)
        cases.append(
            {
                "old": old[name],
                "frames": frames,
                "fresh": world.snapshots(user),
                "without": list(by_room.items()),
            }
        )
    for answer, by_room in zip(reducer(cases), lost, strict=True):
        assert set(answer["outcomes"]) <= {"applied"}
        assert answer["replayed"] == answer["fresh"]
        assert answer["equal"]
        seen += [room for room in by_room if [room, by_room[room]] not in answer["undetected"]]
    return told, seen


# (how the show is at first, what happened before the old snapshot, what happens after it)
CASES = {
    wire.ShowStarted: ("scheduled", [], ["start"]),
    wire.ShowEnded: ("live", ["pin"], ["end"]),
    wire.ShowCancelled: ("scheduled", [], ["cancel"]),
    wire.BagChanged: ("live", [], ["add", "remove"]),
    wire.Pinned: ("live", [], ["pin"]),
    wire.Unpinned: ("live", ["pin"], ["unpin"]),
    wire.StockMoved: ("live", [], ["move_stock"]),
    wire.Sold: ("live", ["order"], ["pay"]),
    wire.Chat: ("live", ["say"], ["say", "say"]),
    wire.ChatDeleted: ("live", [], ["say", "say", "say", "delete"]),
    wire.ChatPinned: ("live", ["say"], ["pin_line", "unpin_line", "pin_line"]),
    wire.ChatRules: ("live", [], ["set_rules", "set_rules"]),
    wire.Question: (
        "live",
        ["ask", "ask"],
        ["ask", "vote", "answer", "vote", "unvote", "delete_question"],
    ),
    wire.Held: ("live", ["hold", "say"], ["say_dubious", "say", "say", "show_due", "judge"]),
    wire.Sanction: ("live", ["mute"], ["mute", "unmute", "mute"]),
    wire.Action: ("live", ["say", "mute"], ["delete", "unmute", "undo"]),
    wire.Appeal: ("live", ["mute"], ["appeal"]),
    wire.Picture: ("live", ["send_picture"], ["lose_picture", "send_picture", "lose_picture"]),
    wire.Caption: ("live", ["caption"], ["caption"]),
    wire.Trouble: ("live", [], ["refuse_publisher"]),
    wire.Counts: ("live", [], ["count"]),
    wire.Figures: ("live", ["order"], ["pay", "view", "refund"]),
    wire.Cart: ("live", [], ["fill_cart"]),
    wire.Order: ("live", [], ["order", "fail", "pay", "refund"]),
    wire.Offer: ("live", ["offer"], ["offer", "end_offer", "offer"]),
    wire.Scores: ("live", ["score"], ["score"]),
}


# Changes no state: it only tells the author of a waiting line what became of it.
ONLY_TELLS = {wire.Judged}


def test_the_cases_are_the_types_of_the_protocol():
    assert set(CASES) | ONLY_TELLS == set(wire.RoomEvent.__subclasses__())
    assert set(CASES) | ONLY_TELLS == set(wire.AnyRoomEvent.__args__)


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_old_snapshot_and_events_make_the_fresh_snapshot(reducer, kind):
    state, before, after = CASES[kind]
    world = World(state=state)
    for action in before:
        getattr(world, action)()
    old = {name: world.snapshots(user) for name, user in world.pages().items()}
    for which, action in enumerate(after):
        getattr(world, action)() if action in ("add", "remove") else getattr(world, action)(which)

    tag = kind.__struct_config__.tag
    told, seen = replay(reducer, world, old, of=tag)

    assert tag in told
    assert seen, f"the control: nobody would notice that all {tag} events were lost"


ACTIONS = (
    "add remove pin unpin say say_dubious hold show_due judge delete restore pin_line unpin_line"
    " set_rules ask vote unvote answer delete_question mute unmute appeal answer_appeal undo"
    " move_stock"
    " order pay fail refund fill_cart view count score"
    " send_picture lose_picture refuse_publisher caption"
).split()


def _some(count):
    return hypothesis_settings(
        max_examples=count,
        # Making a failure smaller would take minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


SOME_ACTIONS = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 20))
EVENINGS = {
    "before": st.lists(SOME_ACTIONS, max_size=6),
    "after": st.lists(SOME_ACTIONS, max_size=12),
    "ends": st.booleans(),
}


@_some(5)
@given(**EVENINGS)
def test_any_sequence_of_actions(reducer, before, after, ends):
    _replay_an_evening(reducer, before, after, ends)


@pytest.mark.campaign
@_some(100)
@given(**EVENINGS)
def test_many_sequences_of_actions(reducer, before, after, ends):
    _replay_an_evening(reducer, before, after, ends)


def _replay_an_evening(reducer, before, after, ends):
    world = World()

    def act(actions):
        for action, which in actions:
            try:
                getattr(world, action)(which)
            except Refused:
                continue

    act(before)
    old = {name: world.snapshots(user) for name, user in world.pages().items()}
    act(after)
    if ends:
        world.end()

    replay(reducer, world, old)
