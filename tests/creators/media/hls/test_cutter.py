"""Whatever comes out of ffmpeg's pipe, in whatever pieces: fragments, or Broken."""

import tracemalloc
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.media.hls.boxes import box
from creators.media.hls.cutter import Broken, Cutter, Fragment, Init
from creators.media.hls.fragments import join
from tests.creators.media.hls.movies import (
    FTYP,
    NOT_SYNC,
    PICTURE,
    SOUND,
    SYNC,
    Sample,
    avc1,
    fragment,
    init,
    moov,
    mp4a,
    opus,
    trak,
    u32,
    vp09,
)


def movie() -> bytes:
    pictures = [Sample(3000, bytes([n]) * 50, NOT_SYNC if n % 3 else SYNC) for n in range(9)]
    sounds = [Sample(1024, bytes([100 + n]) * 7) for n in range(12)]
    return b"".join(
        (
            init(),
            fragment((PICTURE, 0, pictures[:3]), (SOUND, 0, sounds[:5])),
            box(b"free", bytes(5)),
            fragment((SOUND, 5 * 1024, sounds[5:8])),
            fragment((PICTURE, 9000, pictures[3:8]), (SOUND, 8 * 1024, sounds[8:])),
            fragment((PICTURE, 24_000, pictures[8:])),
        )
    )


MOVIE = movie()


def cut(*pieces: bytes, largest_box: int = 1 << 20) -> list[Init | Fragment]:
    cutter = Cutter(largest_box=largest_box)
    return [one for piece in pieces for one in cutter.feed(piece)]


def test_an_init_says_how_to_play_it():
    (found,) = cut(init(width=1280, height=720))
    assert isinstance(found, Init)
    assert found.codecs == "avc1.42c01e,mp4a.40.2"
    assert (found.width, found.height, found.timescale) == (1280, 720, 90_000)
    assert [track.id for track in found.tracks] == [PICTURE, SOUND]
    assert found.data == init(width=1280, height=720)


@pytest.mark.parametrize(
    ("handler", "entry", "codec"),
    [
        (b"vide", avc1(64, 48, b"\x64\x00\x29"), "avc1.640029"),
        (b"vide", vp09(64, 48), "vp09.00.31.08"),
        (b"soun", mp4a(5), "mp4a.40.5"),
        (b"soun", opus(), "opus"),
    ],
)
def test_codecs_have_their_rfc_6381_names(handler, entry, codec):
    (found,) = cut(FTYP + moov((1, trak(1, handler, 1000, entry))))
    assert isinstance(found, Init)
    assert found.codecs == codec


def test_fragments_say_when_and_how_long_and_whether_one_can_begin_there():
    _, first, sound, second, third = cut(MOVIE)
    assert isinstance(first, Fragment)
    assert (first.start, first.duration, first.frames, first.is_independent) == (0, 0.1, 3, True)
    assert isinstance(sound, Fragment)
    assert (sound.duration, sound.frames, sound.is_independent) == (0, 0, False)
    assert sound.start == pytest.approx(5 * 1024 / 48_000)
    assert isinstance(second, Fragment)
    assert (second.start, second.frames) == (0.1, 5)
    assert isinstance(third, Fragment)
    assert not third.is_independent


def test_sound_alone_leads_when_there_is_no_picture():
    alone = FTYP + moov((SOUND, trak(SOUND, b"soun", 48_000, mp4a())))
    found, one = cut(alone + fragment((SOUND, 48_000, [Sample(1024, b"a")] * 3)))
    assert isinstance(found, Init)
    assert isinstance(one, Fragment)
    assert (found.width, found.timescale) == (0, 48_000)
    assert (one.start, one.frames, one.is_independent) == (1.0, 3, True)


@given(st.lists(st.integers(1, len(MOVIE) - 1), max_size=30))
def test_any_split_gives_the_same(places):
    edges = [0, *sorted(set(places)), len(MOVIE)]
    pieces = [MOVIE[start:end] for start, end in pairwise(edges)]
    assert cut(*pieces) == cut(MOVIE)


