"""The headline: how much is right, how many mistakes are independent, and what follows from each.

A wrong claim may hold two mistakes, and one that carries a mistake on holds none of its own: so
mistakes are counted by their slips, all else by claims. Two faults in one line are two slips where
other lines carry them on separately, as the surplus transpose of C2-B6 goes on into lines that have
the order of its factors right; they are one where they travel together, as both faults of C2-B10.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nnlib.documents import claims
from nnlib.documents.claims import Claim
from nnlib.words import counted

LETTERS = "ABCDE"  # the five documents; a clash between several is no claim of one
UNSTATED = ("added", "reading")  # no document states these


class Tally(NamedTuple):
    """How many claims are right, and what becomes of the rest.

    right         true, if not always printed without a blemish: then their cards say so.
    mistakes      slips of the claims that are wrong, each independent of all others.
    carried       claims that carry a mistake on.
    repeated      claims that carry on what is a misprint, overstated or the scan's.
    notes         claims with nothing to compute.

    >>> print(Tally(lines=9, right=4, mistakes=2, wrong=1, carried=3, misprints=1))
    4 of 9 claims are right. The rest: 2 independent mistakes in 1 claim, 3 claims following from \
a mistake, 1 misprint.
    """

    lines: int
    right: int = 0
    mistakes: int = 0
    wrong: int = 0
    carried: int = 0
    misprints: int = 0
    overstated: int = 0
    repeated: int = 0
    conventions: int = 0
    scans: int = 0
    notes: int = 0

    def __str__(self) -> str:
        mistakes = counted(self.mistakes, "independent mistake")
        such = "following from a misprint or such a condition"
        rest = {
            f"{mistakes} in {of_claims(self.wrong)}": self.mistakes,
            f"{of_claims(self.carried)} following from a mistake": self.carried,
            counted(self.misprints, "misprint"): self.misprints,
            f"{of_claims(self.overstated)} true under a condition not given": self.overstated,
            f"{of_claims(self.repeated)} {such}": self.repeated,
            f"{of_claims(self.conventions)} in another convention": self.conventions,
            f"{of_claims(self.scans)} that may be the scan's": self.scans,
            f"{of_claims(self.notes)} with nothing to compute": self.notes,
        }
        said = [words for words, n in rest.items() if n]
        right = f"{self.right} of {of_claims(self.lines)} are right."
        return f"{right} The rest: {', '.join(said)}." if said else right


def of_claims(n: int) -> str:
    """So many claims, in words."""
    return counted(n, "claim")


def headline() -> Tally:
    """What was found in the five documents together.

    >>> found = headline()
    >>> found.right > found.lines / 2
    True
    """
    return tally(stated())


def by_document() -> dict[str, Tally]:
    """The same, by the letter of each document.

    >>> list(by_document())
    ['A', 'B', 'C', 'D', 'E']
    """
    return {letter: tally(one for one in stated() if one.id[0] == letter) for letter in LETTERS}


def stated() -> list[Claim]:
    """What the five documents state, claim by claim."""
    return [one for one in claims().values() if one.id[0] in LETTERS and one.status not in UNSTATED]


def tally(some: Iterable[Claim]) -> Tally:
    """Count claims by what was found of them.

    >>> tally([])
    Tally(lines=0, right=0, mistakes=0, wrong=0, carried=0, misprints=0, overstated=0, repeated=0, \
conventions=0, scans=0, notes=0)
    """
    some = list(some)
    count = Counter(one.status for one in some)
    carried = sum(one.status == "follows" and origin(one).status == "wrong" for one in some)
    return Tally(
        lines=len(some),
        right=count["ok"],
        mistakes=sum(len(one.slips) for one in some),
        wrong=count["wrong"],
        carried=carried,
        misprints=count["misprint"],
        overstated=count["overstated"],
        repeated=count["follows"] - carried,
        conventions=count["convention"],
        scans=count["scan?"],
        notes=count["note"],
    )


def chain(slip: Claim, steps: int = 0) -> Iterator[tuple[Claim, int]]:
    """A slip and all that follows from it, each line with its steps from the slip.

    What follows from a line comes right after it.

    >>> [(one.id, steps) for one, steps in chain(claims()["C2-B6"])][:2]
    [('C2-B6', 0), ('C2-B7', 1)]
    """
    yield slip, steps
    for one in claims().values():
        if one.follows == slip.id:
            yield from chain(one, steps + 1)


def origin(one: Claim) -> Claim:
    """The slip with which the chain to a claim begins; a claim that follows none is its own.

    >>> origin(claims()["A-3.4-clip"]).id
    'A-3.4-clip'
    """
    while one.follows:
        one = claims()[one.follows]
    return one


def slips() -> list[Claim]:
    """What a chain begins with: all that is wrong, and whatever else another line follows."""
    begun = {origin(one).id for one in claims().values() if one.follows}
    return [one for one in claims().values() if one.status == "wrong" or one.id in begun]
