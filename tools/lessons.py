"""A lesson in its two forms: the percent script that authors edit and the notebook that is read.

Both hold the same cells: kind, source, and of the metadata what an author writes (KEPT).
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "lessons"
NOTEBOOKS = ROOT / "notebooks"
KEPT = ("lecture", "tags")


def read_lesson(path):
    """The notebook of a lesson, without outputs."""
    return read_script(path.read_text(encoding="utf-8"))


def read_script(text):
    """The notebook that a percent script says, without outputs."""
    return jupytext.reads(text, fmt="py:percent")


def read_notebook(path):
    """The notebook in a file, in the current format."""
    return nbformat.read(path, as_version=4)


def cells(notebook):
    """What an author wrote: (kind, source, metadata) of each cell."""
    return [(cell.cell_type, cell.source, kept(cell)) for cell in notebook.cells]


def kept(cell):
    """The part of a cell's metadata that an author writes, its keys sorted as files sort them."""
    found = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
    return json.loads(json.dumps(found, sort_keys=True))


def bare(notebook):
    """A new notebook with the same cells, with ids c000, c001, ..., and nothing else."""
    copy = nbformat.v4.new_notebook()
    for index, (kind, source, metadata) in enumerate(cells(notebook)):
        new_cell = getattr(nbformat.v4, f"new_{kind}_cell")
        copy.cells.append(new_cell(source, metadata=metadata, id=f"c{index:03d}"))
    return copy


def fingerprint(notebook):
    """A checksum of the cells; it is stored at each build, so that a later edit is noticed."""
    text = json.dumps(cells(notebook), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def script(notebook):
    """The lesson script with the notebook's cells, formatted: the one way to write them."""
    notebook = bare(notebook)
    notebook.metadata["jupytext"] = {"notebook_metadata_filter": "-all"}
    text = jupytext.writes(notebook, fmt="py:percent")
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "lessons/lesson.py", "-"]
    return subprocess.run(
        command, cwd=ROOT, input=text, encoding="utf-8", capture_output=True, check=True
    ).stdout


def lesson_of(notebook_path):
    """The script that belongs to a notebook."""
    return LESSONS / f"{notebook_path.stem}.py"


def notebook_of(lesson_path):
    """The notebook that belongs to a script."""
    return NOTEBOOKS / f"{lesson_path.stem}.ipynb"
