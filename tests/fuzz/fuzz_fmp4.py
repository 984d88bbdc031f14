"""What must hold for the cutter of fragmented MP4, whatever it is given: see `check`.

The first byte of an input says into how large pieces it is cut.
"""

import re
import subprocess
from collections.abc import Iterator

import imageio_ffmpeg

from creators.media.hls.cutter import Broken, Cutter, Fragment, Init
from creators.media.hls.fragments import join

LARGEST_BOX = 64 * 1024
LONGEST = 16 * 1024
# What chance alone would hardly write.
WORDS = (
    "ftyp moov mvhd trak tkhd mdia mdhd hdlr vide soun minf stbl stsd avc1 avc3 avcC hvc1 hvcC av01"
    " av1C vp09 vpcC mp4a esds Opus dOps mvex trex moof mfhd traf tfhd tfdt trun mdat styp sidx"
).split()
_CODECS = re.compile(r"[A-Za-z0-9.,_-]+")


def _cut(data: bytes, size: int) -> tuple[list[Init | Fragment], bool]:
    cutter, found = Cutter(largest_box=LARGEST_BOX), []
    for at in range(0, len(data), size):
        try:
            found += cutter.feed(data[at : at + size])
        except Broken:
            return found, False
    return found, True


def _check_fragment(init: Init, fragment: Fragment) -> None:
    assert fragment.duration >= 0
    assert fragment.start >= 0
    payload = sum(len(samples.payload) for samples in fragment.samples)
    assert payload <= len(fragment.data), "more bytes come out than went in"
    for samples in fragment.samples:
        assert sum(field[1] for field in samples.fields) == len(samples.payload)
    joined = join([fragment], sequence=1)
    # The head of a part written anew may be larger than what it was made of.
    again = Cutter(largest_box=4 * LARGEST_BOX + 16 * 4096).feed(init.data + joined)
    assert [one.samples for one in again if isinstance(one, Fragment)] == [fragment.samples]


def check(data: bytes) -> None:
    """Raise when an input makes the cutter do what it must not."""
    if not data:
        return
    size, data = data[0] * 8 + 5, data[1:]
    whole, is_whole = _cut(data, max(len(data), 1))
    found, is_fine = _cut(data, size)
    assert is_fine == is_whole
    assert found == whole or not is_fine
    init = None
    for one in found:
        if isinstance(one, Init):
            init = one
            assert _CODECS.fullmatch(init.codecs), init.codecs
            assert init.timescale > 0
        else:
            assert init is not None
            _check_fragment(init, one)
    assert sum(len(one.data) for one in found) <= 2 * len(data)


def seeds() -> Iterator[bytes]:
    """Yield what ffmpeg writes: picture, sound, both, in several ways of fragmenting."""
    picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"]
    sound = ["-f", "lavfi", "-i", "sine=sample_rate=8000:duration=1"]
    h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "5"]
    aac = ["-c:a", "aac", "-b:a", "8k"]
    backwards = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "5"]
    kinds = (
        (picture + sound, h264 + aac),
        (picture, h264),
        (picture, backwards),
        (sound, aac),
    )
    for inputs, codecs in kinds:
        for flags in ("frag_keyframe", "frag_every_frame"):
            written = subprocess.run(
                [
                    *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin"),
                    *(*inputs, *codecs, "-f", "mp4", "-frag_duration", "250000"),
                    *("-movflags", f"+empty_moov+default_base_moof+{flags}", "pipe:1"),
                ],
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
            yield b"\x00" + written[: LONGEST - 1]
            yield b"\xff" + written[: LONGEST - 1]
            yield b"\x20" + written[:3000]
