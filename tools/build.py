"""Build notebooks from lessons, and take a notebook's edits back into its lesson.

    python -m tools.build [05 ...]             lessons/05_*.py -> notebooks/05_*.ipynb, executed
    python -m tools.build --lesson 05 [...]    notebooks/05_*.ipynb -> lessons/05_*.py

Building twice gives the same bytes, and neither direction overwrites edits that stand nowhere else.
"""

import os
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from datetime import datetime
from io import BytesIO

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from nnlib.jupyter import KERNEL
from tools import check_notebooks, lessons

WIDGET = "application/vnd.jupyter.widget-view+json"


class Refused(Exception):
    """What was asked would lose something; the message says what to do instead."""


# -- lesson -> notebook ------------------------------------------------------------------------


def build(lesson_path):
    """Tidy the lesson, execute it in a fresh kernel and write its notebook; its times, in words."""
    notebook_path = lessons.notebook_of(lesson_path)
    source = lessons.read_lesson(lesson_path)
    tidy = lessons.script(source)
    refuse_lost_notebook_edits(notebook_path, tidy)
    refuse_without_mnist(lesson_path.name, tidy)
    if tidy != lesson_path.read_text(encoding="utf-8"):
        write(lesson_path, tidy)
        source = lessons.read_lesson(lesson_path)
    notebook_path.parent.mkdir(exist_ok=True)
    notebook = executed(source, notebook_path.parent)
    times = {cell.id: seconds(cell) for cell in notebook.cells if cell.cell_type == "code"}
    write(notebook_path, nbformat.writes(normalised(notebook)) + "\n")
    slowest = max(times, key=times.get)
    return f"{sum(times.values()):.0f} s, the slowest cell {slowest} {times[slowest]:.1f} s"


def refuse_lost_notebook_edits(path, tidy):
    """Refuse when the notebook was edited since its build and its lesson does not say the same."""
    if not path.exists():
        return
    notebook = lessons.read_notebook(path)
    untouched = notebook.metadata.get("lesson") == lessons.fingerprint(notebook)
    if not untouched and lessons.script(notebook) != tidy:
        number = path.name[:2]
        raise Refused(
            f"{path.name} holds edits that its lesson does not have. `make lesson NN={number}` "
            "takes them back into lessons/; to drop them instead, delete the notebook."
        )


def refuse_without_mnist(name, text):
    """Refuse to store outputs of a lesson on MNIST when MNIST is not there."""
    if "load_mnist" not in text:
        return
    probe = "import sys; from nnlib.data import load_mnist; sys.exit(load_mnist().bundled)"
    found = subprocess.run([sys.executable, "-c", probe], check=False, capture_output=True)
    if found.returncode:
        raise Refused(f"{name} is built on the real MNIST: `make mnist` fetches it.")


def executed(source, folder):
    """A copy of the notebook with the outputs of a run in a fresh kernel in that folder."""
    notebook = lessons.bare(source)
    notebook.metadata["kernelspec"] = KERNEL
    client = NotebookClient(
        notebook,
        resources={"metadata": {"path": str(folder)}},
        timeout=600,
        coalesce_streams=True,
        store_widget_state=False,
    )
    return client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log


def seconds(cell):
    """How long the cell ran."""
    stamps = cell.metadata["execution"]
    start, end = stamps["iopub.execute_input"], stamps["shell.execute_reply"]
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def normalised(notebook):
    """The same notebook with nothing in it that another run could write differently."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": KERNEL,
            "language_info": {"name": "python"},
            "lesson": lessons.fingerprint(notebook),
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(lessons.kept(cell))
    for cell in check_notebooks.code_cells(notebook):
        if check_notebooks.is_ignored(cell):
            cell.outputs = [output for output in cell.outputs if not is_bar(output)]
        for output in cell.outputs:
            if is_bar(output) or "image/png" in output.get("data", {}):
                # without its kernel a widget is an error message where its picture would do
                output.data.pop(WIDGET, None)
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def smaller(picture):
    """A picture in 128 colours of its own: a third of the bytes, and no eye sees the difference."""
    image = Image.open(BytesIO(b64decode(picture))).convert("RGB")
    few, buffer = image.quantize(128, dither=Image.Dither.NONE), BytesIO()
    few.save(buffer, "png", optimize=True)
    return b64encode(buffer.getvalue()).decode()


def is_bar(output):
    """Whether an output is a progress bar."""
    return re.search(r"%\|.*/s\]", output.get("data", {}).get("text/plain", "")) is not None


# -- notebook -> lesson ------------------------------------------------------------------------


def take_back(notebook_path):
    """Write the notebook's cells into its lesson."""
    notebook = lessons.read_notebook(notebook_path)
    lesson_path = lessons.lesson_of(notebook_path)
    text = lessons.script(notebook)
    if any("attachments" in cell for cell in notebook.cells):
        raise Refused(f"{notebook_path.name} has a picture pasted into a cell; a lesson cannot.")
    if lessons.script(lessons.read_script(text)) != text:
        raise Refused(f"{notebook_path.name} has a line that begins with '# %%' inside a cell.")
    if lesson_path.exists():
        refuse_lost_lesson_edits(lesson_path, notebook, text)
    write(lesson_path, text)


def refuse_lost_lesson_edits(path, notebook, text):
    """Refuse when the lesson changed since the notebook was built from it."""
    lesson = lessons.read_lesson(path)
    unchanged = notebook.metadata.get("lesson") == lessons.fingerprint(lesson)
    if not unchanged and lessons.script(lesson) != text:
        raise Refused(
            f"{path.name} changed since its notebook was built, so the notebook's edits would "
            "overwrite it. Merge by hand: the lesson is plain text."
        )


# -- the commands ------------------------------------------------------------------------------


def write(path, text):
    """Write the whole file or nothing."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)


def chosen(folder, suffix, numbers):
    """The files of a folder that the numbers pick; all of them when there is no number."""
    paths = [p for n in numbers or ["[0-9][0-9]"] for p in sorted(folder.glob(f"{n}_*{suffix}"))]
    if not paths:
        raise Refused(f"no {suffix} in {folder.name}/ has the number {' or '.join(numbers)}")
    return paths


def main(arguments):
    """Build, or take back, what the arguments name; the exit code counts what went wrong."""
    back = arguments[:1] == ["--lesson"]
    try:
        if back:
            for path in chosen(lessons.NOTEBOOKS, ".ipynb", arguments[1:]):
                take_back(path)
                print(f"lessons/{path.stem}.py has the cells of the notebook")
            return 0
        return sum(build_and_report(p) for p in chosen(lessons.LESSONS, ".py", arguments))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1


def build_and_report(path):
    """Build a lesson; print its times and what a check would say; return whether it failed."""
    try:
        print(f"notebooks/{path.stem}.ipynb: {build(path)}", flush=True)
    except CellExecutionError as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return True
    found = check_notebooks.complaints(lessons.notebook_of(path))
    print("".join(f"  {line}\n" for line in found), end="", flush=True)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
