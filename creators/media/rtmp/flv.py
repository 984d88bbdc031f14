"""FLV, the container that RTMP's media are tags of, and which codecs are taken in it."""

from collections.abc import Mapping

_AUDIO, _VIDEO = 4, 1
_H264, _AAC = 7, 10
# The bit of Enhanced RTMP, which names its codecs in another way (AV1, HEVC).
_ENHANCED = 0x80
# A "frame" that is a remark for a player of old.
_REMARK = 5


class UnsupportedCodec(Exception):
    """The publisher's encoder is set to a codec that can't be passed on to browsers."""


def header(about: Mapping[str, object]) -> bytes:
    """Return a file's beginning, for a stream that describes itself so.

    A stream that names its video and says nothing of audio is without sound: whoever reads the
    file then need not wait for it.
    """
    is_silent = "videocodecid" in about and not any(name.startswith("audio") for name in about)
    return b"FLV\x01" + bytes([_VIDEO if is_silent else _VIDEO | _AUDIO]) + b"\0\0\0\x09\0\0\0\0"


def tag(kind: int, timestamp: int, body: bytes) -> bytes:
    """Return a message as a tag of the file."""
    time = timestamp.to_bytes(4, "big")
    head = bytes([kind]) + len(body).to_bytes(3, "big") + time[1:] + time[:1] + b"\0\0\0"
    return head + body + (len(head) + len(body)).to_bytes(4, "big")


def is_wanted_video(body: bytes) -> bool:
    """Tell whether it is a picture (or what pictures need) rather than a remark.

    :raises UnsupportedCodec: it is not H.264
    """
    if body[0] & _ENHANCED or body[0] & 15 != _H264:
        raise UnsupportedCodec
    return body[0] >> 4 != _REMARK


def is_frame(body: bytes) -> bool:
    """Tell whether a picture is in it; what pictures need comes at any time that is written."""
    return body[1:2] == b"\x01"


def is_wanted_audio(body: bytes) -> bool:
    """Tell whether it is sound.

    :raises UnsupportedCodec: it is not AAC
    """
    if body[0] >> 4 != _AAC:
        raise UnsupportedCodec
    return True
