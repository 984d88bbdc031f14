"""What fuzzing found once, and a little of it in each run of the tests; `make fuzz` looks on."""

import random

import pytest

from creators.media.hls.boxes import box
from creators.media.hls.cutter import Broken, Cutter
from tests.fuzz import fuzz_fmp4, fuzz_rtmp


def u32(value):
    return value.to_bytes(4, "big")


@pytest.fixture(scope="module")
def init():
    """The init of a picture with sound, tracks 1 and 2."""
    [init, *_] = Cutter().feed(next(fuzz_fmp4.seeds())[1:])
    return init


def _trafs_on_the_same_bytes(tracks, runs, place):
    run = box(b"trun", u32(0x201), u32(1), u32(place), u32(4000))
    return box(
        b"moof",
        *(
            box(
                b"traf",
                box(b"tfhd", u32(0x020000), u32(track)),
                box(b"tfdt", u32(0x01000000), bytes(8)),
                *[run] * runs,
            )
            for track in tracks
        ),
    )


@pytest.mark.parametrize(("tracks", "runs"), [([1], 40), ([1, 2], 1)])
def test_bytes_that_many_samples_claim_are_not_multiplied(init, tracks, runs):
    size = len(_trafs_on_the_same_bytes(tracks, runs, 0))
    moof = _trafs_on_the_same_bytes(tracks, runs, size + 8)
    written = init.data + moof + box(b"mdat", bytes(5000))

    fuzz_fmp4.check(b"\xff" + written)
    with pytest.raises(Broken):
        Cutter().feed(written)


@pytest.mark.parametrize("target", [fuzz_rtmp, fuzz_fmp4])
def test_seeds_with_bytes_changed_do_no_harm(target):
    chance = random.Random(5)
    for seed in target.seeds():
        target.check(seed)
        for _ in range(12):
            changed = bytearray(seed)
            for _ in range(chance.randrange(1, 5)):
                changed[chance.randrange(2, len(changed))] = chance.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
                )
            target.check(bytes(changed))


def test_a_parser_that_fails_is_noticed(monkeypatch):
    def feed(self, data):
        raise KeyError("not its own error")

    monkeypatch.setattr(fuzz_rtmp.ChunkReader, "feed", feed)
    monkeypatch.setattr(fuzz_fmp4.Cutter, "feed", feed)

    for target in (fuzz_rtmp, fuzz_fmp4):
        with pytest.raises(KeyError):
            target.check(next(iter(target.seeds())))
