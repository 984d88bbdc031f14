"""Filters: what words and RE2 patterns say about a line, without a database.

Words match whole words, however they are dressed up: capitals, accents, wide and boxed letters,
letters that are repeated, that stand apart (f o o, f.o.o) or look the same in another script,
digits and signs in their place, and what can't be seen between them. Patterns are RE2's, judged on
the line as it was written but for capitals: they have no look-around and no back references, so no
pattern takes more than a moment, however it was meant.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, NamedTuple

import re2
from django.utils.translation import gettext_lazy as _

from creators.chat.models import FilterEffect, FilterKind
from shops.facts.refused import Invalid

MOST_WORDS: Final = 100
# What one pattern may take, in bytes, with its automaton.
_MEMORY: Final = 1 << 18
# What all patterns of a creator may take together, in steps for each letter at the worst.
MOST_STEPS: Final = 4_000
# Letters that signs and digits stand for; the second reading has an l where the first has an i.
_SIGNS: Final = str.maketrans("013457@$!|+", "oieastasiit")
_SIGNS_L: Final = str.maketrans("013457@$!|+", "oleastasllt")
_SIGN: Final = frozenset("@$!|+")
# Apostrophes part what is no word without them: he'll.
_APART: Final = frozenset("'\u2019\u02bc")
# Marks above, below and around letters, and what changes nothing that can be seen.
_UNSEEN: Final = (
    *((0xAD, 0xAE), (0x300, 0x370), (0x483, 0x48A), (0x61C, 0x61D), (0x17B4, 0x17B6)),
    *((0x180B, 0x1810), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x200B, 0x2010), (0x202A, 0x202F)),
    *((0x2060, 0x2070), (0x20D0, 0x2100), (0xFE00, 0xFE10), (0xFE20, 0xFE30), (0xFEFF, 0xFF00)),
    *((0xE0000, 0xE01F0),),
)
# Letters in boxes, balls and flags, small capitals, and those that have no form without a stroke.
_LETTERS: Final[dict[int, int | str | None]] = (
    {code: None for begin, end in _UNSEEN for code in range(begin, end)}
    | {begin + i: chr(97 + i) for begin in (0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
    | str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢøđłı", "abcdefghijklmnoprstuvwyzodli")
)
# Letters of other scripts that look like Latin ones.
_CYRILLIC: Final = ("асеорхуіјѕһӏԁԛԝкмтвн", "aceopxyijshldqwkmtbh")
_GREEK: Final = ("αβεηικνορτυχωγ", "abenikvoptuxwy")
_AS_LATIN: Final = str.maketrans(_CYRILLIC[0] + _GREEK[0], _CYRILLIC[1] + _GREEK[1])
_AS_CYRILLIC: Final = str.maketrans(_CYRILLIC[1], _CYRILLIC[0])
# Scripts that put no spaces between words: there a word is found anywhere.
_SPACELESS: Final = re2.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
)
# What RE2 says is wrong -> what a person is told.
_WRONG: Final = {
    "missing )": _("A bracket ( is not closed."),
    "unexpected )": _("A bracket ) closes nothing."),
    "missing ]": _("A bracket [ is not closed."),
    "invalid character class": _("What stands in the brackets [ ] is not a range or class."),
    "invalid repetition size": _("A repetition is too large: {1000} is the most."),
    "no argument for repetition operator": _("A *, + or ? has nothing before it to repeat."),
    "bad repetition operator": _("Two repetitions follow each other, as in a**."),
    "invalid perl operator": _("Looking ahead or behind, as in (?=…), is not possible here."),
    "invalid escape sequence": _(
        "A backslash stands before something that it doesn't go with; "
        "referring back, as in \\1, is not possible here."
    ),
    "trailing \\": _("The pattern ends with a backslash."),
    "invalid named capture": _("The name of a group is not valid."),
    "pattern too large": _("The pattern is too large."),
}


class BadFilter(Invalid):
    code = "bad_filter"
    message = _("This is not a filter that can be used.")


class Rule(NamedTuple):
    """A filter as it is judged by; `pk` is 0 for one that was not saved."""

    pk: int
    kind: str
    text: str
    effect: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which filter a line ran into, what becomes of the line, and the part that matched."""

    filter_id: int
    effect: str
    found: str


def _plain(text: str) -> str:
    """Write letters without case, accents and width, and without what can't be seen."""
    apart = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return unicodedata.normalize("NFC", apart).casefold()


