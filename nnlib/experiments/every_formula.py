"""What the lesson on every formula measures: claims tried, counted, chosen; the source of one."""

import ast
import inspect
import math
from collections import Counter
from collections.abc import Iterable
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.documents.verdicts import VERDICTS


class Finding(NamedTuple):
    """What came of trying a claim: its errors are inf where undefined, nan where there is none."""

    id: str
    document: str
    status: str
    lessons: tuple[str, ...]
    text: str
    printed: float
    corrected: float


def findings(claims: Iterable[Any], *, seed: int = 0) -> list[Finding]:
    """Every claim tried on a sample of its own; the same seed gives the same samples.

    >>> findings([])
    []
    """
    return [
        Finding(
            claim.id,
            claim.document,
            claim.status,
            claim.lessons,
            f"{claim.id} {claim.section} {claim.stated} {claim.correction}",
            *claim.check(np.random.default_rng(seed)),
        )
        for claim in claims
    ]


def counts(found: Iterable[Any]) -> dict[str, Counter[str]]:
    """How many claims of each document have which status.

    >>> counts([Finding("A-1", "A", "ok", (), "", 0.0, 0.0)])
    {'A': Counter({'ok': 1})}
    """
    table: dict[str, Counter[str]] = {}
    for one in found:
        table.setdefault(one.document, Counter())[one.status] += 1
    return table


def used(found: Iterable[Finding]) -> list[str]:
    """The verdicts that these claims have, in the order of the table of verdicts.

    >>> used([Finding("A-1", "A", "wrong", (), "", 1.0, 0.0)])
    ['wrong']
    """
    statuses = {one.status for one in found}
    return [verdict for verdict in VERDICTS if verdict in statuses]


def chosen(
    found: Iterable[Finding],
    *,
    document: str = "",
    status: str = "",
    lesson: str = "",
    containing: str = "",
) -> list[Finding]:
    """The claims of this document, status and lesson that contain these letters; "" means all.

    Small letters and capitals are the same.

    >>> one = Finding("A-1", "A", "ok", ("02",), "A-1 SoftMax", 0.0, 0.0)
    >>> len(chosen([one], lesson="02", containing="softmax")), chosen([one], status="wrong")
    (1, [])
    """
    return [
        one
        for one in found
        if document in ("", one.document)
        and status in ("", one.status)
        and (not lesson or lesson in one.lessons)
        and containing.strip().lower() in one.text.lower()
    ]


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


def in_words(found: Iterable[Finding]) -> str:
    """How many claims there are of each status, and how the wrong and misprinted ones fail.

    >>> one = Finding("A-1", "A", "wrong", (), "", math.inf, 0.0)
    >>> in_words([one, one._replace(printed=0.5)])
    '2 claims: 2 wrong. Mistakes as printed: 1 undefined, 1 computable and off by 0.5 or more.'
    """
    found = list(found)
    if not found:
        return "No claim fits."
    by_status = Counter(one.status for one in found)
    each = ", ".join(f"{by_status[status]} {status}" for status in used(found))
    words = f"{number(len(found), 'claim')}: {each}."
    errors = [one.printed for one in found if one.status in ("typo", "wrong")]
    undefined, defined = errors.count(math.inf), [error for error in errors if error < math.inf]
    ways = [f"{undefined} undefined"] if undefined else []
    if defined:
        ways.append(f"{len(defined)} computable and off by {min(defined):.2g} or more")
    return f"{words} Mistakes as printed: {', '.join(ways)}." if ways else words


def number(n: int, thing: str) -> str:
    """A number of things.

    >>> number(1, "claim"), number(2, "claim")
    ('1 claim', '2 claims')
    """
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
