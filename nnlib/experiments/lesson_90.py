"""What lesson 90 looks at: errors over many draws, the source of a claim, a summary in words."""

import ast
import inspect
import math
from collections import Counter
from collections.abc import Iterable
from textwrap import dedent
from typing import Any

import numpy as np

from nnlib.checks import Array
from nnlib.documents.verdicts import MISTAKES
from nnlib.experiments.findings import Finding, used
from nnlib.words import counted


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
    words = f"{counted(len(found), 'claim')}: {each}."
    errors = [one.printed for one in found if one.status in MISTAKES]
    undefined, defined = errors.count(math.inf), [error for error in errors if error < math.inf]
    ways = [f"{undefined} undefined"] if undefined else []
    if defined:
        ways.append(f"{len(defined)} computable and off by {min(defined):.2g} or more")
    return f"{words} Mistakes as printed: {', '.join(ways)}." if ways else words
