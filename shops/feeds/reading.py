"""From a feed file's bytes to rows: one line at a time, and clear words for what is no feed.

Memory stays bounded whatever the file is: neither a line nor a field may be longer than a limit.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Refused

MOST_BYTES_PER_LINE: Final = 1_048_576
MOST_PER_FIELD: Final = 131_072  # the csv module's own limit
REQUIRED: Final = ("Handle", "Title", "Variant Price")

_MAGIC: Final[tuple[tuple[bytes, str | Promise], ...]] = (
    (b"PK\x03\x04", _("This is a ZIP archive or a spreadsheet. Save it as CSV (UTF-8) first.")),
    (b"\x1f\x8b", _("This is a compressed file. Unpack it first.")),
    (b"\xd0\xcf\x11\xe0", _("This is an old spreadsheet. Save it as CSV (UTF-8) first.")),
    (b"%PDF", _("This is a PDF, not a CSV file.")),
    (b"\xff\xfe", _("This file is UTF-16. Save it as CSV in UTF-8.")),
    (b"\xfe\xff", _("This file is UTF-16. Save it as CSV in UTF-8.")),
)


class Readable(Protocol):
    """An open binary file or an upload that can be read again from its start."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self, limit: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> Any: ...


class FeedUnreadable(Refused):
    """The file as a whole can't be taken; nothing of it was. `extra`: the `line`, if one."""

    code = "feed_unreadable"
    message = _("This file is not a product feed.")
    status = 422


@dataclass(frozen=True)
class Row:
    """A record: the line that it starts on, its cells by column, and whether it has them all."""

    line: int
    cells: Mapping[str, str]
    is_whole: bool = True

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "").strip()


def _at(line: int, text: str | Promise) -> FeedUnreadable:
    return FeedUnreadable(format_lazy("{}: {}", _line(line), text), line=line)


def _line(number: int) -> Promise:
    return format_lazy(_("Line {number}"), number=number)


def _lines(file: Readable) -> Iterator[str]:
    """Decode a file line by line.

    :raises FeedUnreadable: a line is too long, not UTF-8 or has NUL bytes
    """
    number = 0
    while raw := file.readline(MOST_BYTES_PER_LINE + 1):
        number += 1
        if len(raw) > MOST_BYTES_PER_LINE:
            raise _at(number, _("the line is longer than a megabyte."))
        if b"\0" in raw:
            raise _at(number, _("there are NUL bytes; this is no text file."))
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _at(number, _("this is not UTF-8. Save the file as CSV in UTF-8.")) from None


def _check_start(file: Readable) -> None:
    start = file.read(4096)
    file.seek(0)
    if not start.strip():
        raise FeedUnreadable(_("The file is empty."))
    for magic, text in _MAGIC:
        if start.startswith(magic):
            raise FeedUnreadable(text)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{"):
        raise FeedUnreadable(_("This is a web page or data file, not a CSV file."))


def read_rows(file: Readable) -> Iterator[Row]:
    """Yield the rows of a Shopify product CSV; the file is read from its start, as a stream.

    :raises FeedUnreadable: it is no CSV in UTF-8, or lacks columns
    """
    file.seek(0)
    _check_start(file)
    reader = csv.reader(_lines(file), strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        _check_header(header)
        last = reader.line_num
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(
                    last + 1,
                    dict(zip(header, cells, strict=False)),
                    is_whole=len(cells) == len(header),
                )
            last = reader.line_num
    except csv.Error as error:
        text = (
            _("a field is too long. Is a quotation mark missing?")
            if "field limit" in str(error)
            else _("the quotation marks do not match.")
        )
        raise _at(reader.line_num, text) from None


def _check_header(header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise FeedUnreadable(
            format_lazy(
                _("Columns are missing: {names}. Are the values separated by commas?"),
                names=", ".join(missing),
            ),
            line=1,
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise FeedUnreadable(
            format_lazy(_("Columns are there twice: {names}."), names=", ".join(twice)), line=1
        )
