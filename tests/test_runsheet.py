"""The lecturer's pages say what the headings' notes say, by a clock that adds up."""

import re
from html import unescape

import nbformat
import pytest

from tools import lessons, runsheet
from tools.check_notebooks import LESS

NOTEBOOKS = sorted(lessons.NOTEBOOKS.glob("*.ipynb"))
SECTIONS = [
    {"minutes": 50, "ask": "Is a < b?", "cut": "12 the proof", "break": 15},
    {"minutes": 20, "ask": "Why?", "cut": "5 the table"},
    {"minutes": 15, "ask": "And *now*?", "cut": "9 the panel", "board": "a sum"},
]


@pytest.fixture
def notebook():
    """A lesson of three sections with an exercise in the last."""
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [text("# 1 · One\n\n**Objectives.** Add. **Minutes:** 85"), code("import numpy")]
    for n, lecture in enumerate(SECTIONS, start=1):
        cells += [text(f"## Part {n}", metadata={"lecture": lecture}), code("1 + 1")]
    cells += [code('exercise("the sum", f)'), text("**Remember.** It is two.")]
    return nbformat.v4.new_notebook(cells=cells)


def test_the_clock_counts_the_minutes_and_the_break(notebook):
    sheet = runsheet.sheet(notebook)
    assert [(part.begins, part.ends) for part in sheet.parts] == [
        ("0:00", "0:50"),
        ("1:05", "1:25"),
        ("1:25", "1:40"),
    ]
    assert (sheet.minutes, sheet.pause) == (85, 15)


def test_the_fewest_cuts_that_save_enough_are_told_in_the_order_of_the_lesson(notebook):
    sheet = runsheet.sheet(notebook)
    assert [part.cut for part in sheet.cuts] == ["the proof", "the panel"]
    assert sheet.saved == 21 >= LESS


def test_cuts_that_save_too_little_are_not_promised(notebook):
    for cell in notebook.cells:
        if "lecture" in cell.metadata:
            cell.metadata.lecture["cut"] = "1 a word"
    assert runsheet.sheet(notebook).cuts == []
    assert "earlier" not in runsheet.page(notebook)


def test_a_section_tells_its_notes_and_what_is_written_in_it(notebook):
    first, _, last = runsheet.sheet(notebook).parts
    assert first.notes == [("Ask", "Is a < b?"), ("Can be cut", "the proof, 12 min")]
    assert last.notes == [
        ("Ask", "And now?"),
        ("On the board", "a sum"),
        ("Can be cut", "the panel, 9 min"),
        ("They write", "the sum"),
    ]


def test_a_page_is_html_in_which_a_note_is_text(notebook):
    page = runsheet.page(notebook)
    assert "Is a &lt; b?" in page
    assert "0:50 · break, 15 minutes" in page
    assert "<script" not in page


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_lesson_has_a_page_with_all_that_its_headings_note(path):
    notebook = lessons.read_notebook(path)
    sheet, page = runsheet.sheet(notebook), unescape(runsheet.page(notebook))
    notes = [cell.metadata.lecture for cell in notebook.cells if "lecture" in cell.metadata]
    assert len(sheet.parts) == len(notes) == page.count("<section>")
    assert sum(lecture["minutes"] for lecture in notes) == sheet.minutes
    for lecture in notes:
        for name in runsheet.NOTES:
            assert runsheet.spoken(re.sub(r"^\d+ ", "", lecture.get(name, ""))) in page


def test_only_the_lessons_that_are_named_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    monkeypatch.setattr(runsheet, "FOLDER", tmp_path / "runsheets")
    monkeypatch.setattr(runsheet, "page", lambda notebook: "a page")
    runsheet.main(["03"])
    assert [path.name for path in (tmp_path / "runsheets").iterdir()] == ["03_losses.html"]
    assert capsys.readouterr().out == "runsheets/03_losses.html\n"
