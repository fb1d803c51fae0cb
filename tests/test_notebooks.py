"""The stored notebooks are what their lessons say, keep the budgets, and can be run in any way.

The checks are functions of tools/check_notebooks.py; here they must also find planted faults.
"""

import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from io import BytesIO

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from tools import build, check_notebooks, lessons
from tools.check_notebooks import code_cells, is_ignored, sections

text_cell, code_cell = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell

LESSONS = sorted(lessons.LESSONS.glob("*.py"))
NOTEBOOKS = sorted(lessons.NOTEBOOKS.glob("*.ipynb"))

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# -- the notebooks of the course ---------------------------------------------------------------


def test_every_lesson_has_its_notebook():
    assert [path.stem for path in LESSONS] == [path.stem for path in NOTEBOOKS]


@each_notebook
def test_notebook_has_the_cells_of_its_lesson(path):
    assert not check_notebooks.drift(lessons.read_notebook(path), lessons.lesson_of(path))


@each_notebook
def test_notebook_is_without_complaint(path):
    assert not check_notebooks.complaints(path)


@each_notebook
def test_round_trip_to_the_script_is_exact(path):
    written = lessons.lesson_of(path).read_text(encoding="utf-8")
    assert lessons.script(lessons.read_notebook(path)) == written


# -- run in other ways -------------------------------------------------------------------------


def run_cells(sources):
    """Run code in a fresh kernel, in the notebooks' folder."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": build.KERNEL})
    resources = {"metadata": {"path": str(lessons.NOTEBOOKS)}}
    NotebookClient(notebook, resources=resources, timeout=600).execute()


def twice_in_one_kernel(notebook):
    """All cells, then all cells again."""
    run_cells(2 * [cell.source for cell in code_cells(notebook)])


def each_cell_twice(notebook):
    """Each cell two times in a row, an exercise once."""
    cells = code_cells(notebook)
    repeats = [1 if "exercise" in cell.metadata.get("tags", []) else 2 for cell in cells]
    run_cells([cell.source for cell, n in zip(cells, repeats, strict=True) for _ in range(n)])


def each_section_after_the_setup(notebook):
    """Each section in a kernel of its own, after the setup cell alone; without its long cells."""
    setup = code_cells(notebook)[0]
    for _, cells in sections(notebook):
        if cells and cells[0] is not setup:
            short = [cell for cell in cells if "long" not in cell.metadata.get("tags", [])]
            run_cells([setup.source, *(cell.source for cell in short)])


WAYS = [twice_in_one_kernel, each_cell_twice, each_section_after_the_setup]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@each_notebook
def test_notebook_also_runs(path, way):
    way(lessons.read_notebook(path))


# -- a wrong number is found -------------------------------------------------------------------


def plant(cell, kind="text"):
    """Change the last digit of each text of a kind that a cell shows; whether there was one."""
    changed = False
    for output in cell.outputs:
        texts = output.get("data", output)
        for key in [key for key in texts if key.startswith(kind)]:
            right = texts[key]
            texts[key] = re.sub(r"\d(?=\D*$)", lambda digit: str(9 - int(digit[0])), right)
            changed |= texts[key] != right
    return changed


def found_by_nbval(notebook, folder):
    """The numbers of the code cells that strict nbval finds wrong."""
    nbformat.write(notebook, folder / "planted.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", "--tb=no", "--nbval", "-rf"]
    done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ("FAILED" not in done.stdout)
    return {int(cell) for cell in re.findall(r"FAILED .*::Cell (\d+)", done.stdout)}


SHOWN = """\
class Shown:
    def __repr__(self): return "plain 1"
    def _repr_html_(self): return "<b>1</b>"
    def _repr_latex_(self): return "$1$"
