"""What is said to people, in their language: a sentence is named by a slug and stands once in each catalogue. Pure.

A catalogue is one file of the shelf `languages`. What is decided carries Sayings, which are in no language yet; the
trace, the commands and the pages say them in English, a mail in the language of whoever reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from addressee.core.registry import languages

REFERENCE = "en"  # the catalogue that has every sentence; the others are compared with it


@dataclass(frozen=True, slots=True)
class Saying:
    """A sentence in no language yet: its slug, and what it tells of. A value that is a Saying is said with it."""

    slug: str
    data: tuple[tuple[str, Any], ...] = ()


def saying(slug: str, /, **data: Any) -> Saying:
    """Text, numbers, Sayings and tuples of them; a number named `count` chooses the form of the sentence."""
    return Saying(slug, tuple(data.items()))


def as_written(text: str) -> Saying:
    """Text that is in no catalogue: what a plug-in of somebody else says, in the words it has."""
    return saying("as-written", text=text)


def one_or_other(count: int) -> str:
    return "one" if count == 1 else "other"


@dataclass(frozen=True)
class Language:
    """A catalogue.

    tag        RFC 5646, in lower case: "de"
    sentences  slug -> sentence with {names}; where a count chooses the form, one entry a form: "slug.one"
    form       count -> the form's name
    """

    tag: str
    name: str
    sentences: Mapping[str, str]
    form: Callable[[int], str] = one_or_other

    def say(self, what: Saying | str) -> str:
        """A Saying as text; text as it is. Never raises for a sentence that is missing here: then it is English."""
        if isinstance(what, str):
            return what
        given = dict(what.data)
        data = {name: value if type(value) is str else self._told(value) for name, value in given.items()}
        return self._sentence(what.slug, given.get("count")).format_map(data)

    def __call__(self, slug: str, /, **data: Any) -> str:
        return self.say(Saying(slug, tuple(data.items())))

    def _told(self, value: Any) -> str:
        if isinstance(value, (tuple, list)):
            return ", ".join(self._told(each) for each in value)
        return self.say(value) if isinstance(value, Saying) else str(value)

    def _sentence(self, slug: str, count: Any) -> str:
        found = self.sentences.get(slug)
        if found is None and isinstance(count, int):
            found = self.sentences.get(f"{slug}.{self.form(count)}")
        if found is None:
            if self.tag == REFERENCE:
                raise KeyError(slug)
            return english()._sentence(slug, count)
        return found

    def own(self, slug: str, otherwise: str) -> str:
        """The sentence where this catalogue has it, else the text: of what brings its English with it."""
        return self.sentences.get(slug, otherwise)

    def has(self, slug: str) -> bool:
        return slug in self.sentences

    @cached_property
    def marker_line(self) -> str:
        """The line above which an answer is written."""
        return f"--- {self('marker')} ---"


@lru_cache(maxsize=1)
def english() -> Language:
    """What traces, commands and pages speak."""
    found: Language = languages[REFERENCE]
    return found


def language(*tags: str) -> Language:
    """The first that there is of these (RFC 5646; "pt-BR" is Portuguese), else English. "" is passed over."""
    return next(filter(None, map(_catalogue, tags)), None) or english()


def is_spoken(tag: str) -> bool:
    """Is there a catalogue of this language?"""
    return _catalogue(tag) is not None


@lru_cache(maxsize=256)  # the shelf is full before anybody is spoken to, and a mail asks a dozen times
def _catalogue(tag: str) -> Language | None:
    lowered = tag.lower().replace("_", "-")
    found: Language | None = languages.get(lowered) or languages.get(lowered.partition("-")[0])
    return found


# ---- What core.body looks for in answers to our mail: in every language, for nobody knows in which it was sent ----


@lru_cache(maxsize=1)
def marker_words() -> tuple[str, ...]:
    """The words of our marker line in each language, in lower case."""
    return tuple({" ".join(each("marker").lower().split()): None for _, each in languages.items()})


@lru_cache(maxsize=1)
def marker_signs() -> tuple[str, ...]:
    """The first three words of each marker: a text that holds none of them holds no marker."""
    return tuple(" ".join(words.split()[:3]) for words in marker_words())


@lru_cache(maxsize=1)
def notice_openings() -> tuple[str, ...]:
    """How the first line of a notice to staff begins in each language, which stands above the marker (law 16)."""
    return tuple(each("notice.opening") for _, each in languages.items())
