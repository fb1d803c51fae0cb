"""The headline counts slips and not lines, and a chain holds all that follows from a slip."""

import re

import pytest

from nnlib.documents import claims, slips
from nnlib.documents.chain import Chain
from nnlib.documents.claims import Claim
from nnlib.documents.slips import Tally, by_document, chain, headline, origin, stated, tally
from tools import contents


def line(id, status, **more):
    """A claim with this verdict."""
    return Claim(id, status, "", **more)


LINES = [
    line("Z-1", "ok"),
    line("Z-2", "wrong", slips=("a sign", "a factor")),
    line("Z-3", "follows", follows="Z-2"),
    line("Z-4", "overstated"),
    line("Z-5", "follows", follows="Z-3"),
    line("Z-6", "follows", follows="Z-4"),
    line("Z-7", "wrong", slips=("an index",)),
    line("Z-8", "misprint"),
    line("Z-9", "convention"),
    line("Z-10", "scan?"),
    line("Z-11", "note"),
]


@pytest.fixture
def planted(monkeypatch):
    """Documents in which it is known what follows from what."""
    monkeypatch.setattr(slips, "claims", lambda: {one.id: one for one in LINES})


def ids(found):
    """The ids of claims."""
    return [one.id for one in found]


def test_mistakes_are_counted_by_slips_and_all_else_by_lines(planted):
    assert tally(LINES) == Tally(
        lines=11,
        right=1,
        mistakes=3,
        wrong=2,
        carried=2,
        misprints=1,
        overstated=1,
        repeated=1,
        conventions=1,
        scans=1,
        notes=1,
    )


def test_a_chain_goes_on_through_what_follows_and_no_further(planted):
    found = {one.id: one for one in LINES}
    assert [(one.id, n) for one, n in chain(found["Z-2"])] == [("Z-2", 0), ("Z-3", 1), ("Z-5", 2)]
    assert [(one.id, n) for one, n in chain(found["Z-7"])] == [("Z-7", 0)]
    assert {origin(one).id for one, _ in chain(found["Z-2"])} == {"Z-2"}


def test_chains_begin_with_what_is_wrong_or_followed(planted):
    assert ids(slips.slips()) == ["Z-2", "Z-4", "Z-7"]


def test_every_line_that_follows_is_in_one_chain_from_a_slip():
    chained = [one.id for slip in slips.slips() for one, steps in chain(slip) if steps]
    assert sorted(chained) == sorted(one.id for one in claims().values() if one.follows)


def test_a_chain_is_told_line_by_line_each_below_what_it_follows():
    for slip in slips.slips():
        told, links = Chain(slip.id), list(chain(slip))
        html = told._repr_html_()
        assert re.findall(r"<code>(.*?)</code>", html) == [one.id for one, _ in links]
        assert re.findall(r"3em (\d+)em'>", html) == [str(2 * steps) for _, steps in links]
        assert html.count("<div") == html.count("</div>")
        assert ("Nothing follows from it." in html) == (len(links) == 1)
        for one, steps in links:
            assert f"{'  ' * steps}{one.id}: " in repr(told)
    with pytest.raises(ValueError, match="there is no claim 'C2-B66'"):
        Chain("C2-B66")


def test_every_line_is_counted_once():
    for found in (headline(), *by_document().values()):
        assert sum(found) - found.mistakes - found.lines == found.lines


def test_the_documents_make_up_the_headline():
    assert Tally(*map(sum, zip(*by_document().values()))) == headline()
    assert set(by_document()) == {one.id[0] for one in stated()}


def test_what_no_document_states_is_not_counted():
    assert headline().lines == len(stated())
    left_out = claims().keys() - set(ids(stated()))
    assert {claims()[id].status for id in left_out if id[0] in slips.LETTERS} == set(slips.UNSTATED)
    assert {id[0] for id in left_out} - set(slips.LETTERS) == {"X", "N"}


def test_the_words_say_what_is_right_first_and_nothing_of_what_is_not_there():
    assert str(Tally(3, 3)) == "3 of 3 claims are right."
    assert str(Tally(9, 5, mistakes=2, wrong=1, carried=1, scans=2)) == (
        "5 of 9 claims are right. The rest: 2 independent mistakes in 1 claim, 1 claim following "
        "from a mistake, 2 claims that may be the scan's."
    )


def test_the_words_mislead_nobody_about_what_is_followed():
    """ "Misprint or such a condition" holds only while none of the scan's is carried on."""
    followed = [origin(one) for one in claims().values() if one.follows]
    assert {one.status for one in followed} == {"wrong", "misprint", "overstated"}
    words = str(headline())
    assert words.index(" misprint") < words.index("true under") < words.index("or such a condition")


def test_two_faults_are_two_slips_where_one_is_carried_on_without_the_other():
    """Of the lines that follow (6), (7) has both of its faults, (8) and (9) the transpose alone."""
    transpose, order = claims()["C2-B6"].slips
    assert ("transpose" in transpose, "before" in order) == (True, True)
    carried = {one.id: one.defence for one, _ in chain(claims()["C2-B6"])}
    assert list(carried) == ["C2-B6", "C2-B7", "C2-B8", "C2-B9"]
    assert "order of the factors is right" in carried["C2-B8"]
    assert all(len(claims()[id].slips) == 1 for id in ("C2-B10", "C2-B11", "C2-B12"))


def test_every_number_but_a_nought_is_said():
    assert re.findall(r"\d+", str(Tally(100, *range(11, 21)))) == [
        *("11", "100"),
        *map(str, range(12, 21)),
    ]


def test_lesson_90_shows_the_card_of_every_mistake_and_in_its_text_no_code():
    script = contents.scripts()["90"].read_text(encoding="utf-8")
    shown = set(re.findall(r'^claim\("(.*?)"\)$', script, re.MULTILINE))
    assert {one.id for one in stated() if one.status == "wrong"} <= shown
    text = "\n".join(line for line in script.splitlines() if line.startswith("# "))
    assert not [id for id in claims() if re.search(rf"(?<![\w-]){re.escape(id)}(?![\w-])", text)]


def test_the_readme_says_the_headline():
    text = " ".join(contents.README.read_text(encoding="utf-8").split())
    assert f"{contents.OPENING}{headline()}" in text