"""


def test_nbval_finds_one_wrong_digit_in_each_kind_of_output(tmp_path):
    sources = [SHOWN, "print(1)", "1.5", "Shown()", "Shown()", "Shown()", "Shown()"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = build.normalised(build.executed(nbformat.v4.new_notebook(cells=cells), tmp_path))
    kinds = ["text", "text/plain", "text/plain", "text/html", "text/latex"]
    assert all(plant(cell, kind) for cell, kind in zip(notebook.cells[1:], kinds))
    assert found_by_nbval(notebook, tmp_path) == {1, 2, 3, 4, 5}


@pytest.mark.slow
@each_notebook
def test_nbval_finds_a_wrong_digit_in_each_output_of_a_notebook(path, tmp_path):
    notebook = lessons.read_notebook(path)
    compared = [(n, c) for n, c in enumerate(code_cells(notebook)) if not is_ignored(c)]
    planted = {number for number, cell in compared if plant(cell)}
    assert len(planted) > 5
    assert found_by_nbval(notebook, tmp_path) == planted


# -- the checks find planted faults ------------------------------------------------------------

MORE_NOTES = {"board": "A sum.", "cut": "2 The proof.", "jump": "setup"}
LECTURE = {"minutes": 7, "ask": "Is it?", "expect": "It is.", "misconception": "It is not."}
LESSON = f"""\
# %% [markdown]
# # One and one
#
# **Objectives.** Add. **Prerequisites.** None. **Minutes.** 7

# %%
import numpy as np

# %% [markdown] lecture={json.dumps(LECTURE, sort_keys=True)}
# ## The sum
#
# What is $1 + 1$?

# %%
one = np.array(1.0)
print(one + one)

# %%
assert one + one == 2

# %% tags=["nbval-ignore-output"]
one / 3

# %% [markdown]
# Remember that it is two. Next: [the product](01_product.ipynb).
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with one lesson, 00_sum, where the tools look for lessons and notebooks."""
    monkeypatch.setattr(lessons, "LESSONS", tmp_path / "lessons")
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path / "notebooks")
    build.write(lessons.LESSONS / "00_sum.py", LESSON)
    build.write(lessons.LESSONS / "01_product.py", "")
    return tmp_path


@pytest.fixture
def built(course):
    """The path of 00_sum.ipynb, built."""
    assert build.main(["00"]) == 0
    return lessons.NOTEBOOKS / "00_sum.ipynb"


def set_output(**data):
    """A fault: the print cell shows this instead."""
    output = nbformat.v4.new_output("display_data", data=data)
    return lambda nb: nb.cells[3].update(outputs=[output])


def set_text(text):
    """A fault: the print cell prints this."""
    return lambda nb: nb.cells[3].update(outputs=[nbformat.v4.new_output("stream", text=text)])


def set_source(index, source):
    """A fault: a cell has this source."""
    return lambda nb: nb.cells[index].update(source=source)


def set_metadata(index, **metadata):
    """A fault: a cell has this metadata."""
    return lambda nb: nb.cells[index].metadata.update(metadata)


def without_lecture(key):
    """A fault: a key of the heading's lecture metadata is missing."""
    return lambda nb: nb.cells[2].metadata.lecture.pop(key)


