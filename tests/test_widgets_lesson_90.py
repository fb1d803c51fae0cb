"""The panel of the lesson on every formula, driven over its whole range."""

import contextlib
import io
import re
from collections import Counter
from functools import partial
from html import escape as escaped

import numpy as np
import pytest

from nnlib.documents import claim, claims
from nnlib.documents.claims import UNCHARGED
from nnlib.documents.slips import chain, origin, slips
from nnlib.documents.verdicts import VERDICTS
from nnlib.experiments.lesson_90 import tried
from nnlib.widgets import lesson_90
from nnlib.widgets.lesson_90 import ClaimsPanel

escape = partial(escaped, quote=False)
FILTERS = ["document", "status", "lesson", "slip"]


@pytest.fixture
def panel():
    """A panel as a reader meets it."""
    return ClaimsPanel()


def values_of(menu):
    """What a menu offers."""
    return [value for _, value in menu.options]


def written(one):
    """All that a claim says."""
    said = [one.id, one.section, one.stated, one.defence, one.condition, one.correction, *one.slips]
    return " ".join(said)


def chain_of(one):
    """The ids of the chain that a claim is part of, where there is one."""
    found = [[link.id for link, _ in chain(slip)] for slip in slips()]
    return next((ids for ids in found if one.id in ids), [])


def check(panel):
    """What must hold in every state: no error, finite dots, labels, words and a card that agree."""
    assert panel.message.value == ""
    (ax,) = panel.figure.axes
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    dots = [group.get_offsets() for group in ax.collections]
    assert sum(map(len, dots)) == sum(bool(VERDICTS[one.status].marker) for one in tried())
    assert all(np.isfinite(np.asarray(group)).all() for group in dots)
    wanted = {name: panel.controls[name].value for name in FILTERS}
    letters = panel.controls["containing"].value.strip().lower()
    ids = [
        one.id
        for one in claims().values()
        if wanted["document"] in ("", one.document)
        and wanted["status"] in ("", one.status)
        and (wanted["lesson"] == "" or wanted["lesson"] in one.lessons)
        and wanted["slip"] in ("", origin(one).id)
        and letters in written(one).lower()
    ]
    full = sum(len(group) for group in dots[1::2])
    assert full == sum(bool(VERDICTS[claims()[id].status].marker) for id in ids)
    assert ax.get_title().startswith(f"{len(ids)} claim")
    if not ids:
        assert (panel.words.value, panel.card.value) == ("No claim fits.", "")
        return
    for status, n in Counter(claims()[id].status for id in ids).items():
        assert f" {n} {status}" in panel.words.value
    mistakes = sum(len(claims()[id].slips) for id in ids)
    assert (f"Independent mistakes: {mistakes}." in panel.words.value) == bool(mistakes)
    card = panel.controls["card"]
    assert (card.min, card.max) == (1, len(ids))
    assert f"<code>{ids[card.value - 1]}</code>" in panel.card.value
    assert panel.card.value.startswith(f"{card.value} of {len(ids)}<")
    shown = claims()[ids[card.value - 1]]
    assert re.findall(r"<code>([\w.-]+)</code>", panel.card.value) == [shown.id, *chain_of(shown)]
    charged = shown.defence not in ("", UNCHARGED)
    assert ("In its defence." in panel.card.value) == charged
    assert not charged or escape(shown.defence) in panel.card.value


def test_no_label_is_cut_off_by_the_edge(panel):
    (ax,) = panel.figure.axes
    box = ax.get_tightbbox(panel.figure.canvas.get_renderer())
    width, height = panel.figure.get_size_inches() * panel.figure.dpi
    assert 0 <= box.x0 < box.x1 <= width
    assert 0 <= box.y0 < box.y1 <= height


@pytest.mark.parametrize("name", FILTERS)
def test_every_choice_of_every_menu(panel, name):
    for value in values_of(panel.controls[name]):
        panel.controls[name].value = value
        check(panel)


def test_the_cards_turn_from_first_to_last(panel):
    panel.controls["document"].value = "C2"
    card = panel.controls["card"]
    for k in (1, card.max, 7):
        card.value = k
        check(panel)


def test_a_new_choice_begins_with_its_first_card(panel):
    card = panel.controls["card"]
    wrong = sum(claim.status == "wrong" for claim in claims().values())
    card.value = card.max
    check(panel)
    panel.controls["status"].value = "wrong"
    assert (card.value, card.max) == (1, wrong)
    check(panel)
    panel.controls["status"].value = ""
    assert (card.value, card.max) == (1, len(claims()))
    check(panel)


def test_turning_the_cards_draws_no_new_picture(panel, monkeypatch):
    monkeypatch.setattr(lesson_90, "draw_errors", lambda *args, **kwargs: 1 / 0)
    panel.controls["card"].value = 3
    assert panel.message.value == ""
    panel.controls["status"].value = "wrong"
    assert "ZeroDivisionError" in panel.message.value


def test_the_chain_from_a_slip_is_told_on_every_card_of_it(panel):
    longest = max(slips(), key=lambda slip: len(list(chain(slip))))
    panel.controls["slip"].value = longest.id
    card = panel.controls["card"]
    assert card.max == len(list(chain(longest))) > 1
    for k in range(1, card.max + 1):
        card.value = k
        check(panel)
        assert all(slip in panel.card.value for slip in map(escape, longest.slips))


@pytest.mark.parametrize("letters", ["softmax", " W_2 ", "nothing of this kind", "(", "<b>", "E-"])
def test_any_letters_can_be_typed(panel, letters):
    panel.controls["containing"].value = letters
    check(panel)


def test_twenty_random_settings(panel):
    rng = np.random.default_rng(0)
    for _ in range(20):
        for name in FILTERS:
            panel.controls[name].value = str(rng.choice(values_of(panel.controls[name])))
        panel.controls["containing"].value = str(rng.choice(["", "", "a", "softmax"]))
        card = panel.controls["card"]
        card.value = int(rng.integers(1, card.max + 1))
        check(panel)


@pytest.mark.parametrize(
    "filters", [{}, {"status": "wrong", "document": "E"}, {"document": "B", "status": "wrong"}]
)
def test_the_code_reproduces_the_state(panel, filters):
    for name, value in filters.items():
        panel.controls[name].value = value
    panel.controls["card"].value = panel.controls["card"].max
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(panel.as_code.value, {})
    printed = out.getvalue()
    assert printed.startswith(f"words = {panel.words.value}\n")
    _, _, card = printed.partition("\nclaim = ")
    if not panel.card.value:
        assert card.startswith("None\n")
        return
    id = card.split(":")[0]
    assert f"<code>{id}</code>" in panel.card.value
    assert card.startswith(f"{claim(id)}\n")


def test_an_error_is_said_in_the_panel_and_the_next_good_change_clears_it(panel, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("nnlib.experiments.lesson_90.claim", lambda id: 1 / 0)
        panel.controls["card"].value = 2
        assert "ZeroDivisionError" in panel.message.value
        panel.controls["status"].value = "misprint"
        assert "ZeroDivisionError" in panel.message.value
    panel.controls["card"].value = 3
    check(panel)
