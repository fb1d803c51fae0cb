"""What lesson 90 looks at: errors over many draws, the source of a claim, a summary in words."""

import ast
import inspect
import math
from collections import Counter
from collections.abc import Iterable
from functools import cache
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.documents import claim, claims
from nnlib.documents.card import Card
from nnlib.documents.chain import Chain
from nnlib.documents.slips import slips
from nnlib.documents.verdicts import MISTAKES, VERDICTS
from nnlib.experiments.findings import Finding, chosen, findings, used
from nnlib.words import counted, plain


def over_draws(claim: Any, draws: int = 20) -> Array:
    """The error of the printed form on one sample after the other.

    Shapes   -> (draws,)
    """
    return np.array([claim.check(np.random.default_rng(seed)).printed for seed in range(draws)])


def source_of(claim: Any) -> str:
    """The lines of a document's page that state a claim, below those that draw its sample.

    Errors   ValueError for a claim that is not on its page.
    """
    source = dedent(inspect.getsource(claim.page))
    lines, (page,) = source.splitlines(), ast.parse(source).body
    yields = [node for node in ast.walk(page) if isinstance(node, ast.Yield)]
    yields.sort(key=lambda node: node.lineno)
    for node in yields:
        if any(isinstance(x, ast.Constant) and x.value == claim.id for x in ast.walk(node)):
            head = "\n".join(lines[: yields[0].lineno - 1]).rstrip()
            return "\n".join([head, "    ...", *lines[node.lineno - 1 : node.end_lineno]])
    raise ValueError(f"source_of: {claim.id} is not on its page.")


@cache
def tried() -> tuple[Finding, ...]:
    """What came of trying every claim; those that are drawn are among them."""
    return tuple(findings(claims().values()))


def is_drawn(one: Finding) -> bool:
    """Whether a finding has a dot in a picture."""
    return bool(VERDICTS[one.status].marker)


def drawn_errors() -> tuple[Array, list[str]]:
    """The errors as printed of all that is drawn, and their verdicts."""
    drawn = [one for one in tried() if is_drawn(one)]
    return np.array([one.printed for one in drawn]), [one.status for one in drawn]


class Chosen(NamedTuple):
    """Some of all claims: in words, how many, and the one that stands on a card.

    claim         None where none fits.
    chain         None where the claim neither is a slip nor carries one on.
    highlighted   which of those that are drawn are chosen.
    """

    words: str
    cards: int
    total: int
    card: int
    claim: Card | None
    chain: Chain | None
    highlighted: Array


def chosen_claims(*, card: int = 1, **filters: str) -> Chosen:
    """Choose among all claims, as ``chosen`` does, and take the card with this number, from 1.

    >>> found = chosen_claims(containing="no claim says this")
    >>> found.words, found.claim
    ('No claim fits.', None)
    """
    found = chosen(tried(), **filters)
    ids = {one.id for one in found}
    highlighted = np.array([one.id in ids for one in tried() if is_drawn(one)])
    shown = claim(found[card - 1].id) if found else None
    chain = Chain(found[card - 1].slip) if found and found[card - 1].slip in begun() else None
    return Chosen(in_words(found), len(found), len(tried()), card, shown, chain, highlighted)


@cache
def begun() -> dict[str, str]:
    """The slips with which chains begin, and what each is, in letters and signs."""
    return {one.id: plain("; ".join(one.slips)) or VERDICTS[one.status].meaning for one in slips()}


def in_words(found: Iterable[Finding]) -> str:
    """How many claims there are of each status, how many mistakes, and how they fail.

    >>> one = Finding("A-1", "A", "wrong", (), "", math.inf, 0.0, mistakes=2)
    >>> in_words([one, one._replace(printed=0.5)])
    '2 claims: 2 wrong. Independent mistakes: 4. As printed: 1 undefined, 1 off by 0.5 or more.'
    """
    found = list(found)
    if not found:
        return "No claim fits."
    by_status = Counter(one.status for one in found)
    each = ", ".join(f"{by_status[status]} {status}" for status in used(found))
    words = f"{counted(len(found), 'claim')}: {each}."
    if mistakes := sum(one.mistakes for one in found):
        words += f" Independent mistakes: {mistakes}."
    errors = [one.printed for one in found if one.status in (*MISTAKES, "follows")]
    undefined, defined = errors.count(math.inf), [error for error in errors if error < math.inf]
    ways = [f"{undefined} undefined"] if undefined else []
    if defined:
        ways.append(f"{len(defined)} off by {min(defined):.2g} or more")
    return f"{words} As printed: {', '.join(ways)}." if ways else words
