"""The panel of planted faults: bets, memory, and the table that fills."""

import pytest
from pictures import assert_legible

from nnlib.experiments.diagnoses import DIAGNOSTICS, table
from nnlib.experiments.faults import FAULTS
from nnlib.widgets.faults import NO_BET, NOBODY, FaultsPanel

ALL = len(DIAGNOSTICS)
SIGNS = {"blind": "·"}


def open_fault(panel, fault, bet, count):
    """Choose a fault, bet, try so many diagnostics."""
    panel.controls["fault"].value = fault
    panel.controls["bet"].value = bet
    panel.controls["diagnostics"].value = count
    assert panel.message.value == ""


def rows_of(panel):
    """What the picture says in each row, by its name."""
    texts = panel.figure.axes[0].texts[ALL:]
    starts = [k for k, text in enumerate(texts) if text.get_ha() == "right"]
    return {
        texts[k].get_text(): [text.get_text() for text in texts[k + 1 : k + 1 + ALL]]
        for k in starts
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_every_cell_that_is_opened_is_the_table_s(fault):
    panel = FaultsPanel()
    for count in range(ALL + 1):
        open_fault(panel, fault, NO_BET, count)
        cells = list(table()[fault].values())[:count]
        due = [SIGNS.get(cell.outcome, cell.outcome) for cell in cells]
        assert rows_of(panel)[fault] == due + ["?"] * (ALL - count)
        assert all(cell.told in panel.words.value for cell in cells)
    assert FAULTS[fault].words.split(":")[0] in panel.words.value


def test_a_bet_is_won_by_the_first_that_sees_it():
    panel = FaultsPanel()
    open_fault(panel, "pixels unscaled", "first loss", 1)
    assert panel.words.value.endswith("The bet is first loss.")
    panel.controls["diagnostics"].value = 2
    assert panel.words.value.endswith(
        "First to see it: first loss. The bet was first loss, and won."
    )
    open_fault(panel, "bias correction left out", "accuracy", ALL)
    assert panel.words.value.endswith(f"First to see it: {NOBODY}. The bet was accuracy, and lost.")
    panel.controls["bet"].value = NOBODY
    assert panel.words.value.endswith("and won.")


def test_nothing_is_given_away_before_it_is_tried():
    panel = FaultsPanel()
    open_fault(panel, "a mask inverted", NO_BET, 2)
    assert panel.words.value.endswith("is the first to see it?")
    assert "First to see it" not in panel.words.value
    assert set(rows_of(panel)["labels shuffled"]) == {"?"}


def test_what_was_tried_and_bet_is_remembered():
    panel = FaultsPanel()
    open_fault(panel, "σ for σ′", "loss curve", 3)
    row = rows_of(panel)["σ for σ′"]
    open_fault(panel, "labels shuffled", "accuracy", 5)
    assert rows_of(panel)["σ for σ′"] == row
    panel.controls["fault"].value = "σ for σ′"
    assert (panel.controls["bet"].value, panel.controls["diagnostics"].value) == ("loss curve", 3)
    framed = [one for one in panel.figure.axes[0].patches if one.get_linewidth() == 2.5]
    assert len(framed) == 3  # with that of the first fault


def test_the_whole_table_is_shown_and_hidden_again():
    panel = FaultsPanel()
    before = rows_of(panel)
    panel.controls["whole"].value = True
    whole = rows_of(panel)
    assert whole["faults of the gradient"][-2:] == ["7 of 7"] * 2
    assert whole["other faults"] == [
        "0 of 4",
        "1 of 4",
        "1 of 4",
        "2 of 4",
        "2 of 4",
        *["0 of 4"] * 2,
    ]
    title = panel.figure.axes[0].get_title()
    assert title == "One direction, whole check: every fault of the gradient, no other"
    panel.controls["whole"].value = False
    assert rows_of(panel) == before


def test_tried_one_by_one_it_ends_as_the_whole_table_does():
    panel = FaultsPanel(encoder=False)
    for fault in panel.opened:
        open_fault(panel, fault, NO_BET, ALL)
    rows, title = rows_of(panel), panel.figure.axes[0].get_title()
    panel.controls["whole"].value = True
    assert (rows_of(panel), panel.figure.axes[0].get_title()) == (rows, title)
    assert title.startswith("One direction, whole check")


def test_without_an_encoder_its_faults_are_left_out():
    left_out = set(FaultsPanel().opened) - set(FaultsPanel(encoder=False).opened)
    assert left_out == {"the deviation held constant", "a mask inverted"}


@pytest.mark.parametrize("encoder", [True, False])
def test_no_word_of_the_picture_is_cut_whichever_row_is_bold(encoder):
    panel = FaultsPanel(encoder=encoder)
    panel.controls["whole"].value = True
    for fault in panel.opened:
        panel.controls["fault"].value = fault
        assert_legible(panel.figure)
        width, height = panel.figure.bbox.size
        (ax,) = panel.figure.axes
        for text in [*ax.texts, ax.title]:
            its = text.get_window_extent()
            assert its.x0 >= 0 <= its.y0, text.get_text()
            assert its.x1 <= width, text.get_text()
            assert its.y1 <= height, text.get_text()
