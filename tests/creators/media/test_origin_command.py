"""The origin's command, and its ffmpeg, as far as they can be tried without a publisher."""

import asyncio
import os
import resource
import socket
import subprocess

import imageio_ffmpeg
import pytest
from django.core.management import CommandError, call_command

from creators.media import ffmpeg
from creators.media.formats import Content
from creators.media.management.commands import origin
from creators.media.stills import Stills, first_picture


@pytest.fixture
def taken():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        yield door.getsockname()[1]


@pytest.mark.parametrize("option", ["--port", "--rtmp-port"])
def test_a_port_that_is_taken_is_named_with_the_option_that_changes_it(taken, option):
    ports = {"--port": "0", "--rtmp-port": "0"} | {option: str(taken)}
    with pytest.raises(CommandError, match=rf"127\.0\.0\.1:{taken} .* another port with {option}"):
        call_command("origin", *[word for pair in ports.items() for word in pair])


def test_two_origins_do_not_work_in_one_folder(tmp_path, settings, monkeypatch):
    settings.ORIGIN_DIR = tmp_path / "origin"
    monkeypatch.setattr(origin, "_FREE_WITHIN_S", 0)
    file = origin._hold(settings.ORIGIN_DIR)
    with pytest.raises(CommandError, match="ORIGIN_DIR"):
        call_command("origin", "--port", "0", "--rtmp-port", "0")
    os.close(file)
    os.close(origin._hold(settings.ORIGIN_DIR))


def test_the_picture_is_copied_and_only_foreign_sound_is_made_anew():
    words = ffmpeg.arguments("flv", Content("h264", "aac"), renditions=[], pipes=[])
    assert " ".join(words).count("libx264") == 0
    assert words[words.index("-c:a") + 1] == "copy"
    words = ffmpeg.arguments("webm", Content("vp9", "opus"), renditions=[], pipes=[])
    assert (words[words.index("-c:v") + 1], words[words.index("-c:a") + 1]) == ("copy", "aac")
    words = ffmpeg.arguments(
        "flv", Content("h264", "aac"), renditions=["480p", "audio"], pipes=[7, 8]
    )
    assert [word for word in words if word.startswith("pipe:")] == [
        "pipe:0",
        "pipe:1",
        "pipe:7",
        "pipe:8",
    ]


def test_ffmpeg_is_held_to_its_limits():
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        ffmpeg.limit(sleeper.pid, is_transcoding=False, minutes=10)
        got = [
            resource.prlimit(sleeper.pid, what)[0]
            for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)
        ]
    finally:
        sleeper.kill()
        sleeper.wait()
    assert got == [1 << 30, 600, 0]
    ffmpeg.limit(sleeper.pid, is_transcoding=False, minutes=10)  # gone meanwhile: no matter


async def test_it_ends_when_its_input_ends():
    running = await ffmpeg.Ffmpeg.start("flv", Content("h264", "aac"), renditions=[], minutes=1)
    running.finish()
    assert await running.outputs[0].read() == b""
    await running.end(patience=5)
    assert running.process.returncode != 0
    assert running.lines
    with pytest.raises(ConnectionError):
        await running.write(b"FLV")


async def test_a_still_is_made_once_in_a_while_and_never_of_garbage():
    words = ["-f", "lavfi", "-i", "color=c=red:size=64x36:rate=5:duration=1"]
    words += ["-c:v", "libx264", "-f", "mp4", "-movflags", "+empty_moov+frag_keyframe", "-"]
    made = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(),
        *["-nostdin", "-loglevel", "error", *words],
        stdout=subprocess.PIPE,
    )
    clip, _ = await made.communicate()
    assert await first_picture(b"garbage") is None
    stills = Stills()
    assert await stills.of("stream", None) is None
    still = await stills.of("stream", clip)
    assert still[:3] == b"\xff\xd8\xff"
    assert await stills.of("stream", b"garbage, but it is not looked at yet") is still
    stills.forget("stream")
    assert await stills.of("stream", b"garbage") is None
