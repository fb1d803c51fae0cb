"""Notebooks made for a test, and the pages on which a browser shows them run."""

import shutil

import nbformat

from tools import browser, build


def written(folder, *cells):
    """The path of a notebook with these cells, in a folder of its own."""
    cells = [nbformat.v4.new_code_cell(source) for source in cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": build.KERNEL})
    folder.mkdir()
    nbformat.write(notebook, folder / "specimen.ipynb")
    return folder / "specimen.ipynb"


def open_copy(chromium, source, folder, view="doc"):
    """Open a copy of a notebook, run it, and hand over the page."""
    shutil.copy(source, folder)
    with browser.lab(folder) as url:
        page = browser.opened(chromium, url, source.name, view=view)
        browser.run_all(page)
        yield page
        page.close()  # the server ends its kernels
