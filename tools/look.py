"""Photograph notebooks as an audience sees them: run in JupyterLab, on a page of 1280x800.

python -m tools.look 05 FOLDER      FOLDER/05_name/c000.png ..., page_00.png ...
"""

import sys
import tempfile
from pathlib import Path

from tools import browser, lessons, tasks


def main(number, folder):
    """Run copies of the notebooks with this number and write pictures of all their cells."""
    with tempfile.TemporaryDirectory() as copy, browser.chromium() as chromium:
        tasks.copy_notebooks(lessons.NOTEBOOKS, Path(copy))
        with browser.lab(copy) as url:
            for notebook in sorted(Path(copy).glob(f"{number}_*.ipynb")):
                page = browser.opened(chromium, url, notebook.name)
                browser.run_all(page)
                print("\n".join([notebook.name, *browser.faults(page)]))
                browser.photograph(page, Path(folder, notebook.stem))
                browser.close(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