WARNING = nbformat.v4.new_output("stream", name="stderr", text="careful")
ERROR = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
FAULTS = {
    "not a valid notebook": lambda nb: nb.cells[1].update(color="red"),
    "the cell ids": lambda nb: nb.cells[2].update(id="c999"),
    "widgets": lambda nb: nb.metadata.update(widgets={"state": {}}),
    "metadata ['execution']": set_metadata(1, execution={"iopub.status.busy": "now"}),
    "a raw cell": lambda nb: nb.cells[-2].update(cell_type="raw"),
    "a picture is attached": lambda nb: nb.cells[0].update(attachments={"a.png": {}}),
    "the execution counts": lambda nb: nb.cells[1].update(execution_count=None),
    "prints, but no output": lambda nb: nb.cells[3].update(outputs=[]),
    "an error is stored": lambda nb: nb.cells[3].update(outputs=[ERROR]),
    "a warning is stored": lambda nb: nb.cells[3].update(outputs=[WARNING]),
    "a picture is image/svg+xml": set_output(**{"image/svg+xml": "<svg/>"}),
    "a widget is stored": set_output(**{build.WIDGET: {"model_id": "1"}}),
    "a picture inside HTML": set_output(**{"text/html": "<img src='data:image/png;base64,AA'>"}),
    "a duration is printed: '3 ms'": set_text("it took 3 ms"),
    "a duration is printed: '1.5 s'": set_text("epoch 1: 1.5 s"),
    "a time is printed: '12:30:59'": set_text("at 12:30:59"),
    "an absolute path is printed": set_output(**{"text/plain": "saved in /home/ada/x.npz"}),
    "a memory address is printed": set_output(**{"text/html": "f at 0x7f12ab34cd56"}),
    "not plain Python": set_source(4, "%matplotlib inline"),
    "a code cell without code": set_source(4, "# nothing"),
    "type hints": set_source(4, "def f(x: int):\n    return x"),
    "a line ends in ';'": set_source(4, "one + 1;"),
    "a comment that steers nbval": set_source(4, "# NBVAL_IGNORE_OUTPUT\none"),
    "tags ['nbval-skip']": set_metadata(3, tags=["nbval-skip"]),
    "2 of 4 code cells are not compared": set_metadata(3, tags=["nbval-ignore-output"]),
    "the median code cell": lambda nb: [set_source(i, "\n".join(6 * "a"))(nb) for i in (1, 3, 4)],
    "more than one code cell in ten": set_source(4, "\n".join(13 * "a")),
    "26 lines of code": set_source(4, "\n".join(26 * "a")),
    "a plot cell of 6 lines": set_source(4, "draw_sum(one)\n" + "\n".join(5 * "a")),
    "91 words of text": set_source(2, "## " + 91 * "word "),
    "text cells for each code cell": lambda nb: nb.cells.extend(map(text_cell, 4 * "a")),
    "8 cells in 7 minutes": lambda nb: nb.cells.append(text_cell("a")),
    "does not begin with the title": set_source(0, "objectives prerequisites minutes"),
    "does not say its objectives": set_source(0, "# Prerequisites and minutes"),
    "does not say its prerequisites": set_source(0, "# Objectives and minutes"),
    "does not say its minutes": set_source(0, "# Objectives and prerequisites"),
    "what to remember": set_source(-1, "Next: [the product](01_product.ipynb)."),
    "links to no other lesson": set_source(-1, "Remember this."),
    "links to 02_gone.ipynb, which is no lesson": set_source(-1, "Remember [this](02_gone.ipynb)."),
    "reads ['two'], made before the section 'The sum'": set_source(4, "assert two == 2"),
    "reads ['seen'], made before": set_source(
        4, "def f(x):\n    return [x + seen for k in range(x)]"
    ),
    "one is a function in ['More'] and a value in ['The sum']": lambda nb: (
        set_source(3, "one, two = 1.0, 2.0\nprint(one + one)")(nb)
        or nb.cells.extend([text_cell("## More"), code_cell("one = lambda x: x")])
    ),
    "metadata has no ask": without_lecture("ask"),
    "metadata has no expect": without_lecture("expect"),
    "metadata has no minutes": without_lecture("minutes"),
    "metadata has no misconception": without_lecture("misconception"),
    "metadata has no cut": lambda nb: nb.cells[2].metadata.lecture.update(board="a sum"),
    "the sections have 3 minutes": lambda nb: nb.cells[2].metadata.lecture.update(
        MORE_NOTES, minutes=3
    ),
    "metadata has no cut with its minutes": lambda nb: nb.cells[2].metadata.lecture.update(
        MORE_NOTES, cut="The proof."
    ),
    "a lesson of 61 minutes has one break": lambda nb: nb.cells[2].metadata.lecture.update(
        MORE_NOTES, minutes=61
    ),
    "what can be cut saves 2 minutes; 20 are due": lambda nb: nb.cells[2].metadata.lecture.update(
        MORE_NOTES, minutes=61, **{"break": 10}
    ),
    "metadata has ['answer']": lambda nb: nb.cells[2].metadata.lecture.update(answer="yes"),
    "neither shows nor asserts": lambda nb: (
        [set_source(i, "one = 1")(nb) for i in (3, 4, 5)]
        and [nb.cells[i].update(outputs=[]) for i in (3, 4, 5)]
    ),
}


def found_in(notebook):
    """All complaints about a notebook, as one text."""
    return "\n".join(line for check in check_notebooks.CHECKS for line in check(notebook))


