import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from liveshop import ranges


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=0-", (0, 1000)),
        ("bytes=0-1", (0, 2)),
        ("bytes=10-10", (10, 11)),
        ("bytes=990-2000", (990, 1000)),
        ("bytes=-10", (990, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_what_a_range_asks_for(header, part):
    assert ranges.asked(header, 1000) == part


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_behind_the_end_there_is_nothing(header):
    with pytest.raises(ranges.NotSatisfiable):
        ranges.asked(header, 1000)


def test_no_more_than_a_piece_is_read_at_once():
    assert ranges.asked("bytes=7-", 1 << 30) == (7, 7 + ranges.LARGEST)


def test_a_clip_is_served_in_parts(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    default_storage.save("replays/1/x/clip.mp4", ContentFile(bytes(range(200))))
    url = "/media/replays/1/x/clip.mp4"
    answer = client.get(url, headers={"range": "bytes=10-19"})
    assert (answer.status_code, answer["Content-Range"]) == (206, "bytes 10-19/200")
    assert answer.content == bytes(range(10, 20))
    assert answer["Content-Length"] == "10"
    assert client.get(url, headers={"range": "bytes=200-"}).status_code == 416
    whole = client.get(url)
    assert (whole.status_code, whole["Accept-Ranges"]) == (200, "bytes")
    assert b"".join(whole.streaming_content) == bytes(range(200))
