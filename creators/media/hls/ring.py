"""The last of each stream on disk, so that an origin that is started again goes on where it was.

One thread writes for all streams, off the loop. A stream's rendition has a folder with its
initialization sections, one file per segment (parts are appended as they come) and `index.jsonl`,
to which lines are only added: what a crash left of the last line is ignored. When the disk does not
take any more, live goes on from memory; each closed segment is tried anew.
"""

import contextlib
import json
import os
import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from creators.media.hls.playlist import Part, Segment, Targets

# What may wait to be written, in bytes; more means that the disk stands still.
MOST_WAITING = 64 * 1024 * 1024


@dataclass
class Restored:
    """What an index says: the segments that are there, in a row up to the last."""

    targets: Targets | None = None
    segments: list[Segment] = field(default_factory=list)
    next_segment: int = 0
    next_part: int = 0
    discontinuities: int = 0
    is_ended: bool = False


class Disk:
    """The folder of all rings, its quotas and its writer. `trouble` is "" while all is well."""

    def __init__(self, root: Path, *, most_bytes: int, most_stream_bytes: int) -> None:
        self.root = root
        self.most_bytes = most_bytes
        self.most_stream_bytes = most_stream_bytes
        self.trouble = ""
        self.waiting_bytes = 0
        self._rings: dict[Path, Ring] = {}
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.used_elsewhere = _size(root)

    def ring(self, stream_id: UUID, name: str) -> "Ring":
        """Return the ring of one rendition of a stream."""
        folder = self.root / str(stream_id) / name
        with self._lock:
            if folder not in self._rings:
                self.used_elsewhere -= _size(folder)
                self._rings[folder] = Ring(self, folder)
            return self._rings[folder]

    def forget(self, stream_id: UUID) -> None:
        """Remove all that is kept of a stream (soon, by the writer)."""
        folder = self.root / str(stream_id)

        def remove() -> None:
            with self._lock:
                for path in [path for path in self._rings if path.parent == folder]:
                    del self._rings[path]
            shutil.rmtree(folder, ignore_errors=True)

        self.put(remove, 0)

    def put(self, job: Callable[[], None], size: int) -> None:
        """Have the writer do something; bytes that the disk does not take in time are not kept."""
        if self.waiting_bytes + size > MOST_WAITING:
            self.trouble = "The disk is too slow."
            return
        with self._lock:
            self.waiting_bytes += size
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="ring", daemon=True)
                self._thread.start()
        self._jobs.put((job, size))

    def close(self) -> None:
        """Write what waits, then stop."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()

    def flush(self) -> None:
        """Wait until all that was put before is written."""
        done = threading.Event()
        self.put(done.set, 0)
        done.wait(10)

    def _write(self) -> None:
        while (one := self._jobs.get()) is not None:
            job, size = one
            try:
                job()
            except OSError as error:
                self.trouble = error.strerror or "The disk does not work."
            finally:
                with self._lock:
                    self.waiting_bytes -= size

    def make_room(self, ring: "Ring") -> None:
        """Drop the oldest until the quotas are kept; the writer's business."""
        folder = ring.folder.parent
        while True:
            with self._lock:
                rings = list(self._rings.values())
            mine = [one for one in rings if one.folder.parent == folder]
            if sum(one.used for one in mine) > self.most_stream_bytes:
                candidates = mine
            elif sum(one.used for one in rings) + self.used_elsewhere > self.most_bytes:
                if self._drop_folder():
                    continue
                candidates = rings
            else:
                return
            oldest = min(
                (one for one in candidates if len(one.entries) > 1),
                key=lambda one: one.oldest_date,
                default=None,
            )
            if oldest is None:
                return
            oldest.drop_oldest()

    def _drop_folder(self) -> bool:
        """Remove the oldest folder of a stream that nobody has opened since the start."""
        with self._lock:
            open_folders = {path.parent for path in self._rings}
        others = [one for one in self.root.iterdir() if one.is_dir() and one not in open_folders]
        if not others:
            self.used_elsewhere = 0
            return False
        oldest = min(others, key=lambda one: one.stat().st_mtime)
        self.used_elsewhere = max(self.used_elsewhere - _size(oldest), 0)
        shutil.rmtree(oldest, ignore_errors=True)
        return True


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(path) / name).stat().st_size
    return total


