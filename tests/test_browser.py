"""Every notebook in a real browser: it runs, and no control of a panel raises at either end.

Without Chromium these tests are skipped, unless NNLIB_BROWSER=required.
"""

import os
import shutil

import nbformat
import pytest

from tools import browser, build, lessons

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

FORGET = """() => {
    nnlib.faults = [];
    nnlib.panel.content.widgets[1].model.sharedModel.setOutputs([]);
}"""


@pytest.fixture(scope="module")
def chromium():
    """The browser."""
    if browser.executable() is None and os.environ.get("NNLIB_BROWSER") != "required":
        pytest.skip("Chromium is not installed")
    with browser.chromium() as chromium:
        yield chromium


def open_copy(chromium, source, folder):
    """Open a copy of a notebook, run it, and hand over the page."""
    shutil.copy(source, folder)
    with browser.lab(folder) as url:
        page = browser.opened(chromium, url, source.name)
        browser.run_all(page)
        yield page
        browser.close(page)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def page(request, chromium, tmp_path):
    """A page with one of the notebooks, run."""
    yield from open_copy(chromium, request.param, tmp_path)


def test_a_notebook_runs_and_its_controls_move(page):
    assert not browser.faults(page)
    assert not browser.moved_controls(page)


@pytest.fixture
def specimen(chromium, tmp_path):
    """A page with a panel that raises, and one that says so in its error line."""
    cells = [nbformat.v4.new_code_cell(source) for source in (PANEL, "1 / 0")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": build.KERNEL})
    path = tmp_path / "specimen.ipynb"
    nbformat.write(notebook, path)
    (tmp_path / "copy").mkdir()
    yield from open_copy(chromium, path, tmp_path / "copy")


def test_errors_of_cells_callbacks_and_panels_are_found(specimen):
    assert any("ZeroDivisionError" in fault for fault in browser.faults(specimen))
    specimen.evaluate(FORGET)
    assert not browser.faults(specimen)
    found = "\n".join(browser.moved_controls(specimen))
    assert "divisor to Home: ['ZeroDivisionError" in found
    assert "dividend option 1: ['TypeError" in found
