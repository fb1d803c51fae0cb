"""One list of lessons: what the README, lesson 0, cards and menus say of lessons comes from it."""

import re
import shutil

import pytest

from nnlib import documents
from nnlib.documents import claims, lessons_on_claims
from nnlib.documents.lessons import LESSONS
from tools import contents, lessons
from tools.check_notebooks import links


def read(path):
    """The text of a file."""
    return path.read_text(encoding="utf-8")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the lessons and the README, where the tools look for them."""
    shutil.copytree(lessons.LESSONS, tmp_path / "lessons")
    shutil.copy(contents.README, tmp_path)
    monkeypatch.setattr(lessons, "LESSONS", tmp_path / "lessons")
    monkeypatch.setattr(contents, "README", tmp_path / "README.md")
    return tmp_path


def test_the_list_names_the_lessons_that_there_are():
    assert list(LESSONS) == list(contents.scripts())


def test_the_tables_in_the_readme_and_in_lesson_0_are_those_of_the_list():
    assert contents.in_readme(read(contents.README)) == read(contents.README)
    start = read(contents.scripts()["00"])
    assert contents.in_lesson_0(start) == start


def test_every_lesson_is_reached_from_lesson_0():
    reached, scripts = ["00"], contents.scripts()
    for number in reached:
        found = [name[:2] for name in links(read(scripts[number]))]
        reached += [other for other in dict.fromkeys(found) if other not in reached]
    assert sorted(reached) == list(LESSONS)


def test_a_new_lesson_needs_its_script_and_its_number_and_no_other_place(course, monkeypatch):
    (course / "lessons" / "03_losses.py").write_text("# %% [markdown]\n# # 3 · Losses\n")
    (course / "lessons" / "91_trial.py").write_text("# %% [markdown]\n# # 91 · On trial\n")
    with pytest.raises(SystemExit, match=r"^LESSONS must name the scripts .* see 91\.$"):
        contents.main()
    monkeypatch.setitem(LESSONS, "03", "what a loss measures")
    monkeypatch.setitem(LESSONS, "91", "claims of experience, tried")
    contents.main()
    assert "[03 Losses](notebooks/03_losses.ipynb) | what a loss measures |" in read(
        contents.README
    )
    linked = [line for line in read(contents.scripts()["00"]).splitlines() if "03_losses" in line]
    assert [line[4] for line in linked] == list("ABDE")
    assert all("[2](02_blocks.ipynb), [3](03_losses.ipynb)" in line for line in linked)
    assert "[90](90_every_formula.ipynb), [91](91_trial.ipynb) |" in read(contents.scripts()["00"])
    assert "03" in lessons_on_claims()


def test_a_lesson_on_claims_is_one_that_is_written_and_that_claims_name(monkeypatch):
    named = {lesson for claim in claims().values() for lesson in claim.lessons}
    assert set(lessons_on_claims()) == named & set(LESSONS) < set(LESSONS)
    unwritten = {number: what for number, what in LESSONS.items() if number != "07"}
    monkeypatch.setattr(documents, "LESSONS", unwritten)
    assert "07" in named - set(lessons_on_claims())


def test_the_places_for_what_is_added_are_there():
    (section,) = re.findall(r"^## Adding to it\n(.*?)^## ", read(contents.README), re.S | re.M)
    places = re.findall(r"`((?:nnlib|tests|lessons)/[\w/.]*)`", section)
    assert len(places) > 10
    assert not [place for place in places if not (lessons.ROOT / place).exists()]
