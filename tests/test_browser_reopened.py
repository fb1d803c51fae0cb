"""Notebooks that are opened again: panels have their pictures, and what was only read is as it was.

Without Chromium these tests are skipped, unless NNLIB_BROWSER=required.
"""

import shutil
from pathlib import Path

import pytest

from tools import browser, lessons

NOTEBOOKS = sorted(lessons.NOTEBOOKS.glob("*.ipynb"))
pytestmark = pytest.mark.slow

SAVE = "async () => { await jupyterapp.commands.execute('docmanager:save'); }"
SHOWN = """() => ({
    pictures: [...document.querySelectorAll(".jupyter-widgets :is(img, canvas)")]
        .filter(picture => (picture.naturalWidth ?? picture.width) > 0).length,
    bars: document.querySelectorAll(".widget-hprogress").length,
    lost: document.querySelector(".jp-Notebook").innerText.includes("Error displaying widget"),
})"""
ALL_SHOWN = f"wanted => {{ const {{pictures, bars, lost}} = ({SHOWN})(); " + (
    "return lost || pictures === wanted.pictures && bars === wanted.bars; }"
)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request, tmp_path):
    """A copy of a notebook."""
    return shutil.copy(request.param, tmp_path / request.param.name)


def test_what_was_saved_shows_its_widgets_without_the_kernel_that_made_them(chromium, notebook):
    with browser.lab(notebook.parent) as url:
        page = browser.opened(chromium, url, notebook.name)
        browser.run_all(page)
        page.evaluate(SAVE)
        saved = page.evaluate(SHOWN)
        assert saved["pictures"]
        # A busy JupyterLab can take a new kernel's answer, no widgets, for the notebook's too
        for _ in range(5):
            browser.close(page)
            page = browser.opened(chromium, url, notebook.name)
            page.wait_for_function(ALL_SHOWN, arg=saved)
            if (found := page.evaluate(SHOWN)) == saved:
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
