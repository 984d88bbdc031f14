"""What a container holds, from its first bytes, and that garbage is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.media.formats import LARGEST_HEAD, Content, recognise
from creators.media.publishing import Refusal


def tag(kind, body, at_ms=0):
    head = bytes([kind]) + len(body).to_bytes(3, "big")
    head += (at_ms & 0xFFFFFF).to_bytes(3, "big") + bytes([at_ms >> 24]) + b"\0\0\0"
    return head + body + (len(head) + len(body)).to_bytes(4, "big")


FLV = b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
AVC = tag(9, b"\x17\0\0\0\0\1")
AAC = tag(8, b"\xaf\0\x12\x10")


def test_flv_with_picture_and_sound():
    head = FLV + tag(18, b"\x02\0\nonMetaData") + AVC + AAC
    assert recognise("flv", head) == Content("h264", "aac")
    for end in range(len(head)):
        assert recognise("flv", head[:end]) in (None, Content("h264", "aac"))


def test_flv_without_sound_is_not_waited_for_longer_than_a_second():
    silent = FLV + b"".join(tag(9, b"\x17\1\0\0\0\1", at) for at in range(0, 1000, 40))
    assert recognise("flv", silent) is None
    assert recognise("flv", silent + tag(9, b"\x27\1\0\0\0\1", 1040)) == Content("h264", "")


def test_enhanced_rtmp_says_its_codec_in_letters():
    assert recognise("flv", FLV + tag(9, b"\x90hvc1") + AAC) == Content("hevc", "aac")


@pytest.mark.parametrize(
    ("codecs", "content"),
    [
        (b"V_MPEG4/ISO/AVC A_OPUS", Content("h264", "opus")),
        (b"V_VP9 A_OPUS", Content("vp9", "opus")),
        (b"V_VP8", Content("vp8", "")),
        (b"A_OPUS", Content("", "opus")),
    ],
)
def test_webm(codecs, content):
    head = b"\x1a\x45\xdf\xa3" + codecs
    assert recognise("webm", head) is None
    assert recognise("webm", head + b"\x1f\x43\xb6\x75") == content


def test_mp4():
    moov = b"moov....avc1....mp4a"
    head = b"\0\0\0\x10ftypiso5\0\0\0\0" + (len(moov) + 4).to_bytes(4, "big") + moov
    assert recognise("mp4", head[:-1]) is None
    assert recognise("mp4", head) == Content("h264", "aac")


@pytest.mark.parametrize("form", ["flv", "webm", "mp4"])
def test_what_never_says_what_it_is_is_refused(form):
    begun = {"flv": FLV, "webm": b"\x1a\x45\xdf\xa3", "mp4": b"\0\xff\xff\xffftyp"}[form]
    filler = tag(18, bytes(60_000)) * 18 if form == "flv" else bytes(LARGEST_HEAD)
    with pytest.raises(Refusal) as refused:
        recognise(form, begun + filler)
    assert refused.value.code == "broken_stream"


@given(st.sampled_from(["flv", "webm", "mp4"]), st.binary(max_size=200), st.booleans())
def test_garbage_is_refused_or_waited_for(form, garbage, is_begun):
    begun = {"flv": FLV, "webm": b"\x1a\x45\xdf\xa3", "mp4": b"\0\0\0\x10ftypiso5\0\0\0\0"}[form]
    try:
        outcome = recognise(form, begun + garbage if is_begun else garbage)
    except Refusal as refusal:
        outcome = refusal.code
    assert outcome in (None, "broken_stream") or isinstance(outcome, Content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (Content("hevc", "aac"), "unsupported_video"),
        (Content("vp8", "opus"), "unsupported_video"),
        (Content("", "aac"), "no_video"),
    ],
)
def test_what_players_can_not_show_is_refused(content, code):
    with pytest.raises(Refusal) as refused:
        content.check()
    assert refused.value.code == code
    assert refused.value.text
