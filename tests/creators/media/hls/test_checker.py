"""The control of the checker: a playlist that keeps the rules, and one that breaks each of them."""

import pytest

from tests.creators.media.hls.checker import Checker, parse

HEAD = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6,PART-HOLD-BACK=0.900,HOLD-BACK=3
#EXT-X-PART-INF:PART-TARGET=0.280
#EXT-X-MEDIA-SEQUENCE:{first}
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init-1.mp4"
"""


def segment(number: int, *, parts: bool = True) -> str:
    lines = [f"#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:{number:02d}.000Z"]
    if parts:
        lines.append(f'#EXT-X-PART:DURATION=0.25000,URI="p{number * 4}.m4s",INDEPENDENT=YES')
        lines += [f'#EXT-X-PART:DURATION=0.25000,URI="p{number * 4 + n}.m4s"' for n in range(1, 4)]
    return "\n".join([*lines, "#EXTINF:1.00000,", f"s{number}.m4s"]) + "\n"


def opened(number: int, count: int) -> str:
    lines = [f"#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:{number:02d}.000Z"]
    lines += [
        f'#EXT-X-PART:DURATION=0.25000,URI="p{number * 4 + n}.m4s"'
        + (",INDEPENDENT=YES" if n == 0 else "")
        for n in range(count)
    ]
    return "\n".join(lines) + "\n"


def hint(number: int) -> str:
    return f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p{number}.m4s"\n'


def playlist(first: int, last: int, count: int) -> str:
    """Segments first…last, those of the last three seconds with parts, and parts of the next."""
    body = "".join(segment(n, parts=n > last - 3) for n in range(first, last + 1))
    return (
        HEAD.format(first=first)
        + body
        + (opened(last + 1, count) if count else "")
        + hint((last + 1) * 4 + count)
    )


def delta(first: int, last: int, count: int, *, skipped: int) -> str:
    head = HEAD.format(first=first).replace('#EXT-X-MAP:URI="init-1.mp4"\n', "")
    body = "".join(segment(n, parts=n > last - 3) for n in range(first + skipped, last + 1))
    return (
        head
        + f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n"
        + body
        + opened(last + 1, count)
        + hint((last + 1) * 4 + count)
    )


BEFORE, NOW = playlist(0, 8, 2), playlist(0, 8, 3)


def faults(*texts: str) -> list[str]:
    checker = Checker()
    for text in texts:
        checker.see(text)
    return checker.faults


def test_a_playlist_that_keeps_the_rules_has_no_faults():
    states = [
        playlist(max(0, last - 8), last, count) for last in range(4, 20) for count in range(4)
    ]
    assert faults(*states) == []


def test_it_is_read_as_it_is_written():
    found = parse(NOW)
    assert (found.target, found.part_target, found.first) == (1, 0.28, 0)
    assert [one.number for one in found.all] == list(range(10))
    assert found.last == (9, 2)
    assert [len(one.parts) for one in found.all] == [0, 0, 0, 0, 0, 0, 4, 4, 4, 3]
    assert {one.map for one in found.all} == {"init-1.mp4"}


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("4.4.1.1", "#EXTM3U\n", "#EXT-X-M3U\n"),
        ("8:", "VERSION:9", "VERSION:5"),
        ("4.4.3.1", "#EXT-X-TARGETDURATION:1\n", ""),
        ("4.4.3.1", "#EXTINF:1.00000,\ns5", "#EXTINF:1.50000,\ns5"),
        ("4.4.4.1", "#EXTINF:1.00000,\ns5", "#EXTINF:0.00000,\ns5"),
        ("4.4.3.8: the playlist cannot", "CAN-BLOCK-RELOAD=YES,", ""),
        ("4.4.3.8: PART-HOLD-BACK", "PART-HOLD-BACK=0.900", "PART-HOLD-BACK=0.800"),
        ("4.4.3.8: HOLD-BACK", ",HOLD-BACK=3", ",HOLD-BACK=2.5"),
        ("4.4.3.8: CAN-SKIP-UNTIL", "CAN-SKIP-UNTIL=6", "CAN-SKIP-UNTIL=5"),
        ("4.4.4.5", '#EXT-X-MAP:URI="init-1.mp4"\n', ""),
        ("4.4.4.9: p37", 'DURATION=0.25000,URI="p37', 'DURATION=0.29000,URI="p37'),
        ("4.4.4.9: p37", 'DURATION=0.25000,URI="p37', 'DURATION=0.23000,URI="p37'),
        ("4.4.2.1", 'URI="p36.m4s",INDEPENDENT=YES', 'URI="p36.m4s"'),
        ("4.4.4.6: segment 5 is dated", "00:00:05.000Z", "00:00:05.200Z"),
        ("4.4.4.6: segment 5 has no", "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:05.000Z\n", ""),
        ("4.4.5.3", hint(39), hint(38)),
        ("4.4.3.4", hint(39), hint(39) + "#EXT-X-ENDLIST\n"),
        (
            "4.4.4.9: segment 0 still",
            "#EXTINF:1.00000,\ns0",
            opened(0, 4).split("\n", 1)[1] + "#EXTINF:1.00000,\ns0",
        ),
    ],
)
def test_a_playlist_that_breaks_a_rule_is_told_which(rule, old, new):
    assert old in NOW
    found = faults(NOW.replace(old, new, 1))
    assert any(one.startswith(rule) for one in found), found


@pytest.mark.parametrize(
    ("rule", "before", "now"),
    [
        ("6.2.1: EXT-X-TARGETDURATION", BEFORE, NOW.replace("DURATION:1\n", "DURATION:2\n")),
        ("6.2.1: EXT-X-PART-INF", BEFORE, NOW.replace("TARGET=0.280", "TARGET=0.285")),
        ("6.2.1: EXT-X-SERVER-CONTROL", BEFORE, NOW.replace("=0.900", "=1.000")),
        ("6.2.1: the playlist went back", NOW, BEFORE),
        ("6.2.1: the playlist went back", playlist(1, 8, 2), playlist(0, 8, 3)),
        ("6.2.1: segment 4 changed", BEFORE, NOW.replace("1.00000,\ns4", "0.99000,\ns4")),
        ("6.2.1: segment 4 is told", BEFORE, NOW.replace("00:00:04.000Z", "00:00:04.001Z")),
        ("6.2.1: parts of segment 9", BEFORE, NOW.replace('"p36.m4s"', '"p99.m4s"')),
        (
            "6.2.1: segment 8 got parts",
            BEFORE,
            NOW.replace(
                "#EXTINF:1.00000,\ns8",
                '#EXT-X-PART:DURATION=0.1,URI="px.m4s"\n#EXTINF:1.00000,\ns8',
            ),
        ),
        ("4.4.3.3", BEFORE, NOW.replace("CONTINUITY-SEQUENCE:0", "CONTINUITY-SEQUENCE:1")),
        (
            "4.4.3.3",
            BEFORE.replace("#EXT-X-MAP", "#EXT-X-DISCONTINUITY\n#EXT-X-MAP"),
            playlist(1, 8, 3),
        ),
        ("4.4.5.3: p38.m4s was hinted", BEFORE, NOW.replace("p38.m4s", "p77.m4s")),
        ("6.2.2", BEFORE, playlist(7, 8, 3)),
        ("4.4.3.4: an ended", playlist(0, 8, 0).replace(hint(36), "#EXT-X-ENDLIST\n"), NOW),
        (
            "4.4.4.9: segment 8 lost",
            BEFORE,
            NOW.replace(segment(8), segment(8, parts=False)),
        ),
    ],
)
def test_a_change_that_breaks_a_rule_is_told_which(rule, before, now):
    assert before != now
    found = faults(before, now)
    assert any(one.startswith(rule) for one in found), found


def test_a_delta_update_is_the_playlist():
    checker = Checker()
    checker.see(NOW, delta=delta(0, 8, 3, skipped=3))
    assert checker.faults == []


@pytest.mark.parametrize(
    ("rule", "update"),
    [
        ("6.2.5.1: the update", delta(0, 8, 3, skipped=3).replace("s5.m4s", "s55.m4s")),
        ("6.2.5.1: the update", delta(0, 8, 2, skipped=3)),
        ("6.2.5.1: without", BEFORE),
        ("4.4.5.2", delta(0, 8, 3, skipped=5)),
        ("8:", delta(0, 8, 3, skipped=3).replace("VERSION:9", "VERSION:8")),
    ],
)
def test_a_wrong_delta_update_is_told(rule, update):
    checker = Checker()
    checker.see(NOW, delta=update)
    assert any(one.startswith(rule) for one in checker.faults), checker.faults


def test_bytes_are_held_to_what_is_said_of_them():
    checker = Checker()
    found = checker.see(NOW)
    checker.see_part(found.all[-1].parts[0], is_independent=True)
    checker.see_segment(found.segments[-1], b"abcd", b"abcd")
    assert checker.faults == []
    checker.see_part(found.all[-1].parts[0], is_independent=False)
    checker.see_segment(found.segments[-1], b"abcd", b"abce")
    assert len(checker.faults) == 2
