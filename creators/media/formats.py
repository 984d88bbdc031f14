"""What is in the container that a publisher sends, from its first bytes.

Only enough is read to know what ffmpeg has to do with it; ffmpeg reads it in earnest.
"""

from dataclasses import dataclass
from typing import Final, Literal

from creators.media.publishing import Refusal

Format = Literal["flv", "webm", "mp4"]

# Nobody needs as much to say what is coming.
LARGEST_HEAD: Final = 1 << 20
# In an FLV, sound that has not come so many milliseconds after the picture is not waited for.
_SOUND_WITHIN_MS: Final = 1000
_CLUSTER: Final = b"\x1f\x43\xb6\x75"
_WEBM_VIDEO: Final = {
    b"V_MPEG4/ISO/AVC": "h264",
    b"V_VP9": "vp9",
    b"V_VP8": "vp8",
    b"V_AV1": "av1",
    b"V_MPEGH/ISO/HEVC": "hevc",
}
_WEBM_AUDIO: Final = {b"A_OPUS": "opus", b"A_AAC": "aac", b"A_VORBIS": "vorbis", b"A_PCM": "pcm"}
_MP4_VIDEO: Final = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"vp09": "vp9",
    b"av01": "av1",
    b"hvc1": "hevc",
    b"hev1": "hevc",
}
_MP4_AUDIO: Final = {b"mp4a": "aac", b"Opus": "opus"}
# Those that players understand in fragmented MP4 as they are.
COPIED_VIDEO: Final = frozenset({"h264", "vp9"})


@dataclass(frozen=True)
class Content:
    """The codecs in a container; "" where there is none."""

    video: str
    audio: str
    # How long after the first of both the other one came.
    apart_ms: int = 0

    def check(self) -> None:
        """Refuse what can't be shown.

        :raises Refusal: no_video, unsupported_video
        """
        if not self.video:
            raise Refusal("no_video")
        if self.video not in COPIED_VIDEO:
            raise Refusal("unsupported_video")


def recognise(form: Format, head: bytes) -> Content | None:
    """Tell what a container holds; None while more bytes are needed to know.

    :raises Refusal: broken_stream, when it is another container or none, or never says
    """
    if form == "flv":
        content = _flv(head)
    elif form == "webm":
        content = _webm(head)
    else:
        content = _mp4(head)
    if content is None and len(head) > LARGEST_HEAD:
        raise Refusal("broken_stream")
    return content


def _is_begun(head: bytes, signature: bytes) -> bool:
    common = min(len(head), len(signature))
    if head[:common] != signature[:common]:
        raise Refusal("broken_stream")
    return len(head) >= len(signature)


def _flv(head: bytes) -> Content | None:
    if not _is_begun(head, b"FLV\x01") or len(head) < 9:
        return None
    at = int.from_bytes(head[5:9], "big") + 4
    video = audio = ""
    first_video_ms: int | None = None
    first_audio_ms: int | None = None
    while at + 11 <= len(head):
        kind = head[at] & 0x1F
        size = int.from_bytes(head[at + 1 : at + 4], "big")
        at_ms = int.from_bytes(head[at + 4 : at + 7], "big") | head[at + 7] << 24
        body = head[at + 11 : at + 11 + size]
        if kind not in (8, 9, 18):
            raise Refusal("broken_stream")
        if kind == 9 and len(body) >= 5:
            video = video or _flv_video(body)
            first_video_ms = at_ms if first_video_ms is None else first_video_ms
        elif kind == 8 and body:
            audio = audio or ("aac" if body[0] >> 4 == 10 else "other")
            first_audio_ms = at_ms if first_audio_ms is None else first_audio_ms
        if first_video_ms is not None and first_audio_ms is not None:
            return Content(video, audio, apart_ms=abs(first_video_ms - first_audio_ms))
        if first_video_ms is not None and at_ms - first_video_ms > _SOUND_WITHIN_MS:
            return Content(video, audio)
        at += 11 + size + 4
    return None


def _flv_video(body: bytes) -> str:
    if body[0] & 0x80:  # Enhanced RTMP says it in four letters.
        return {b"avc1": "h264", b"vp09": "vp9", b"hvc1": "hevc", b"av01": "av1"}.get(
            body[1:5], "other"
        )
    return "h264" if body[0] & 0x0F == 7 else "other"


def _webm(head: bytes) -> Content | None:
    if not _is_begun(head, b"\x1a\x45\xdf\xa3"):
        return None
    end = head.find(_CLUSTER)
    if end < 0:
        return None
    return Content(_named(head[:end], _WEBM_VIDEO), _named(head[:end], _WEBM_AUDIO))


def _mp4(head: bytes) -> Content | None:
    if len(head) < 8:
        return None
    if head[4:8] != b"ftyp":
        raise Refusal("broken_stream")
    at = 0
    while at + 8 <= len(head):
        size = int.from_bytes(head[at : at + 4], "big")
        if size < 8:
            raise Refusal("broken_stream")
        if head[at + 4 : at + 8] == b"moov":
            if at + size > len(head):
                return None
            moov = head[at : at + size]
            return Content(_named(moov, _MP4_VIDEO), _named(moov, _MP4_AUDIO))
        at += size
    return None


def _named(part: bytes, names: dict[bytes, str]) -> str:
    return next((codec for name, codec in names.items() if name in part), "")
