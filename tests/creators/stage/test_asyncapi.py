"""The protocol's document says what the classes do, and what really goes over a socket fits it."""

import json
from typing import get_args

import msgspec
import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError
from jsonschema import Draft202012Validator

from creators.stage import frames, wire
from creators.stage.asyncapi import as_yaml, document
from creators.stage.asyncapi.document import EVENTS, INBOUND, ROOMS, numbered_example, tag_of
from creators.stage.asyncapi.examples import example
from creators.stage.wire import framing, messages

MESSAGES = document()["components"]["messages"]


def validator(name):
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document()})


def fits(name, message):
    return validator(name).is_valid(message)


def test_the_committed_document_is_fresh(settings):
    assert (settings.BASE_DIR / "docs" / "asyncapi.yaml").read_text() == as_yaml()


def test_a_stale_document_fails_the_check(tmp_path):
    file = tmp_path / "asyncapi.yaml"
    with pytest.raises(CommandError, match="stale"):
        call_command("asyncapi", "--check", output=file)
    call_command("asyncapi", output=file)
    call_command("asyncapi", "--check", output=file)
    file.write_text(file.read_text().replace("muted", "silenced"))
    with pytest.raises(CommandError, match="stale"):
        call_command("asyncapi", "--check", output=file)


def test_the_yaml_says_what_the_document_does():
    assert yaml.safe_load(as_yaml()) == document()


def test_every_message_and_close_code_is_in_it():
    types = {message["name"] for message in MESSAGES.values()}
    assert types >= {tag_of(cls) for cls in (*INBOUND, *get_args(messages.AnyOutbound))}
    schemas = document()["components"]["schemas"]
    assert set(schemas) >= {f"{cls.__name__}Event" for cls in EVENTS}
    assert {code["code"] for code in document()["x-close-codes"]} == {*wire.Close}
    assert all(code["meaning"] for code in document()["x-close-codes"])


def test_every_event_goes_somewhere():
    assert set(framing.GOES_TO) == set(EVENTS)
    assert set().union(*framing.GOES_TO.values()) == set(ROOMS)


def test_every_reference_leads_somewhere():
    def refs(part):
        if isinstance(part, dict):
            yield from [part["$ref"]] if "$ref" in part else []
            part = list(part.values())
        for one in part if isinstance(part, list) else []:
            yield from refs(one)

    for ref in set(refs(document())):
        found = document()
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_examples_fit_their_schemas(name):
    for shown in MESSAGES[name]["examples"]:
        assert validator(name).validate(shown["payload"]) is None
        # The control: a field more does not fit.
        assert not fits(name, {**shown["payload"], "surplus": 1})


@pytest.mark.parametrize("cls", INBOUND, ids=tag_of)
def test_the_server_takes_the_examples_of_what_clients_say(cls):
    assert isinstance(wire.inbound.decode(json.dumps(example(cls))), cls)


@pytest.mark.parametrize("room", ROOMS)
def test_frames_as_the_hub_builds_them_fit(room):
    events = [cls for cls in EVENTS if room in framing.GOES_TO[cls]]
    numbered = [
        frames.Logged(number, json.dumps({**numbered_example(cls), "seq": number}).encode())
        for number, cls in enumerate(events, start=8)
    ]
    built = frames.frame(room, "9f2c4e7a1b3d5f60", 6, numbered[-1].seq, numbered)
    body = json.loads(built.body)

    assert validator(f"Frame{room.title()}").validate(body) is None
    read = msgspec.convert(body, framing.Frame)
    assert (read.first, read.left_out, len(read.events)) == (6, 2, len(events))


def test_an_event_does_not_fit_in_another_rooms_frame():
    frame = MESSAGES["FrameMe"]["examples"][0]["payload"]
    assert fits("FrameMe", frame)
    assert not fits("FrameMe", {**frame, "events": [numbered_example(wire.Counts)]})


def test_what_the_source_says_beside_fields_is_told():
    live = document()["components"]["schemas"]["LiveState"]["properties"]
    assert live["caption"]["description"] == "The newest one."


# --- Served -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_is_served(client):
    answer = client.get("/api/asyncapi.yaml")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(answer.text)["asyncapi"] == "3.0.0"


@pytest.mark.django_db
def test_the_page_shows_every_message_with_its_fields(client):
    page = client.get("/api/stage/").text

    for name in [*MESSAGES, *(f"{cls.__name__}Event" for cls in EVENTS)]:
        assert f'id="{name}"' in page
    for schema in document()["components"]["schemas"].values():
        for field in schema["properties"]:
            assert f"<code>{field}</code>" in page
    for code in wire.Close:
        assert f"<code>{int(code)}</code>" in page
    targets = {part.partition('"')[0] for part in page.split('href="#')[1:]}
    assert {one for one in targets if f'id="{one}"' not in page} == set()


@pytest.mark.django_db
def test_every_page_leads_to_it(client):
    assert 'href="/api/"' in client.get("/").text
    assert 'href="/api/stage/"' in client.get("/api/").text
