"""Links in lines of the host and moderators: the rule that the pages' script has, too."""

import json

import pytest

from creators.chat.models import Message
from creators.live.templatetags.chat_links import chat_text, cut_links
from tests.creators.stage.test_js import PROJECT

CASES = json.loads((PROJECT / "tests" / "chat_links.json").read_text())


@pytest.mark.parametrize(("body", "links"), CASES, ids=range(len(CASES)))
def test_the_same_links_as_in_the_script(body, links):
    parts = list(cut_links(body))
    assert "".join(text for text, _ in parts) == body
    assert [text for text, is_link in parts if is_link] == links


def test_links_are_the_hosts_and_moderators():
    body = "https://a.example/?x=1&y=<b>"
    escaped = "https://a.example/?x=1&amp;y="
    assert chat_text(Message(body=body)) == f"{escaped}&lt;b&gt;"
    for badge in ("host", "moderator"):
        shown = chat_text(Message(body=body, badge=badge))
        assert shown.startswith(f'<a class="chat__link" href="{escaped}" rel=')
        assert shown.endswith(f">{escaped}</a>&lt;b&gt;")
