"""The sound of the demo's show: a quiet pad of four chords, and a soft tick each second."""

import subprocess
from typing import Final

import imageio_ffmpeg

RATE: Final = 48_000
# The loop begins anew at every instant that this divides, so the ticks are the clock's seconds.
LOOP_SECONDS: Final = 16
_SAMPLE_BYTES: Final = 2
# Root, fifth and tenth, in sixteenths of a hertz: the loop ends where it began.
_CHORDS: Final = (
    (110.0, 164.8125, 277.1875),
    (87.3125, 130.8125, 220.0),
    (130.8125, 196.0, 329.625),
    (98.0, 146.8125, 246.9375),
)


def _expression() -> str:
    voices = []
    for number, chord in enumerate(_CHORDS):
        # Swells while the one before fades; together they are always as loud.
        swell = f"pow(max(0,cos(2*PI*(t-{4 * number + 2})/{LOOP_SECONDS})),2)"
        tones = "+".join(f"sin(2*PI*{pitch}*t)/{1 + part}" for part, pitch in enumerate(chord))
        voices.append(f"{swell}*({tones})")
    tick = "exp(-70*mod(t,1))*sin(2*PI*1320*t)"
    return f"0.045*({'+'.join(voices)})+0.04*{tick}"


class Loop:
    """The loop's samples: 16 bit, one channel."""

    def __init__(self) -> None:
        source = f"aevalsrc='{_expression()}':s={RATE}:d={LOOP_SECONDS}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-v", "error"]
        command += ["-f", "lavfi", "-i", source, "-f", "s16le", "-"]
        made = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout
        self._samples = made + made[: RATE * _SAMPLE_BYTES]

    def part(self, ms: int, *, samples: int, skip: int = 0) -> bytes:
        """Return so many samples (a second at most) as they sound from an instant on.

        :param skip: samples to leave out first; parts that follow each other leave no gap by it
        """
        first = (ms * RATE // 1000 + skip) % (LOOP_SECONDS * RATE) * _SAMPLE_BYTES
        return self._samples[first : first + samples * _SAMPLE_BYTES]
