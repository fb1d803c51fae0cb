"""A page for the lecturer, to print, from the notes that lie in a lesson's headings.

python -m tools.runsheet [NN ...]    writes runsheets/NN_*.html
"""

import re
import sys
from typing import NamedTuple

import jinja2

from nnlib import words
from tools import lessons
from tools.check_notebooks import LESS, cut_of, opening, sections

FOLDER = lessons.ROOT / "runsheets"
NOTES = {  # the note's name in a heading's metadata, and on the page
    "ask": "Ask",
    "expect": "Expect",
    "misconception": "Misconception",
    "board": "On the board",
    "script": "Minute by minute",
    "cut": "Can be cut",
    "jump": "Run before",
}


class Part(NamedTuple):
    """A section as the lecturer needs it; the clock counts the breaks before it."""

    heading: str
    begins: str
    ends: str
    minutes: int
    notes: list
    cut: str
    saves: int
    pause: int


class Sheet(NamedTuple):
    """A lesson's page: its parts, and the cuts that together save enough."""

    title: str
    objectives: str
    minutes: int
    pause: int
    parts: list
    cuts: list
    saved: int


def sheet(notebook):
    """The page of a lesson, from its notebook."""
    head = opening(notebook)
    objectives = re.search(r"Objectives\W*(.*?)\s*\*\*", head, re.S)[1]
    parts, clock = [], 0
    for cell, codes in sections(notebook):
        if "lecture" in cell.metadata:
            parts.append(part(cell, codes, clock))
            clock += parts[-1].minutes + parts[-1].pause
    pause = sum(one.pause for one in parts)
    cuts = enough(parts)
    return Sheet(
        spoken(head.splitlines()[0]), spoken(objectives), clock - pause, pause, parts, cuts,
        sum(one.saves for one in cuts),
    )  # fmt: skip


def part(cell, codes, clock):
    """A section that begins when the clock has run so many minutes."""
    lecture = cell.metadata["lecture"]
    minutes, (saves, cut) = lecture["minutes"], cut_of(lecture)
    shown = lecture | ({"cut": f"{cut}, {saves} min" if saves else cut} if cut else {})
    notes = [(label, spoken(shown[name])) for name, label in NOTES.items() if name in shown]
    if written := re.findall(r'^exercise\("(.+?)"', "\n".join(c.source for c in codes), re.M):
        notes.append(("They write", ", ".join(written)))
    return Part(
        spoken(cell.source.splitlines()[0]), hours(clock), hours(clock + minutes), minutes, notes,
        cut, saves, lecture.get("break", 0),
    )  # fmt: skip


def enough(parts):
    """The largest cuts, as few as save LESS minutes, in the order of the lesson; else none."""
    chosen = []
    for one in sorted(parts, key=lambda one: -one.saves):
        if sum(other.saves for other in chosen) < LESS:
            chosen.append(one)
    saved = sum(one.saves for one in chosen)
    return [one for one in parts if one in chosen] if saved >= LESS else []


def hours(minutes):
    """Minutes as a clock shows them.

    >>> hours(125)
    '2:05'
    """
    return f"{minutes // 60}:{minutes % 60:02}"


def spoken(text):
    r"""Markdown without its marks, as it is said aloud.

    >>> spoken(r"## 3 · *Why* $-\ln p$, see [lesson 1](01.ipynb)")
    '3 · Why -ln p, see lesson 1'
    """
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    return words.plain(re.sub(r"^#+ |[*`]", "", text)).strip()


def page(notebook):
    """The page as HTML."""
    source = (lessons.ROOT / "tools" / "runsheet.html").read_text(encoding="utf-8")
    template = jinja2.Template(source, autoescape=True, trim_blocks=True)
    return template.render(sheet=sheet(notebook))


def main(numbers):
    """Write the pages of these lessons, or of all."""
    FOLDER.mkdir(exist_ok=True)
    for path in sorted(lessons.NOTEBOOKS.glob("*.ipynb")):
        if not numbers or path.name[:2] in numbers:
            written = FOLDER / f"{path.stem}.html"
            written.write_text(page(lessons.read_notebook(path)), encoding="utf-8")
            print(written.relative_to(lessons.ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
