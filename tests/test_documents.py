"""Every claim of the documents holds or fails as its verdict says, over twenty samples."""

import ast
import csv
import math
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import nnlib
from nnlib.documents import DOCUMENTS, claim, claims, claims_table
from nnlib.documents.card import error_in_words
from nnlib.documents.claims import Document, ok, page
from nnlib.documents.verdicts import MISTAKES, VERDICTS

ROOT = Path(__file__).parent.parent
NNLIB = Path(nnlib.__file__).parent
MODULES = sorted(NNLIB.rglob("*.py"))
INVENTORY = ROOT / "tests" / "golden" / "inventory.csv"
DRAWS = 20
ROUND_OFF = 1e-9
LOOSER = {}  # id: the error allowed, where rounding allows no less
VISIBLE = 1e-3


def inventory():
    """The rows of the inventory: id, status, lessons."""
    with INVENTORY.open(encoding="utf-8", newline="") as file:
        return [
            (row["id"], row["status"], tuple(row["lessons"].split()))
            for row in csv.DictReader(file)
        ]


def errors(id):
    """The printed and corrected errors of a claim over the samples, as columns."""
    return np.array([claims()[id].check(np.random.default_rng(seed)) for seed in range(DRAWS)])


def of_status(*statuses):
    """The ids with one of these verdicts."""
    return [id for id, claim in claims().items() if claim.status in statuses]


# -- the verdicts -------------------------------------------------------------------------------


@pytest.mark.parametrize("id", of_status("ok"))
def test_a_claim_that_is_ok_agrees_with_the_truth(id):
    assert errors(id)[:, 0].max() <= LOOSER.get(id, ROUND_OFF)


@pytest.mark.parametrize("id", of_status(*MISTAKES))
def test_a_wrong_form_is_undefined_or_visibly_off_and_its_correction_is_right(id):
    printed, corrected = errors(id).T
    assert printed.max() >= VISIBLE
    assert corrected.max() <= LOOSER.get(id, ROUND_OFF)


@pytest.mark.parametrize("id", of_status("convention", "follows", "added", "reading"))
def test_a_conversion_or_an_added_formula_is_exact(id):
    assert errors(id)[:, 1].max() <= LOOSER.get(id, ROUND_OFF)


@pytest.mark.parametrize("id", of_status("note"))
def test_a_note_says_why_there_is_nothing_to_compute(id):
    assert claims()[id].truth is None
    assert claims()[id].correction


@pytest.mark.parametrize("id", [id for id in claims() if id not in of_status("note")])
def test_the_truth_is_not_the_form_itself(id):
    claim = claims()[id]
    for form in (claim.printed, claim.corrected):
        assert form is None or body(form) != body(claim.truth)


def body(form):
    """What a form computes, as the compiler sees it."""
    code = form.__code__
    return code.co_code, code.co_names, code.co_freevars, code.co_consts


# -- the inventory ------------------------------------------------------------------------------


def test_every_row_of_the_inventory_has_its_claim_with_its_verdict():
    due = {id: status for id, status, _ in inventory()}
    assert {id: claims()[id].status for id in due} == due


def test_every_claim_names_the_lessons_of_its_row():
    rows = {id: lessons for id, status, lessons in inventory() if status != "reading"}
    assert rows == {id: claims()[id].lessons for id in rows}


def test_no_id_stands_twice():
    ids = [claim.id for document in DOCUMENTS for claim in document.claims()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "lessons").glob("*.py")), ids=lambda path: path.stem
)
def test_a_lesson_deals_with_its_claims(path):
    own, text = path.stem[:2], path.read_text(encoding="utf-8")
    due = any(own in claim.lessons for claim in claims().values())
    assert (f'claims_table("{own}")' in text) == due


# -- how they are shown -------------------------------------------------------------------------


def test_a_card_says_the_formula_the_verdict_and_both_errors():
    card = claim("A-3.4-clip")
    for text in (repr(card), card._repr_html_()):
        for part in ("A-3.4-clip", "overstated", "[-50,50]", "subtract the largest", "≤ 1e-12"):
            assert part in text
        assert "as printed 0.5, corrected" in text
        assert "(on $(60,55,0)$)" in text
    assert "Transformer Model Notes" in card._repr_html_()
    assert VERDICTS["overstated"].colour in card._repr_html_()


def test_a_card_says_on_which_input_a_claim_is_right_if_that_was_chosen():
    assert repr(claim("B-ce-example")).endswith("as printed ≤ 1e-12 (on the example)")


@pytest.mark.parametrize("id", list(claims()))
def test_a_card_names_the_lessons_that_are_written_and_no_other(id):
    written = {path.stem[:2] for path in (ROOT / "lessons").glob("*.py")}
    (heading,) = re.findall(r"opacity:[^>]*>(.*?)</span>", claim(id)._repr_html_())
    _, _, named = heading.partition(" · lesson ")
    assert set(named.split(" and ")) - {""} == written & set(claims()[id].lessons)