@given(st.data())
def test_a_changed_movie_is_read_or_broken_and_nothing_else(data):
    movie = bytearray(MOVIE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(movie) - 5))
        action = data.draw(st.sampled_from(["byte", "number", "cut", "twice"]))
        if action == "byte":
            movie[at] = data.draw(st.integers(0, 255))
        elif action == "number":
            value = data.draw(st.sampled_from([0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
            movie[at : at + 4] = value.to_bytes(4, "big")
        elif action == "cut":
            del movie[at : at + data.draw(st.integers(1, 40))]
        else:
            movie[at:at] = movie[at : at + 40]
    cutter = Cutter(largest_box=100_000)
    taken: list[Fragment] = []
    try:
        taken += [one for one in cutter.feed(bytes(movie)) if isinstance(one, Fragment)]
    except Broken:
        with pytest.raises(Broken):
            cutter.feed(b"")
    for one in taken:
        join([one], sequence=1)


@given(st.binary(max_size=300))
def test_garbage_is_broken_or_waits_for_more(data):
    with suppress(Broken):
        assert not any(isinstance(one, Fragment) for one in cut(data))


def test_lengths_that_lie_cost_no_memory():
    """A box that claims gigabytes, and a fragment that claims millions of samples."""
    tracemalloc.start()
    try:
        with pytest.raises(Broken):
            cut(MOVIE, u32(0xFFFFFFF0) + b"mdat")
        with pytest.raises(Broken):
            cut(MOVIE, u32(1) + b"mdat" + bytes([0, 0, 1, 0, 0, 0, 0, 0]))
        many = box(
            b"moof",
            box(
                b"traf",
                box(b"tfhd", u32(0x020000, PICTURE)),
                box(b"tfdt", u32(0, 0)),
                box(b"trun", u32(0x1, 0xFFFFFFFF, 8)),
            ),
        )
        with pytest.raises(Broken):
            cut(MOVIE, many, box(b"mdat"))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_is_held_back_is_bounded():
    cutter = Cutter(largest_box=10_000)
    cutter.feed(init())
    with pytest.raises(Broken):
        cutter.feed(u32(10_001) + b"mdat")
    cutter = Cutter(largest_box=10_000)
    cutter.feed(u32(10_000) + b"free")
    for _ in range(9):
        cutter.feed(bytes(1000))
    assert cutter.held <= 10_000


@pytest.mark.parametrize(
    "data",
    [
        moov(),
        FTYP + moov(),
        FTYP + moov((1, trak(1, b"text", 1000, avc1(1, 1)))),
        FTYP + moov((1, trak(1, b"vide", 0, avc1(1, 1)))),
        FTYP + moov((1, trak(1, b"vide", 1000, box(b"hev1", bytes(100))))),
        FTYP + moov(*[(n, trak(n, b"vide", 1000, avc1(1, 1))) for n in range(1, 6)]),
        init() + box(b"mdat"),
        init() + box(b"moof") + box(b"moof"),
        init() + box(b"evil"),
        fragment((PICTURE, 0, [Sample(1, b"a")])),
        init() + fragment((7, 0, [Sample(1, b"a")])),
        init() + fragment((PICTURE, 1 << 60, [Sample(1, b"a")])),
        init() + fragment((PICTURE, 0, [Sample(0xFFFFFFFF, b"a")])),
        init() + fragment((PICTURE, 0, [Sample(1, b"a")]), (PICTURE, 0, [Sample(1, b"a")])),
        init() + fragment((PICTURE, 0, [Sample(1, b"a")] * 5000)),
        u32(0) + b"moov",
    ],
)
def test_what_ffmpeg_would_never_write_is_broken(data):
    with pytest.raises(Broken):
        cut(data)


def test_joined_fragments_have_all_samples_once():
    _, *fragments = cut(MOVIE)
    whole = join([one for one in fragments if isinstance(one, Fragment)], sequence=5)
    _, one = cut(init(), whole)
    assert isinstance(one, Fragment)
    picture, sound = one.samples
    assert picture.payload == b"".join(bytes([n]) * 50 for n in range(9))
    assert sound.payload == b"".join(bytes([100 + n]) * 7 for n in range(12))
    assert (one.start, one.duration, one.frames, one.is_independent) == (0, 0.3, 9, True)


def test_a_hole_between_fragments_is_told_by_the_sample_before_it():
    _, first, second = cut(
        init()
        + fragment((PICTURE, 0, [Sample(3000, b"a"), Sample(3000, b"b")]))
        + fragment((PICTURE, 9000, [Sample(3000, b"c", offset=90)]))
    )
    assert isinstance(first, Fragment)
    assert isinstance(second, Fragment)
    _, one = cut(init(), join([first, second], sequence=1))
    assert isinstance(one, Fragment)
    assert [fields[0] for fields in one.samples[0].fields] == [3000, 6000, 3000]
    assert [fields[3] for fields in one.samples[0].fields] == [0, 0, 90]
