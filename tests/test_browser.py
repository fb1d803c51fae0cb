"""Every notebook in a real browser: it runs, no control raises, and it can be opened again.

Without Chromium these tests are skipped, unless NNLIB_BROWSER=required.
"""

import shutil
from pathlib import Path

import pytest
from pages import open_copy, written

from tools import browser, lessons

NOTEBOOKS = sorted(lessons.NOTEBOOKS.glob("*.ipynb"))
pytestmark = pytest.mark.slow

PANEL = """\
import ipywidgets

slider = ipywidgets.IntSlider(min=0, max=3, value=1, description="divisor")
menu = ipywidgets.Dropdown(options=["ten", "none"], description="dividend")
button = ipywidgets.Button(description="again")
message = ipywidgets.HTML()
message.add_class("nnlib-message")


def divide(_=None):
    try:
        message.value = ""
        {"ten": 10, "none": None}[menu.value] / slider.value
    except TypeError as error:
        message.value = repr(error)


slider.observe(divide, "value")
menu.observe(divide, "value")
button.on_click(divide)
ipywidgets.VBox([slider, menu, button, message])
"""

SAVE = "async () => { await jupyterapp.commands.execute('docmanager:save'); }"
WIDGETS = """() => ({
    pictures: [...document.querySelectorAll(".jupyter-widgets :is(img, canvas)")]
        .filter(picture => (picture.naturalWidth ?? picture.width) > 0).length,
    bars: document.querySelectorAll(".widget-hprogress").length,
    lost: document.querySelector(".jp-Notebook").innerText.includes("Error displaying widget"),
})"""
ALL_WIDGETS = f"wanted => {{ const {{pictures, bars, lost}} = ({WIDGETS})(); " + (
    "return lost || pictures === wanted.pictures && bars === wanted.bars; }"
)
FORGET = """() => {
    nnlib.faults = [];
    nnlib.panel.content.widgets[1].model.sharedModel.setOutputs([]);
}"""


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_its_controls_move_and_saved_it_has_its_widgets_without_its_kernel(
    chromium, source, tmp_path
):
    shutil.copy(source, tmp_path)
    with browser.lab(tmp_path) as url:
        page = browser.opened(chromium, url, source.name)
        browser.run_all(page)
        assert not browser.faults(page)
        page.evaluate(SAVE)
        saved = page.evaluate(WIDGETS)
        assert saved["pictures"]
        assert not browser.moved_controls(page)
        # A busy JupyterLab can take a new kernel's answer, no widgets, for the notebook's too
        for _ in range(5):
            browser.close(page)
            page = browser.opened(chromium, url, source.name)
            page.wait_for_function(ALL_WIDGETS, arg=saved)
            if (found := page.evaluate(WIDGETS)) == saved:
                break
        browser.close(page)
    assert found == saved


def test_what_was_only_read_is_saved_as_it_was(chromium, tmp_path):
    copies = [Path(shutil.copy(path, tmp_path)) for path in NOTEBOOKS]
    before = [(copy.stat().st_mtime_ns, copy.read_bytes()) for copy in copies]
    with browser.lab(tmp_path) as url:
        for copy, (written, content) in zip(copies, before):
            page = browser.opened(chromium, url, copy.name)
            browser.settle(page)
            page.evaluate(SAVE)
            browser.close(page)
            assert copy.stat().st_mtime_ns > written
            assert copy.read_bytes() == content


@pytest.fixture
def specimen(chromium, tmp_path):
    """A page with a panel that raises, and one that says so in its error line."""
    yield from open_copy(chromium, written(tmp_path / "made", PANEL, "1 / 0"), tmp_path)


def test_errors_of_cells_callbacks_and_panels_are_found(specimen):
    assert any("ZeroDivisionError" in fault for fault in browser.faults(specimen))
    specimen.evaluate(FORGET)
    assert not browser.faults(specimen)
    found = "\n".join(browser.moved_controls(specimen))
    assert "divisor to Home: ['ZeroDivisionError" in found
    assert "dividend option 1: ['TypeError" in found