def _words(text: str, *, keep: frozenset[str] = frozenset()) -> list[str]:
    """Split at everything that is no letter, mark or digit, nor to be kept."""
    spaced = "".join(c if c in keep or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return spaced.split()


def readings(line: str) -> str:
    """Write a line in the ways that it can be read, each on its own, words between spaces."""
    plain = _plain(line)
    ways = [_words(plain)]
    signed = _words(plain, keep=_SIGN)
    ways.extend(
        [
            word.rstrip("!|+").translate(signs) if any(map(str.isalpha, word)) else word
            for word in signed
        ]
        for signs in (_SIGNS, _SIGNS_L)
    )
    ways += [_closed_up(plain), _spelled(ways[0])]
    if not plain.isascii():
        ways += [_in_one_script(ways[0], as_one) for as_one in (_AS_LATIN, _AS_CYRILLIC)]
    # A line that needs no second reading gets none.
    return "\n".join(dict.fromkeys(f" {' '.join(way)} " for way in ways))


def _closed_up(plain: str) -> list[str]:
    """Read what stands between spaces as one word, whatever else is in it: f.o.o, fo-o."""
    parted = "".join(" " if c in _APART else c for c in plain)
    return [word for token in parted.split() if (word := "".join(_words(token)))]


def _spelled(words: list[str]) -> list[str]:
    """Read three letters and more that stand alone as one word: f o o."""
    told: list[str] = []
    for is_letter, some in groupby(words, lambda word: len(word) == 1 and word.isalpha()):
        run = list(some)
        told += ["".join(run)] if is_letter and len(run) > 2 else run
    return told


def _in_one_script(words: list[str], as_one: dict[int, int]) -> list[str]:
    """Read words of Latin and other letters as if they were of one script."""
    return [
        word.translate(as_one)
        if any("a" <= c <= "z" for c in word) and not word.isascii()
        else word
        for word in words
    ]


def _pattern_of_word(words: list[str]) -> str:
    """Match words whose letters may be repeated: as often as they were written, or more."""
    told = []
    for word in words:
        runs = re.findall(r"(.)(\1*)", word, flags=re.DOTALL)
        told.append("".join(f"{re2.escape(c)}{{{len(more) + 1},}}" for c, more in runs))
    first, last = words[0][0], words[-1][-1]
    before = "" if _SPACELESS.search(first) else " "
    after = "" if _SPACELESS.search(last) else " "
    return before + " ".join(told) + after


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.case_sensitive = False
    options.log_errors = False
    return options


def _compiled(pattern: str) -> Any:
    """Compile for RE2.

    :raises BadFilter: it can't be; says in words what is wrong
    """
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        said = error.args[0] if error.args else ""
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        for beginning, words in _WRONG.items():
            if text.startswith(beginning):
                raise BadFilter(words) from error
        raise BadFilter(_("The pattern can't be understood: %(why)s") % {"why": text}) from error


def split_words(text: str) -> list[str]:
    """List what a filter of words has: words and phrases, apart by commas or lines."""
    return [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]


def _regexp(rule: Rule) -> Any:
    if rule.kind == FilterKind.PATTERN:
        return _compiled(rule.text)
    patterns = [
        _pattern_of_word(words) for part in split_words(rule.text) if (words := _known(part))
    ]
    return _compiled("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None


def _known(part: str) -> list[str]:
    """List the words of a filter's word or phrase; a sign in a word is the letter it stands for."""
    return [
        word.rstrip("!|+").translate(_SIGNS) if any(map(str.isalpha, word)) else word
        for word in _words(_plain(part), keep=_SIGN)
        if any(map(str.isalnum, word))
    ]


def check(rule: Rule) -> None:
    """Refuse a filter that could not work, or would match all that is said.

    :raises BadFilter: says in words why
    """
    if not rule.text.strip():
        raise BadFilter(_("Write the words or the pattern."))
    if "\x00" in rule.text:
        raise BadFilter(_("There is a character in it that can't be written down."))
    if len(rule.text) > 500:
        raise BadFilter(_("A filter has 500 characters at most."))
    if rule.kind not in FilterKind.values or rule.effect not in FilterEffect.values:
        raise BadFilter
    if rule.kind == FilterKind.PATTERN:
        if steps([rule]) > MOST_STEPS:
            raise BadFilter(_("The pattern is too large."))
        if _compiled(rule.text).search("") is not None:
            raise BadFilter(_("This pattern matches every line, even an empty one."))
        return
    parts = split_words(rule.text)
    if len(parts) > MOST_WORDS:
        raise BadFilter(
            _("A filter has %(most)d words at most; make two of it.") % {"most": MOST_WORDS}
        )
    for part in parts:
        if not _known(part):
            raise BadFilter(_("“%(word)s” has no letter to look for.") % {"word": part})
    _regexp(rule)


def steps(rules: Iterable[Rule]) -> int:
    """Tell how much work patterns may make, for each letter of a line."""
    return sum(
        _compiled(rule.text).programsize for rule in rules if rule.kind == FilterKind.PATTERN
    )


class Judge:
    """Some filters, ready to judge lines. One that refuses goes before one that withholds."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: list[tuple[Rule, Any]] = []
        for rule in sorted(rules, key=lambda rule: (rule.effect != FilterEffect.REFUSE, rule.pk)):
            try:
                regexp = _regexp(rule)
            except BadFilter:
                # It was saved when RE2 still took it; it must not shut the chat now.
                continue
            if regexp is not None:
                self._rules.append((rule, regexp))

    def __bool__(self) -> bool:
        return bool(self._rules)

    def judge(self, line: str) -> Verdict | None:
        """Tell which filter a line runs into first; None when it may be shown."""
        if not self._rules:
            return None
        read = readings(line)
        for rule, regexp in self._rules:
            found = regexp.search(line if rule.kind == FilterKind.PATTERN else read)
            if found is not None:
                return Verdict(rule.pk, rule.effect, found.group().strip()[:80])
        return None


@lru_cache(maxsize=256)
def _judge_of(rules: tuple[Rule, ...]) -> Judge:
    return Judge(rules)


def compile(rules: Iterable[Rule]) -> Judge:
    """Make filters ready to judge by; the same filters again cost nothing."""
    return _judge_of(tuple(rules))
