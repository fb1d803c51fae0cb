"""How a claim is shown: a card, a row in the folded table of a lesson, lines in a terminal."""

import math
from html import escape

import numpy as np

from nnlib.documents.claims import ANY_DRAW, UNCHARGED, Claim, Errors
from nnlib.documents.lessons import LESSONS
from nnlib.documents.verdicts import VERDICTS

LEFT = "style='text-align:left'"
LABELS = {"added": "Needed.", "reading": "Pitfall."}  # else it is what a document states
WIDE = "<div style='overflow-x:auto'>"  # for a formula that is wider than its column
WIDTHS = {"claim": 12, "verdict": 9, "states": 36, "holds": 22, "printed": 13, "corrected": 8}


class Card:
    """One claim with both of its errors, computed when the card is made.

    >>> from nnlib.documents import claim
    >>> print(claim("A-3.4-clip"))  # doctest: +ELLIPSIS
    A-3.4-clip: overstated (A, 3.4 SoftMax)
      states   Clipping the scores to $[-50,50]$ works well, so that no exponential becomes too ...
      defence  It stops overflow, it changes no score of usual size, and the exact way stands ...
      right if no score lies outside $[-50,50]$
      holds    Only the other way is exact for all scores: subtract the largest. ...
      errors   as printed 0.5, corrected ≤ 1e-12 (on $(60,55,0)$)
    """

    def __init__(self, claim: Claim, title: str) -> None:
        self.claim, self.title = claim, title
        self.errors = claim.check(np.random.default_rng(0))

    def __repr__(self) -> str:
        claim = self.claim
        lines = [f"{claim.id}: {claim.status} ({claim.document}, {claim.section})"]
        lines += [f"  {word:8} {text}" for word, _, text in paragraphs(claim, self.errors)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        claim, colour = self.claim, VERDICTS[self.claim.status].colour
        written = " and ".join(lesson for lesson in claim.lessons if lesson in LESSONS)
        lessons = f" · lesson {written}" if written else ""
        body = "".join(
            f"<p style='margin:.4em 0 .2em'><b>{label}</b> {math_text(text)}</p>"
            for _, label, text in paragraphs(claim, self.errors)
        )
        return (
            f"<div style='border-left:6px solid {colour};padding:.3em 1em;margin:.6em 0;"
            f"max-width:52em;font-size:110%'>{badge(claim)} <code>{claim.id}</code> "
            f"<span style='opacity:.75'>{escape(self.title)}, {escape(claim.section)}"
            f"{lessons}</span>{body}</div>"
        )


def paragraphs(claim: Claim, errors: Errors) -> list[tuple[str, str, str]]:
    """What a card says, line by line: a word for a terminal, a label for a page, the text."""
    said = [
        ("states", LABELS.get(claim.status, "Stated."), claim.stated),
        ("defence", "In its defence.", "" if claim.defence == UNCHARGED else claim.defence),
        ("follows", "It carries on", claim.follows and f"{claim.follows}."),
        ("right if", "Right if", claim.condition),
        ("holds", "What holds.", claim.correction),
        ("errors", "Errors, computed now:", errors_in_words(claim, errors)),
    ]
    return [line for line in said if line[2]]


class Table:
    """All claims of a lesson, folded: id, what is stated, verdict, what holds, errors."""

    def __init__(self, claims: list[Claim], heading: str) -> None:
        self.heading = heading
        self.rows = [(claim, claim.check(np.random.default_rng(0))) for claim in claims]

    def __repr__(self) -> str:
        lines = [
            f"{claim.id:16} {claim.status:11} {errors_in_words(claim, errors)}"
            for claim, errors in self.rows
        ]
        return "\n".join([self.heading, *lines])

    def _repr_html_(self) -> str:
        head = "".join(f"<th {LEFT} width='{share}%'>{name}</th>" for name, share in WIDTHS.items())
        rows = "".join(self.row(claim, errors) for claim, errors in self.rows)
        return (
            f"<details><summary style='cursor:pointer;font-size:110%'><b>{escape(self.heading)}</b>"
            f"</summary><table width='100%'><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table></details>"
        )

    def row(self, claim: Claim, errors: Errors) -> str:
        """One claim as a row of HTML."""
        cells = [
            f"<code style='white-space:nowrap'>{claim.id}</code>",
            badge(claim),
            *(f"{WIDE}{math_text(text)}</div>" for text in stated_and_held(claim)),
            error_in_words(errors.printed) + math_text(chosen_input(claim)),
            error_in_words(errors.corrected),
        ]
        return f"<tr>{''.join(f'<td {LEFT}>{cell}</td>' for cell in cells)}</tr>"


def stated_and_held(claim: Claim) -> tuple[str, str]:
    """What is stated, with its defence, and what holds, with the condition."""
    charged = claim.defence not in ("", UNCHARGED)
    stated = f"{claim.stated} In its defence: {claim.defence}" if charged else claim.stated
    condition = f"Right if {claim.condition}. " if claim.condition else ""
    return stated, condition + claim.correction


def badge(claim: Claim) -> str:
    """The verdict as a word on its colour."""
    style = "color:white;border-radius:.3em;padding:.1em .5em;font-weight:bold"
    return f"<span style='background:{VERDICTS[claim.status].colour};{style}'>{claim.status}</span>"


def math_text(text: str) -> str:
    """Text with formulas, safe to stand in HTML."""
    return escape(text, quote=False)


def errors_in_words(claim: Claim, errors: Errors) -> str:
    """Both errors in one phrase, and on which input, where that is a chosen one."""
    if claim.truth is None:
        return "nothing to compute"
    printed, corrected = map(error_in_words, errors)
    words = f"as printed {printed}" if claim.printed else ""
    if claim.status != "ok":
        words += f"{', ' if words else ''}corrected {corrected}"
    return words + chosen_input(claim)


def chosen_input(claim: Claim) -> str:
    """On which input the verdict rests, where not any draw decides."""
    chosen = claim.truth is not None and claim.rests_on != ANY_DRAW
    return f" (on {claim.rests_on})" if chosen else ""


def error_in_words(error: float) -> str:
    """An error for reading: rounding noise as its bound, anything else to two digits.

    >>> [error_in_words(error) for error in (3e-16, 2e-10, 0.4966, 213.7, math.inf, math.nan)]
    ['≤ 1e-12', '≤ 1e-9', '0.5', '210', 'undefined', '–']
    """
    if math.isnan(error):
        return "–"
    if math.isinf(error):
        return "undefined"
    bound = next((b for b in ("1e-12", "1e-9", "1e-6") if error <= float(b)), None)
    if bound:
        return f"≤ {bound}"
    two_digits = float(f"{error:.2g}")
    return f"{two_digits:g}".replace("e+0", "e").replace("e+", "e")
