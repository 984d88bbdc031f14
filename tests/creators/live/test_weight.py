import re

from django.contrib.staticfiles import finders

LIMIT = 45_000


def _scripts(entry, found):
    """Collect a module and all that it imports: static name -> source."""
    if entry in found:
        return found
    with open(finders.find(entry)) as file:
        found[entry] = file.read()
    folder = entry.rpartition("/")[0].split("/")
    for path in re.findall(r'^(?:import|.* from) "(\.[^"]+)"', found[entry], re.M):
        parts = list(folder)
        for step in path.split("/"):
            if step == "..":
                parts.pop()
            elif step != ".":
                parts.append(step)
        _scripts("/".join(parts), found)
    return found


def test_our_scripts_on_the_viewers_page_stay_small(client, show, alice):
    client.force_login(alice)
    page = client.get(f"/live/{show.pk}/").content.decode()
    found = {}
    for entry in re.findall(r'<script[^>]+src="/static/([^"]+)"', page):
        if not entry.startswith("vendor/"):
            _scripts(entry, found)
    assert "stage/state.js" in found
    assert sum(len(text.encode()) for text in found.values()) <= LIMIT
