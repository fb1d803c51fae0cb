"""Write the tables of lessons, in the README and in lesson 0, from the one list of lessons.

And the headline of the README, counted.

python -m tools.contents
"""

import re
import sys
from textwrap import fill

from nnlib.documents import claims
from nnlib.documents.lessons import LESSONS
from nnlib.documents.slips import headline
from tools import build, lessons

README = lessons.ROOT / "README.md"
FEW = 2  # so many claims of a document do not make a lesson one on it
OPENING = "In the five sets of lecture notes that it follows, "  # of the headline
LINK = r"\[\d+\]\(\d\d_\w+\.ipynb\)"


def scripts():
    """The script of each lesson by its number."""
    return {path.name[:2]: path for path in sorted(lessons.LESSONS.glob("[0-9][0-9]_*.py"))}


def title(path):
    """What a lesson's first line calls it."""
    return re.search(r"^# # \d+ · (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)[1]


def in_readme(text):
    """The README with a row for each lesson, and the headline."""
    said = fill(f"{OPENING}{headline()}", 118)
    text = re.sub(rf"^{OPENING}.*?(?=\n\n)", said, text, flags=re.DOTALL | re.MULTILINE)
    rows = "".join(
        f"| [{number} {title(path)}](notebooks/{path.stem}.ipynb) | {LESSONS[number]} |\n"
        for number, path in scripts().items()
    )
    head = "| lesson | what it does |\n|---|---|\n"
    return re.sub(rf"({re.escape(head)})(?:\|.*\n)*", lambda match: match[1] + rows, text)


def in_lesson_0(text):
    """Lesson 0 with links, behind each document, to the lessons on it."""
    row = rf"^(# \| ([A-Z]|all) \|.*\| ){LINK}(?:, {LINK})*"
    return re.sub(row, lambda match: match[1] + links(match[2]), text, flags=re.MULTILINE)


def links(document):
    """Links to the lessons on a document, or from 90 on to those on all."""
    found = {number: path for number, path in scripts().items() if is_on(number, document)}
    return ", ".join(f"[{int(number)}]({path.stem}.ipynb)" for number, path in found.items())


def is_on(number, document):
    """Whether a lesson is on a document, by its letter, or on all."""
    if document == "all" or number >= "90":
        return document == "all" and number >= "90"
    own = [claim for claim in claims().values() if claim.document[0] == document]
    return sum(number in claim.lessons for claim in own) > FEW


def main():
    """Bring both tables and the headline up to date."""
    if odd := sorted(scripts().keys() ^ LESSONS.keys()):
        sys.exit(f"LESSONS must name the scripts in lessons/ and no other; see {', '.join(odd)}.")
    for path, renewed in ((README, in_readme), (scripts()["00"], in_lesson_0)):
        text = path.read_text(encoding="utf-8")
        if renewed(text) != text:
            build.write(path, renewed(text))


if __name__ == "__main__":
    main()
