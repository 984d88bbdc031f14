"""The viewers' chat in a real browser: without a network, without sockets, and very long."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from creators.chat import posting
from creators.chat.models import ChatRules, Message

pytestmark = pytest.mark.browser


@pytest.fixture
def say(show):
    """say(user, body) writes a line as if from somewhere else."""
    began = datetime.now(UTC) - timedelta(minutes=5)
    said = []

    def write(user, body, **more):
        said.append(body)
        return posting.post_message(
            piece_id=show.pk,
            author=user,
            client_id=uuid.uuid4(),
            body=body,
            now=began + timedelta(seconds=4 * len(said)),
            **more,
        )

    return write


def _open(visit, show, user):
    page = visit(user)
    page.goto(f"/live/{show.pk}/")
    return page


def _follow(page):
    expect(page.locator("[data-viewers]")).to_have_text(re.compile("[0-9]"))
    expect(page.locator(".chat[data-windowed]")).to_be_visible()


def _write(page, text):
    page.get_by_label("Say something").fill(text)
    page.get_by_label("Say something").press("Enter")


def test_with_the_network_cut_nothing_is_missed_and_nothing_said_twice(
    visit, show, say, alice, erin
):
    page = _open(visit, show, alice)
    _follow(page)
    say(erin, "before")
    expect(page.locator(".chat__line")).to_have_count(1)

    page.context.set_offline(True)
    expect(page.locator("[data-connection]")).to_have_text("Reconnecting…")
    for number in range(3):
        say(erin, f"meanwhile {number}")
    _write(page, "I am away")
    page.wait_for_timeout(700)
    expect(page.locator(".chat__line")).to_have_count(1)
    assert not Message.objects.filter(author=alice).exists()
    page.context.set_offline(False)

    expect(page.locator(".chat__line--own")).to_have_text(re.compile("I am away"))
    expect(page.locator("[data-connection]")).to_have_text("")
    say(erin, "afterwards")
    expect(page.locator(".chat__text")).to_have_text(
        ["before", *(f"meanwhile {number}" for number in range(3)), "I am away", "afterwards"]
    )
    assert Message.objects.filter(author=alice).count() == 1


def test_where_sockets_are_blocked_the_chat_goes_on_by_polling(visit, show, say, alice, erin):
    page = visit(alice)
    page.add_init_script(BLOCKED)
    page.goto(f"/live/{show.pk}/")
    expect(page.locator("[data-connection]")).to_have_text("News arrives late at the moment.")
    say(erin, "can you hear me?")
    _write(page, "I can")
    expect(page.locator(".chat__text")).to_have_text(["can you hear me?", "I can"])
    assert Message.objects.filter(author=alice).count() == 1


LINES = 10_000
STEP = 25
MEASURE = """
() => {
    const box = document.querySelector("#chat");
    const top = box.getBoundingClientRect().top;
    const seen = [...box.querySelectorAll("[data-line]")].find(
        (line) => line.getBoundingClientRect().bottom > top,
    );
    return {
        nodes: box.querySelectorAll("*").length,
        lines: [...box.querySelectorAll("[data-line]")].map((line) => Number(line.dataset.line)),
        seen: Number(seen?.dataset.line),
        at: Math.round(seen?.getBoundingClientRect().top - top),
        fromEnd: Math.round(box.scrollHeight - box.clientHeight - box.scrollTop),
    };
}
"""
# Two pictures: what came is drawn by then.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


# Stands in the page's socket and adds lines to what the real server says.
CROWD = """
class Crowded extends WebSocket {
    set onmessage(hear) {
        super.onmessage = (event) => {
            const message = JSON.parse(event.data);
            if (message.room === "live" && "seq" in message) {
                if (crowd.epoch !== undefined) return;
                Object.assign(crowd, { epoch: message.epoch, seq: message.seq, hear });
            }
            hear(event);
        };
    }
}
const crowd = {
    lines: 0,
    write(many) {
        const from = crowd.seq + 1;
        const events = Array.from({ length: many }, () => {
            const number = (crowd.lines += 1);
            const words = "words ".repeat(1 + ((number * 7) % 23));
            const line = {
                id: 1_000_000 + number, author_id: 1_000 + (number % 997), sent_at: 0,
                author: `Viewer ${number % 997}`, badge: number % 9 === 0 ? "moderator" : "",
                body: `${number}: ${words}`, client_id: null, reply: null, mentions: [], rev: 0,
            };
            return { seq: (crowd.seq += 1), at: 0, t: "chat", line };
        });
        const frame = { room: "live", epoch: crowd.epoch, from, seq: crowd.seq, at: 0, events };
        crowd.hear({ data: JSON.stringify(frame) });
    },
    async writeAll(lines, step) {
        for (let done = 0; done < lines; done += step) {
            crowd.write(step);
            if (done % 500 === 0) await new Promise((next) => setTimeout(next));
        }
    },
};
window.WebSocket = Crowded;
window.crowd = crowd;
"""
# Each try is refused, as by a proxy that knows no websockets.
BLOCKED = """
const Real = WebSocket;
window.WebSocket = class {
    constructor(url) {
        return new Real(url.replace("/ws/", "/no-such-door/"));
    }
};
"""


def test_ten_thousand_lines_stay_a_few_elements_and_a_reader_further_up_is_left_there(
    visit, show, alice
):
    page = visit(alice)
    page.add_init_script(CROWD)
    page.goto(f"/live/{show.pk}/")
    expect(page.locator("[data-viewers]")).to_have_text(re.compile("[0-9]"))
    page.evaluate("([lines, step]) => crowd.writeAll(lines, step)", [LINES, STEP])

    def line(number):
        return page.locator(f'[data-line="{1_000_000 + number}"]')

    expect(line(LINES)).to_be_in_viewport()
    at_end = page.evaluate(MEASURE)
    assert at_end["nodes"] < 200
    assert at_end["fromEnd"] <= 1

    page.get_by_role("log").focus()
    for _ in range(6):
        page.keyboard.press("PageUp")
        page.evaluate(DRAWN)
    before = page.evaluate(MEASURE)
    assert before["fromEnd"] > 500
    page.evaluate("([lines, step]) => crowd.writeAll(lines, step)", [8 * STEP, STEP])
    button = page.get_by_role("button", name=f"{8 * STEP} new")
    expect(button).to_be_visible()
    after = page.evaluate(MEASURE)
    # The oldest lines made room meanwhile, and what is read did not move.
    assert (after["seen"], after["at"]) == (before["seen"], before["at"])
    assert after["nodes"] < 200

    last = LINES + 8 * STEP
    page.keyboard.press("Home")
    expect(line(8 * STEP + 1)).to_be_in_viewport()
    page.keyboard.press("End")
    expect(line(last)).to_be_in_viewport()
    expect(button).to_be_hidden()
    page.keyboard.press("ArrowUp")
    expect(line(last)).to_be_focused()
    page.evaluate("step => crowd.write(step)", STEP)
    expect(line(last + STEP)).to_be_in_viewport()
    expect(line(last)).to_be_focused()
    assert page.evaluate(MEASURE)["nodes"] < 200


def test_a_line_is_answered_and_a_name_completed(visit, show, say, alice, bob, erin):
    asked = say(erin, "Is it silk?")
    creator = bob.creator
    ChatRules.objects.create(creator=creator, piece=show.piece, followers_only=True)
    page = _open(visit, show, alice)
    _follow(page)
    page.locator("[data-chat-rules]").get_by_role("button", name="Follow").click()
    header = page.locator("[data-follow-form] button")
    expect(header).to_have_attribute("aria-pressed", "true")
    expect(header).to_have_text("Following")
    assert creator.followers.get().user == alice
    page.get_by_role("log").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".chat__line").last).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Reply").click()
    line = page.get_by_label("Say something")
    expect(line).to_be_focused()
    expect(page.locator(".chat-reply")).to_contain_text("Answering Erin: Is it silk?")
    line.press_sequentially("@er")
    expect(page.get_by_role("option", name="@Erin")).to_be_visible()
    line.press("Enter")
    expect(line).to_have_value("@Erin ")
    line.press_sequentially("it is")
    line.press("Enter")

    own = page.locator(".chat__line--own")
    expect(own.locator(".chat__quote")).to_have_text("Erin: Is it silk?")
    expect(page.locator(".chat-reply")).to_be_hidden()
    message = Message.objects.get(author=alice)
    assert (message.reply_to_id, message.mentions) == (asked.pk, [erin.pk])
    own.locator(".chat__quote").click()
    assert page.evaluate("document.activeElement.dataset.line") == str(asked.pk)
    assert visit.errors == []
