"""What can be said of a claim, and how it looks on cards and in pictures."""

from typing import NamedTuple


class Verdict(NamedTuple):
    """A verdict: its meaning in words, its colour and, where there are errors to draw, its marker.

    White letters on the colour have a contrast of at least 4.5; the markers all differ.
    """

    meaning: str
    colour: str
    marker: str


VERDICTS = {
    "ok": Verdict("right", "#00735C", "o"),
    "misprint": Verdict("the text shows what was meant", "#8A5A00", "s"),
    "wrong": Verdict("wrong", "#B3261E", "X"),
    "overstated": Verdict("true under a condition that is not given", "#B45309", "v"),
    "convention": Verdict("clash of conventions", "#4B4AC0", "D"),
    "follows": Verdict("carries on an earlier slip", "#AD1457", ">"),
    "scan?": Verdict("may be the scan's", "#5B6B00", "p"),
    "note": Verdict("nothing to compute", "#5F6368", ""),
    "added": Verdict("needed, and printed nowhere", "#00658A", "P"),
    "reading": Verdict("a pitfall beside a claim", "#8A3A7E", "^"),
}
MISTAKES = ("misprint", "wrong", "overstated", "scan?")  # slips of their own
