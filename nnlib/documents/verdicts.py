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
    "misprint": Verdict("the text shows what was meant", "#433609", "s"),
    "wrong": Verdict("wrong", "#B3001B", "X"),
    "overstated": Verdict("true under a condition that is not given", "#B05B08", "v"),
    "convention": Verdict("clash of conventions", "#071262", "D"),
    "follows": Verdict("carries on an earlier slip", "#B0126B", ">"),
    "scan?": Verdict("may be the scan's", "#235B00", "p"),
    "note": Verdict("nothing to compute", "#434B52", ""),
    "added": Verdict("needed, and printed nowhere", "#0779B7", "P"),
    "reading": Verdict("a pitfall beside a claim", "#770EC7", "^"),
}
MISTAKES = ("misprint", "wrong", "overstated", "scan?")  # slips of their own