def test_checks_find_nothing_in_a_good_notebook(built):
    assert not check_notebooks.complaints(built)
    assert not check_notebooks.drift(lessons.read_notebook(built), lessons.lesson_of(built))


def test_each_planted_fault_is_found(built):
    missed = {}
    for complaint, plant in FAULTS.items():
        notebook = lessons.read_notebook(built)
        plant(notebook)
        if complaint not in (found := found_in(notebook)):
            missed[complaint] = found
    assert not missed


def test_a_large_file_is_found(built):
    built.write_text(built.read_text() + 1_000_000 * " ")
    assert "1.0 MB" in check_notebooks.complaints(built)[-1]


def test_words_of_formulas_tables_and_links():
    text = "The sum $a + b$ is\n\n$$a + b = c$$\n\n| a | b |\n|---|---|\n\nSee [it](x/y.html)."
    assert check_notebooks.words(text) == len(["The", "sum", "formula", "is", "See", "it"])


# -- building ----------------------------------------------------------------------------------


def edit(path, old, new):
    """Replace text in a file, as a person would."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_two_builds_give_the_same_bytes(built):
    first = built.read_bytes()
    assert build.main(["00"]) == 0
    assert built.read_bytes() == first


def test_a_build_tidies_the_lesson_and_nothing_is_left_behind(course):
    lesson = lessons.LESSONS / "00_sum.py"
    edit(lesson, "one + one == 2", "one+one==2")
    assert build.main(["00"]) == 0
    assert lesson.read_text() == LESSON
    assert sorted(p.name for p in course.rglob("00*")) == ["00_sum.ipynb", "00_sum.py"]


def test_drift_is_found(built):
    lesson = lessons.lesson_of(built)
    edit(lesson, "What is", "How much is")
    assert "are not those" in check_notebooks.drift(lessons.read_notebook(built), lesson)[0]
    edit(lesson, "one + one == 2", "one+one==2")
    assert "is not formatted" in check_notebooks.drift(lessons.read_notebook(built), lesson)[0]


def test_a_build_keeps_an_edited_notebook_until_its_edits_are_taken_back(built, capsys):
    edit(built, "What is", "How much is")
    edited = built.read_bytes()
    assert build.main(["00"]) == 1
    assert "make lesson NN=00" in capsys.readouterr().err
    assert built.read_bytes() == edited
    assert build.main(["--lesson", "00"]) == 0
    assert lessons.lesson_of(built).read_text() == LESSON.replace("What is", "How much is")
    assert build.main(["00"]) == 0
    assert not check_notebooks.drift(lessons.read_notebook(built), lessons.lesson_of(built))


def test_edits_taken_back_may_need_formatting(built):
    edit(built, "one + one == 2", "one+one==2")
    assert build.main(["--lesson", "00"]) == 0
    assert lessons.lesson_of(built).read_text() == LESSON
    assert build.main(["00"]) == 0


def test_running_a_notebook_in_jupyterlab_is_no_edit(built):
    notebook = lessons.read_notebook(built)
    notebook.metadata.widgets = {"state": {}}
    notebook.cells[3].update(execution_count=17, outputs=[])
    nbformat.write(notebook, built)
    assert build.main(["00"]) == 0
    assert not check_notebooks.complaints(built)


def test_a_changed_lesson_is_not_overwritten_by_its_notebook(built, capsys):
    lesson = lessons.lesson_of(built)
    edit(lesson, "What is", "How much is")
    edit(built, "One and one", "Two")
    for command in (["00"], ["--lesson", "00"]):
        before = built.read_bytes(), lesson.read_bytes()
        assert build.main(command) == 1
        assert (built.read_bytes(), lesson.read_bytes()) == before
    assert "Merge by hand" in capsys.readouterr().err


def test_a_pasted_picture_is_not_lost(built, capsys):
    notebook = lessons.read_notebook(built)
    notebook.cells[0].attachments = {"a.png": {"image/png": "AAAA"}}
    nbformat.write(notebook, built)
    assert build.main(["--lesson", "00"]) == 1
    assert "picture pasted" in capsys.readouterr().err


def test_what_reads_as_another_cell_is_not_taken_back(built, capsys):
    edit(built, "one / 3", "# %% one / 3")
    assert build.main(["--lesson", "00"]) == 1
    assert "begins with '# %%'" in capsys.readouterr().err
    assert lessons.lesson_of(built).read_text() == LESSON


def test_a_new_notebook_becomes_a_lesson(built):
    lesson = lessons.lesson_of(built)
    lesson.unlink()
    assert build.main(["--lesson", "00"]) == 0
    assert lesson.read_text() == LESSON


def test_a_lesson_on_mnist_is_not_built_on_the_digits(course, monkeypatch, capsys):
    monkeypatch.setenv("NNLIB_MNIST", "")
    monkeypatch.setenv("NNLIB_CACHE", str(course))
    edit(lessons.LESSONS / "00_sum.py", "print(", "load_mnist(")
    assert build.main(["00"]) == 1
    assert re.fullmatch(r"00_sum.py is built .* fetches it.\n", capsys.readouterr().err)
    assert not (lessons.NOTEBOOKS / "00_sum.ipynb").exists()


def test_a_lesson_that_fails_leaves_the_notebook_as_it_was(built, capsys):
    before = built.read_bytes()
    edit(lessons.lesson_of(built), "one + one == 2", "one + one == 3")
    assert build.main(["00"]) == 1
    assert "AssertionError" in capsys.readouterr().err
    assert built.read_bytes() == before


def test_a_number_without_a_lesson_is_refused(course, capsys):
    assert build.main(["77"]) == 1
    assert "77" in capsys.readouterr().err


def stored(tags=(), **data):
    """What a build stores of a cell that shows a widget with this data beside it."""
    data = {mime.replace("_", "/"): content for mime, content in data.items()}
    output = nbformat.v4.new_output("display_data", data=data | {build.WIDGET: {"model_id": "1"}})
    cell = nbformat.v4.new_code_cell("a", outputs=[output], metadata={"tags": list(tags)})
    notebook = build.normalised(nbformat.v4.new_notebook(cells=[cell]))
    return [set(output.data) for output in notebook.cells[0].outputs]


def picture():
    """A small picture of many colours, as a notebook holds it."""
    pixels = np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return b64encode(buffer.getvalue()).decode()


def test_a_stored_picture_has_few_colours_and_is_otherwise_the_same():
    before, after = picture(), build.smaller(picture())
    first, second = (Image.open(BytesIO(b64decode(image))) for image in (before, after))
    assert first.size == second.size
    assert len(second.convert("RGB").getcolors()) <= 128
    assert np.abs(np.asarray(first, int) - np.asarray(second.convert("RGB"), int)).mean() < 30
    assert len(after) < len(before) / 2
    assert build.smaller(before) == after


def test_what_is_stored_of_a_widget():
    bar = "  0%|          | 0/9 [00:00<?, ?it/s]"
    assert stored(image_png=picture(), text_plain="Panel") == [{"image/png", "text/plain"}]
    assert stored(text_plain="Panel") == [{"text/plain", build.WIDGET}]  # and found by the checks
    assert stored(text_plain=bar) == [{"text/plain"}]
    assert stored(["nbval-ignore-output"], text_plain=bar) == []


def test_scripts_survive_odd_cells():
    sources = [
        "def f(x):\n    return x\n",
        "class A:\n    pass",
        "for i in range(3):\n    def g():\n        return i",
        "x = '''\n\n# %%\n'''",
        "import numpy\n\n\nx = numpy.pi",
    ]
    notes = {"lecture": LECTURE | {"ask": 'Why "x = 1", = or [ä]?'}, "tags": ["exercise"]}
    code = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    text = text_cell("# π\n\n    code\n\n* 'a' \"b\" \\alpha", metadata=notes)
    notebook = nbformat.v4.new_notebook(cells=[text, *code, text_cell("a"), text_cell("b")])
    written = lessons.script(notebook)
    again = lessons.read_script(written)
    assert lessons.script(again) == written
    assert lessons.cells(again)[0] == lessons.cells(notebook)[0]