class Ring:
    """One rendition of a stream on disk. The track calls from the loop; files are the writer's."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self.disk = disk
        self.folder = folder
        # Whole segments that can be read, by number; and how many bytes all files have.
        self.entries: dict[int, tuple[Segment, int]] = {}
        self.used = 0
        self._lock = threading.Lock()
        self._opened = -1
        self._written = 0
        self._is_torn = False

    # From the track ----------------------------------------------------------------------------

    def targets(self, targets: Targets) -> None:
        self._put(lambda: self._line({"targets": [targets.segment, targets.part]}))

    def init(self, name: str, data: bytes) -> None:
        def write() -> None:
            self._replace(name, data)

        self._put(write, len(data))

    def part(self, segment: Segment, part: Part) -> None:
        """Add a part to the segment that is open."""
        head = _head(segment)

        def write() -> None:
            if self._opened != segment.number:
                self._opened, self._written = segment.number, 0
                self._line({"open": head})
            with self._file(segment.number).open("ab") as file:
                file.truncate(self._written)
                file.write(part.data)
            self._written += len(part.data)
            self.used += len(part.data)
            self._line({"part": [part.number, part.duration, len(part.data)]})

        self._put(write, len(part.data))

    def closed(self, segment: Segment) -> None:
        """The segment is whole; whatever of it is not written yet is written now."""
        head, data, duration = _head(segment), segment.data, segment.duration

        def write() -> None:
            if self._opened != segment.number:
                self._line({"open": head})
            elif self._written == len(data):
                self._keep(segment, duration, len(data))
                return
            self._replace(f"s{segment.number}.m4s", data)
            self.used += len(data) - (self._written if self._opened == segment.number else 0)
            self._keep(segment, duration, len(data))

        self._put(write, len(data))

    def ended(self) -> None:
        self._put(lambda: self._line({"ended": True}))

    def segments(self, *, since: int = 0) -> list[Segment]:
        """Return the whole segments that are kept, oldest first, without their bytes."""
        with self._lock:
            return [one for number, (one, _) in sorted(self.entries.items()) if number >= since]

    def read(self, number: int) -> bytes | None:
        """Return a whole segment's bytes; None when it is not kept (any more)."""
        with self._lock:
            entry = self.entries.get(number)
        if entry is None:
            return None
        try:
            data = self._file(number).read_bytes()
        except OSError:
            return None
        return data[: entry[1]] if len(data) >= entry[1] else None

    def read_init(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return None

    # The writer's ------------------------------------------------------------------------------

    @property
    def oldest_date(self) -> float:
        with self._lock:
            return self.entries[min(self.entries)][0].date

    def drop_oldest(self) -> None:
        with self._lock:
            number = min(self.entries)
            _, size = self.entries.pop(number)
        self.used -= size
        self._file(number).unlink(missing_ok=True)
        self._line({"gone": number})

    def _put(self, job: Callable[[], None], size: int = 0) -> None:
        self.disk.put(job, size)

    def _file(self, number: int) -> Path:
        return self.folder / f"s{number}.m4s"

    def _replace(self, name: str, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f"{name}.new"
        draft.write_bytes(data)
        draft.replace(self.folder / name)

    def _line(self, words: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps(words, separators=(",", ":")).encode() + b"\n"
        with (self.folder / "index.jsonl").open("ab", buffering=0) as file:
            if self._is_torn:
                line = b"\n" + line
            self._is_torn = True
            if file.write(line) == len(line):
                self._is_torn = False

    def _keep(self, segment: Segment, duration: float, size: int) -> None:
        self._line({"closed": [segment.number, duration, size]})
        self._opened = -1
        with self._lock:
            self.entries[segment.number] = (_bare(segment, duration), size)
        self.disk.trouble = ""
        self.disk.make_room(self)

    def load(self) -> Restored:
        """Read the index, close the segment that was open, and write the index anew."""
        found = Restored()
        opened: Segment | None = None
        size = 0
        for words in self._lines():
            try:
                if "targets" in words:
                    found.targets = Targets(int(words["targets"][0]), float(words["targets"][1]))
                elif "open" in words:
                    opened, size = Segment(**words["open"]), 0
                    found.next_segment = opened.number + 1
                    found.discontinuities = opened.discontinuities + opened.is_discontinuity
                elif "part" in words and opened is not None:
                    number, duration, part_size = words["part"]
                    opened.duration += duration
                    size += part_size
                    found.next_part = number + 1
                elif "closed" in words and opened is not None:
                    number, opened.duration, size = words["closed"]
                    self.entries[number] = (opened, size)
                    opened = None
                elif "gone" in words:
                    self.entries.pop(words["gone"], None)
                elif "ended" in words:
                    found.is_ended = True
            except (TypeError, ValueError, KeyError, IndexError):
                continue
        if opened is not None and size:
            self.entries[opened.number] = (opened, size)
        elif opened is not None:
            # It was opened, but nothing of it was written.
            found.next_segment = opened.number
            found.discontinuities = opened.discontinuities
        self._check_files()
        found.segments = self._last_in_a_row(found.next_segment)
        self._write_anew(found)
        return found

    def _lines(self) -> list[dict[str, Any]]:
        try:
            text = (self.folder / "index.jsonl").read_bytes()
        except OSError:
            return []
        lines = []
        for line in text.split(b"\n"):
            with contextlib.suppress(ValueError):
                words = json.loads(line)
                if isinstance(words, dict):
                    lines.append(words)
        return lines

    def _check_files(self) -> None:
        for number, (_, size) in list(self.entries.items()):
            try:
                is_whole = self._file(number).stat().st_size >= size > 0
            except OSError:
                is_whole = False
            if not is_whole:
                del self.entries[number]
        self.used = sum(size for _, size in self.entries.values())

    def _last_in_a_row(self, next_segment: int) -> list[Segment]:
        row: list[Segment] = []
        number = next_segment - 1
        while number in self.entries:
            row.append(self.entries[number][0])
            number -= 1
        return row[::-1]

    def _write_anew(self, found: Restored) -> None:
        if found.next_segment == 0 and found.targets is None:
            return
        lines: list[dict[str, Any]] = []
        if found.targets is not None:
            lines.append({"targets": [found.targets.segment, found.targets.part]})
        for number, (segment, size) in sorted(self.entries.items()):
            lines.append({"open": _head(segment)})
            if number == max(self.entries) and found.next_part:
                lines.append({"part": [found.next_part - 1, segment.duration, size]})
            lines.append({"closed": [number, segment.duration, size]})
        if found.is_ended:
            lines.append({"ended": True})
        text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in lines)
        try:
            self._replace("index.jsonl", text.encode())
        except OSError as error:
            self.disk.trouble = error.strerror or "The disk does not work."


def _head(segment: Segment) -> dict[str, Any]:
    """Return what is known of a segment before it is whole, for `Segment(**…)`."""
    return {
        "number": segment.number,
        "run": segment.run,
        "init_name": segment.init_name,
        "date": segment.date,
        "is_discontinuity": segment.is_discontinuity,
        "is_independent": segment.is_independent,
        "discontinuities": segment.discontinuities,
    }


def _bare(segment: Segment, duration: float) -> Segment:
    return Segment(**_head(segment), duration=duration)
