"""The environments in which the notebooks are tried: which there are, and what is said of them."""

import re
import subprocess
import sys

import pytest

from tools import everywhere, lessons, tasks


def test_an_interpreter_is_found_by_its_version():
    here = "{}.{}".format(*sys.version_info)
    assert everywhere.interpreter(here) == sys.executable
    assert everywhere.interpreter("2.4") is None


def test_an_interpreter_of_pyenv_is_found(monkeypatch, tmp_path):
    python = tmp_path / "versions" / "2.4.6" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 2.4\n")
    python.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert everywhere.interpreter("2.4") == str(python)


@pytest.fixture
def tried(monkeypatch):
    """The Pythons that notebooks would run in, where 3.12 and 3.13 are missing."""
    pythons = []
    monkeypatch.setattr(everywhere, "interpreter", {"3.11": "python3.11"}.get)
    monkeypatch.setattr(everywhere, "notebooks_in", lambda *what: pythons.append(what))
    return pythons


def test_a_python_that_is_missing_is_said(tried, capsys):
    assert not everywhere.main([])
    wanted = [everywhere.COLAB, everywhere.LOWEST, everywhere.CONDA, everywhere.LOCKED]
    assert tried == [(lessons.NOTEBOOKS, "python3.11", packages) for packages in wanted]
    assert "3.12: Python 3.12 is not here" in capsys.readouterr().out


def test_a_python_that_is_asked_for_and_missing_is_a_failure(tried, capsys):
    assert everywhere.main(["3.13", "lowest"])
    assert tried == [(lessons.NOTEBOOKS, "python3.11", everywhere.LOWEST)]
    assert capsys.readouterr().out.endswith("failed: 3.13\n")


def test_an_environment_in_which_notebooks_fail_is_named_after_all_others_ran(monkeypatch, capsys):
    def fail(folder, python, wanted):
        if wanted is everywhere.COLAB:
            raise subprocess.CalledProcessError(1, "pytest")

    monkeypatch.setattr(everywhere, "interpreter", lambda version: f"python{version}")
    monkeypatch.setattr(everywhere, "notebooks_in", fail)
    assert everywhere.main([])
    said = capsys.readouterr().out
    assert "3.13: python3.13" in said
    assert said.endswith("failed: colab\n")


def test_a_short_pass_leaves_out_long_cells(tried):
    assert not everywhere.main(["colab", "--short"])
    ((folder, *_),) = tried
    assert folder != lessons.NOTEBOOKS


def test_an_environment_that_there_is_not_is_an_error(tried):
    with pytest.raises(SystemExit, match="everywhere: kaggle is none of colab, lowest"):
        everywhere.main(["colab", "kaggle"])
    assert not tried


def test_the_hosted_workflow_runs_every_environment():
    workflow = (tasks.ROOT / ".github" / "workflows" / "test.yml").read_text()
    named = re.findall(r'name: "?([\w.]+)"?, python: "([\d.]+)"', workflow)
    due = {name: pythons[0] for name, (pythons, _) in everywhere.ENVIRONMENTS.items()}
    assert dict(named) == due
