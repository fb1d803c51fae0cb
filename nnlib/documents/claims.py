"""A claim of a document: what it states, the truth, and how far its forms are off.

A page is a generator: it draws one sample from the random generator it is given and yields the
claims about it, each with its forms as functions of nothing. So a page of a document reads as a
page of code, and checking one claim computes no other.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Rng

Form = Callable[[], Any]
Page = Callable[[Rng], Iterator["Claim"]]


ANY_DRAW = "any draw"  # the input on which most verdicts rest: numbers drawn at random
UNCHARGED = "Nothing is held against a document here."


class Errors(NamedTuple):
    """How far a claim's forms are from the truth: inf where undefined, nan where there is none."""

    printed: float
    corrected: float


@dataclass(frozen=True)
class Claim:
    """One claim of a document.

    id           as in the inventory: the document, the section, a name.
    status       a name of VERDICTS.
    stated       what the document states, in our words.
    correction   what holds instead.
    printed, corrected, truth   functions of nothing: the forms on the sample of the page.
    lessons      where it is dealt with, such as ("02", "05").
    defence      of all that is not ok: the best that can be said for what is printed.
    rests_on     the input that decides, where not any draw does.
    slips        of what is wrong: its mistakes, each independent of all others, in a few words.
    follows      of what follows: the id of the slip that it carries on.
    condition    of what is overstated: where it is right, in words.
    under        the printed form and the truth on several inputs on which the condition holds, the
                 edge of it among them; a row for each.

    >>> from nnlib.documents import claims
    >>> claim = claims()["A-3.4-clip"]
    >>> claim.document, claim.status, claim.check(np.random.default_rng(0)).printed > 1e-3
    ('A', 'overstated', True)
    """

    id: str
    status: str
    stated: str
    correction: str = ""
    printed: Form | None = None
    corrected: Form | None = None
    truth: Form | None = None
    lessons: tuple[str, ...] = ()
    section: str = ""
    page: Page | None = None
    defence: str = ""
    rests_on: str = ANY_DRAW
    slips: tuple[str, ...] = ()
    follows: str = ""
    condition: str = ""
    under: tuple[Form, Form] | None = None

    @property
    def document(self) -> str:
        """The letter of its document, as in DOCUMENTS."""
        return self.id.split("-")[0]

    def check(self, rng: Rng) -> Errors:
        """Both errors on a new sample, relative to the largest entry of the truth."""
        if self.truth is None or self.page is None:
            return Errors(math.nan, math.nan)
        drawn = self.drawn(rng)
        truth = drawn.truth()  # type: ignore[misc]
        return Errors(error_of(drawn.printed, truth), error_of(drawn.corrected, truth))

    def check_under(self, rng: Rng) -> float:
        """The error of what is overstated where its condition holds; nan for all else."""
        if self.under is None:
            return math.nan
        printed, truth = self.drawn(rng).under  # type: ignore[misc]
        return error_of(printed, truth())

    def drawn(self, rng: Rng) -> "Claim":
        """The same claim about a new sample of its page."""
        return next(claim for claim in self.page(rng) if claim.id == self.id)  # type: ignore[misc]


def error_of(form: Form | None, truth: Any) -> float:
    """max|form - truth| / max|truth|; inf where the form is undefined, nan where there is none.

    >>> error_of(lambda: np.ones(3) @ np.ones(2), 1.0), error_of(lambda: 1.5, 1.0)
    (inf, 0.5)
    """
    if form is None:
        return math.nan
    try:
        with np.errstate(all="ignore"):
            value, truth = np.asarray(form()), np.asarray(truth)
    except (ValueError, IndexError, ZeroDivisionError):
        return math.inf
    if value.shape != truth.shape:
        return math.inf
    gap, size = np.abs(value - truth).max(initial=0), np.abs(truth).max(initial=0)
    return float(gap / (size or 1)) if np.isfinite(gap) else math.inf


# -- the ways to state a claim ------------------------------------------------------------------


def ok(
    id: str, stated: str, printed: Form, truth: Form, note: str = "", lessons: str = "", **more: Any
) -> Claim:
    """It agrees with the truth, under the condition noted; ``more`` as in ``judged``."""
    return judged("ok", id, stated, note, printed, printed, truth, lessons, **more)


def note(id: str, stated: str, why: str, lessons: str = "") -> Claim:
    """Nothing numeric to check, and why."""
    own = tuple(lessons.split())
    return Claim(id, "note", stated, why, lessons=own, defence=UNCHARGED, rests_on="words alone")


def judged(
    status: str,
    id: str,
    stated: str,
    correction: str,
    printed: Form | None,
    corrected: Form,
    truth: Form,
    lessons: str = "",
    **more: Any,
) -> Claim:
    """A claim with its printed and its corrected form; ``more`` are fields of Claim by name."""
    own = tuple(lessons.split())
    return Claim(id, status, stated, correction, printed, corrected, truth, own, **more)


def added(
    id: str, stated: str, corrected: Form, truth: Form, note: str = "", lessons: str = ""
) -> Claim:
    """Needed, and printed in no document."""
    return judged("added", id, stated, note, None, corrected, truth, lessons, defence=UNCHARGED)


misprint = partial(judged, "misprint")  # the next line, or the text, shows what was meant
wrong = partial(judged, "wrong")  # wrong numbers, an undefined product, a false statement
overstated = partial(judged, "overstated")  # true under a condition that is not given
follows = partial(judged, "follows")  # carries on an earlier slip, which it names
scan = partial(judged, "scan?")  # may be what became of the page on its way to a text
convention = partial(judged, "convention")  # clashes with another; corrected is the conversion
reading = partial(judged, "reading", defence=UNCHARGED)  # a pitfall: another way to read a claim


# -- documents ----------------------------------------------------------------------------------


def page(section: str, *, lessons: str) -> Callable[[Page], Page]:
    """Mark a generator of claims as a page of its document.

    lessons   where its claims are dealt with, unless they name their own.

    >>> @page("1 Sums", lessons="01")
    ... def sums(rng):
    ...     x = rng.standard_normal(3)
    ...     yield ok("Z-sum", "the sum of the doubles", lambda: (2 * x).sum(), lambda: 2 * x.sum())
    >>> [(claim.section, claim.lessons) for claim in on_page(sums)]
    [('1 Sums', ('01',))]
    """

    def mark(generator: Page) -> Page:
        generator.section, generator.lessons = section, tuple(lessons.split())  # type: ignore
        return generator

    return mark


def on_page(page: Page) -> Iterator[Claim]:
    """The claims of a page, each with its section, its lessons and the page to draw it from."""
    section, lessons = page.section, page.lessons  # type: ignore[attr-defined]
    for claim in page(np.random.default_rng(0)):
        yield replace(claim, section=section, lessons=claim.lessons or lessons, page=page)


class Document:
    """A document: its letter, its title and the modules that hold its pages, in order."""

    def __init__(self, letter: str, title: str, *modules: ModuleType) -> None:
        self.letter, self.title, self.modules = letter, title, modules

    def claims(self) -> Iterator[Claim]:
        """Every claim of the document, in the order of its pages."""
        for module in self.modules:
            for page in vars(module).values():
                if hasattr(page, "section") and page.__module__ == module.__name__:
                    yield from on_page(page)