def test_an_unknown_id_raises_with_the_nearest_ones():
    with pytest.raises(ValueError, match=r"no claim 'A-3\.4-clop'.*A-3\.4-clip"):
        claim("A-3.4-clop")


@pytest.mark.parametrize("id", list(claims()))
def test_every_card_is_one_piece_of_html_and_of_text(id):
    html = claim(id)._repr_html_()
    assert html.count("<div") == html.count("</div>") == 1
    assert html.count("$") % 2 == 0
    assert id in repr(claim(id))


def test_a_table_holds_every_claim_of_its_lesson():
    ids = [id for id, claim in claims().items() if "02" in claim.lessons]
    html = claims_table("02")._repr_html_()
    assert html.count("<tr>") == len(ids) + 1
    assert all(id in html for id in ids)


def test_a_card_and_a_row_name_the_input_that_was_chosen_and_no_other():
    chosen = claim("A-3.4-clip").claim
    assert "(on $(60,55,0)$)" in claim(chosen.id)._repr_html_()
    assert (
        "<td style='text-align:left'>0.5 (on $(60,55,0)$)</td>" in claims_table("02")._repr_html_()
    )
    assert "(on any draw)" not in claims_table("02")._repr_html_()


def test_a_table_of_no_lesson_is_refused():
    with pytest.raises(ValueError, match="no claim belongs to lesson '5'"):
        claims_table("5")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (0, "≤ 1e-12"),
        (3e-11, "≤ 1e-9"),
        (0.123, "0.12"),
        (1.0, "1"),
        (99.6, "100"),
        (212.0, "210"),
        (1e6, "1e6"),
        (3.405e12, "3.4e12"),
        (math.inf, "undefined"),
        (math.nan, "–"),
    ],
)
def test_an_error_is_shown_to_two_digits_or_as_a_bound_where_it_is_noise(error, text):
    assert error_in_words(error) == text


def luminance(colour):
    """How bright a colour is, as the rules for legible web pages count it."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_white_letters_can_be_read_on_the_colour_of_a_verdict(verdict):
    assert 1.05 / (luminance(VERDICTS[verdict].colour) + 0.05) >= 4.5


def test_verdicts_differ_by_more_than_colour():
    markers = [verdict.marker for verdict in VERDICTS.values() if verdict.marker]
    assert len({verdict.colour for verdict in VERDICTS.values()}) == len(VERDICTS)
    assert len(set(markers)) == len(markers)


def test_pages_of_two_documents_do_not_mix():
    one, other = ModuleType("one"), ModuleType("other")

    @page("1 Sums", lessons="01")
    def sums(rng):
        yield ok("Z-sum", "a sum", lambda: 2 + 1, lambda: 3)

    sums.__module__ = "one"
    one.sums = other.borrowed = sums
    assert [claim.id for claim in Document("Z", "An example", one, other).claims()] == ["Z-sum"]


# -- where a function comes from ----------------------------------------------------------------

ID = re.compile(rf"\b(?:{'|'.join(d.letter for d in DOCUMENTS)})-\w[\w.-]*\w")


def sources(tree):
    """What every docstring of a module gives as its source, up to the next empty line."""
    documented = ast.FunctionDef | ast.ClassDef | ast.Module
    for node in ast.walk(tree):
        doc = (ast.get_docstring(node) if isinstance(node, documented) else None) or ""
        yield from re.findall(r"^ *Source +(.+?)(?:\n\n|\Z)", doc, re.DOTALL | re.MULTILINE)


def source_faults(tree):
    """The sources that name no claim, or one that is none, or what stands in the documents only."""
    for source in sources(tree):
        ids = ID.findall(source)
        unknown = [id for id in ids if id not in claims()]
        by_number = re.findall(r"equation|section|\.\.\.|\(\d[\d.]*\)", source)
        if unknown or by_number or not (ids or source == "not in the documents."):
            yield source


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(NNLIB)) for path in MODULES])
def test_the_sources_in_docstrings_are_claims_that_exist(path):
    assert not list(source_faults(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "source",
    [
        "A-3.4-clop.",
        "B-relu,\n         B-rela.",
        "A-3.2, equations (3.1).",
        "C1-F1 ... C1-F6.",
        "a book.",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "def f():\n    {}", "class C:\n    def f(self):\n        {}"]
)
def test_a_source_that_is_no_claim_is_found(source, around):
    doc = f'"""What it does.\n\n    Source   {source}\n\n    >>> 1\n    1\n    """'
    assert list(source_faults(ast.parse(around.format(doc))))
