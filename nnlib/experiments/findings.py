"""Claims tried, counted and chosen."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from nnlib.documents.slips import origin
from nnlib.documents.verdicts import VERDICTS


class Finding(NamedTuple):
    """What came of trying a claim: its errors are inf where undefined, nan where there is none.

    slip       the id of the slip that it carries on; its own where it carries on none.
    mistakes   how many it holds, each independent of all others.
    """

    id: str
    document: str
    status: str
    lessons: tuple[str, ...]
    text: str
    printed: float
    corrected: float
    slip: str = ""
    mistakes: int = 0


def findings(claims: Iterable[Any], *, seed: int = 0) -> list[Finding]:
    """Every claim tried on a sample of its own; the same seed gives the same samples.

    >>> findings([])
    []
    """
    return [finding(claim, *claim.check(np.random.default_rng(seed))) for claim in claims]


def finding(claim: Any, printed: float, corrected: float) -> Finding:
    """What came of a claim whose forms have these errors."""
    who, words = (claim.id, claim.document, claim.status, claim.lessons), " ".join(said(claim))
    return Finding(*who, words, printed, corrected, origin(claim).id, len(claim.slips))


def said(claim: Any) -> list[str]:
    """All that a claim says, piece by piece."""
    words = [claim.id, claim.section, claim.stated, claim.defence, claim.condition]
    return [*words, claim.correction, *claim.slips]


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
    slip: str = "",
    containing: str = "",
) -> list[Finding]:
    """The claims of this document, status, lesson and slip with these letters; "" means all.

    Of a slip there are itself and all that follows from it. Small letters and capitals are the
    same.

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
        and slip in ("", one.slip)
        and containing.strip().lower() in one.text.lower()
    ]
