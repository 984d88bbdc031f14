"""Captions: heard live, uploaded as WebVTT, told for a replay that passes over pauses."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.media import queries, services, webvtt
from creators.media.models import Caption
from creators.media.timeline import Stretch, Timeline
from shops.facts.refused import NotFound
from tests.factories.media import SegmentFactory, StreamFactory

START = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)


def seconds(count):
    return timedelta(seconds=count)


@pytest.fixture
def stream(bob):
    """Six seconds, a pause of ten, six seconds more."""
    stream = StreamFactory(creator=bob.creator)
    SegmentFactory(stream=stream, first=0, starts_at=START)
    SegmentFactory(stream=stream, first=6, run=2, starts_at=START + seconds(16))
    return stream


def hear(stream, text, at, *, until=None):
    services.add_caption(
        stream_id=stream.pk,
        language="en",
        text=text,
        starts_at=START + seconds(at),
        ends_at=START + seconds(until or at + 2),
        source=Caption.Source.SPEECH,
        now=START,
    )


@pytest.mark.django_db
def test_what_was_said_after_a_pause_is_told_where_the_replay_is_then(stream):
    hear(stream, "Hello <3", 1)
    hear(stream, "nobody saw this", 8)
    hear(stream, "again", 17)
    vtt = queries.captions_vtt(stream, START, START + seconds(60), "en")
    assert vtt == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nHello &lt;3\n\n"
        "00:00:07.000 --> 00:00:09.000\nagain\n"
    )
    assert queries.captions_vtt(stream, START, START + seconds(60), "fr") == "WEBVTT\n"


@pytest.mark.django_db
def test_an_uploaded_file_comes_back_as_it_was(stream):
    vtt = (
        "WEBVTT\n\n00:00:02.000 --> 00:00:04.500\none\n\n"
        "00:00:08.000 --> 00:00:09.000\ntwo\nlines & more\n"
    )
    hear(stream, "to be replaced", 1)
    count = services.replace_captions(
        stream_id=stream.pk, language="en", vtt=vtt, starts_at=START, now=START
    )
    assert count == 2
    told = queries.captions_vtt(stream, START, START + seconds(60), "en")
    assert told == vtt.replace("&", "&amp;")
    second = Caption.objects.get(text__startswith="two")
    assert second.starts_at == START + seconds(18)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vtt", "line"),
    [
        ("", 1),
        ("1\n00:00:01,000 --> 00:00:02,000\nSubRip", 1),
        ("WEBVTT\n\n00:00:01,000 --> 00:00:02,000\nSubRip times", 3),
        ("WEBVTT\n\nname\n00:05.000 --> 00:02.000\nbackwards", 4),
        ("WEBVTT\n\nNOTE nothing in it\n", 0),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n" + "x" * 501, 0),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_changes_nothing(stream, vtt, line):
    hear(stream, "stays", 1)
    with pytest.raises(services.BadCaptions) as refused:
        services.replace_captions(
            stream_id=stream.pk, language="en", vtt=vtt, starts_at=START, now=START
        )
    assert refused.value.extra["line"] == line
    if line:
        assert str(line) in str(refused.value)
    assert Caption.objects.get().text == "stays"


@pytest.mark.django_db
def test_captions_need_a_language_a_text_and_a_stream_that_is_kept(stream):
    for fields in ({"language": "english"}, {"text": "  "}, {"text": "x" * 501}):
        said = {"language": "en", "text": "hello", **fields}
        with pytest.raises(services.BadCaptions):
            services.add_caption(
                stream_id=stream.pk,
                starts_at=START,
                ends_at=START + seconds(1),
                source=Caption.Source.SPEECH,
                now=START,
                **said,
            )
    with pytest.raises(services.BadCaptions):
        hear(stream, "backwards", 5, until=4)
    services.erase_stream(stream_id=stream.pk, now=START)
    with pytest.raises(NotFound):
        hear(stream, "too late", 1)


def test_web_vtt_with_all_that_it_may_have():
    cues = webvtt.read(
        "\ufeffWEBVTT - a title\r\nKind: captions\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n"
        "NOTE --> is only a remark\r\nmore\r\n\r\nfirst\r\n"
        "00:01.000 --> 00:02.500 line:0 align:start\r\n"
        "<v Bob><b>Hi</b> &amp; welcome</v>\r\n\r\n01:00:00.000 --> 01:00:01.000\r\nLate"
    )
    assert cues == [
        webvtt.Cue(1000, 2500, "Hi & welcome"),
        webvtt.Cue(3_600_000, 3_601_000, "Late"),
    ]


@given(st.text())
def test_any_file_is_read_or_refused(text):
    for whole in (text, f"WEBVTT\n\n{text}"):
        try:
            cues = webvtt.read(whole)
        except webvtt.NotWebVTT:
            continue
        assert all(cue.end_ms > cue.start_ms for cue in cues)


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 10_000)), min_size=1, max_size=6),
    st.data(),
)
def test_a_position_leads_to_its_instant_and_back(lengths_and_pauses, data):
    at, stretches = START, []
    for length, pause in lengths_and_pauses:
        stretches.append(Stretch(at, length))
        at += timedelta(milliseconds=length + pause)
    timeline = Timeline(stretches)
    position = data.draw(st.integers(0, timeline.duration_ms - 1))
    assert timeline.position_ms(timeline.instant(position)) == position
    assert timeline.position_ms(START - seconds(1)) == 0
    assert timeline.position_ms(at + seconds(1)) == timeline.duration_ms


@pytest.mark.parametrize(
    ("words", "read"),
    [
        pytest.param("<" * 1_000_000, "<" * 1_000_000, id="tags that never end"),
        pytest.param(f"&#{'9' * 5000};!", "\ufffd!", id="a character of an endless number"),
        pytest.param("a\0b", "a\ufffdb", id="what a database can't keep"),
    ],
)
def test_what_is_meant_to_hurt_is_text_like_any_other(words, read):
    (cue,) = webvtt.read(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{words}\n")
    assert cue.text == read


@pytest.mark.parametrize("hours", ["99999999", "9" * 5000])
def test_times_beyond_all_clocks_are_refused_by_their_line(hours):
    with pytest.raises(webvtt.NotWebVTT) as refused:
        webvtt.read(f"WEBVTT\n\n{hours}:00:00.000 --> {hours}:00:01.000\nlate\n")
    assert (refused.value.line, refused.value.reason) == (3, "timing")
