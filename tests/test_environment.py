"""pyproject.toml, environment.yml and the lock agree, and the commands keep what is yours."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec, Version, VersionSpec

from tools import tasks

PROJECT = tomllib.loads((tasks.ROOT / "pyproject.toml").read_text())["project"]
RUNTIME, DEV = PROJECT["dependencies"], PROJECT["optional-dependencies"]["dev"]
LOCK = tasks.LOCK.read_text()
CONDA = """\
name: nnlib
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
{packages}
  - pip:
      - -e .
"""


# -- what is installed -------------------------------------------------------------------------


def test_conda_installs_what_pip_installs():
    packages = "\n".join(f"  - {package}" for package in RUNTIME)
    assert (tasks.ROOT / "environment.yml").read_text() == CONDA.format(packages=packages)
    assert tasks.conda_requirements() == RUNTIME


@pytest.mark.parametrize("spec", RUNTIME)
def test_conda_understands_each_requirement(spec):
    versions = VersionSpec(MatchSpec(spec).version)
    assert versions.matches(Version(version(Requirement(spec).name)))
    assert not versions.matches(Version("0.0.1"))


def locked():
    """The requirements in the lock that hold for this Python and system."""
    lines = [Requirement(line) for line in LOCK.splitlines() if not line.startswith("#")]
    holding = [line for line in lines if line.marker is None or line.marker.evaluate()]
    return {canonicalize_name(line.name): line for line in holding}


def test_the_lock_admits_what_the_project_asks_for():
    for requirement in map(Requirement, RUNTIME + DEV):
        pin = locked()[canonicalize_name(requirement.name)]
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert requirement.specifier.contains(exact.version), requirement


def test_the_lock_names_all_that_is_needed():
    todo, needed = [Requirement(line) for line in RUNTIME + DEV], set()
    while todo:
        requirement = todo.pop()
        for extra in requirement.extras | {""}:
            key = canonicalize_name(requirement.name), extra
            if key not in needed:
                needed.add(key)
                lines = map(Requirement, distribution(key[0]).requires or [])
                todo += [r for r in lines if not r.marker or r.marker.evaluate({"extra": extra})]
    assert not {name for name, _ in needed} - set(locked())


def test_the_lock_names_no_host():
    assert not re.search(r"://|@|\.(org|com|net|io)\b", LOCK)


# -- the commands ------------------------------------------------------------------------------


def test_make_knows_every_task():
    makefile = (tasks.ROOT / "Makefile").read_text()
    targets = re.search(r"^TASKS := (.*)$", makefile, re.MULTILINE)[1].split()
    assert targets == [task.__name__ for task in tasks.TASKS]


def test_an_unknown_task_shows_those_there_are():
    command = [sys.executable, tasks.ROOT / "tools" / "tasks.py", "bake"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert all(task.__name__ in done.stderr for task in tasks.TASKS)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of nothing but the project's names, where commands are recorded instead of run."""
    commands = []
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("one")
    (tmp_path / "lock").write_text("one")
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    monkeypatch.setattr(tasks, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(tasks, "LOCK", tmp_path / "lock")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(tasks, "run", lambda *arguments, **_: commands.append(arguments))
    return tmp_path, commands


def test_the_environment_is_made_once_and_again_when_the_lock_changed(project):
    folder, commands = project
    tasks.install()
    first = len(commands)
    tasks.install()
    assert len(commands) == first > 0
    (folder / "lock").write_text("two")
    tasks.install()
    assert len(commands) > first


def test_work_is_never_overwritten(project):
    folder, _ = project
    (folder / "notebooks" / "00_a.ipynb").write_text("new")
    tasks.copy_notebooks(folder / "notebooks", folder / "work")
    (folder / "work" / "00_a.ipynb").write_text("mine")
    (folder / "notebooks" / "01_b.ipynb").write_text("new")
    tasks.copy_notebooks(folder / "notebooks", folder / "work")
    assert {p.name: p.read_text() for p in (folder / "work").iterdir()} == {
        "00_a.ipynb": "mine",
        "01_b.ipynb": "new",
    }


@pytest.mark.parametrize(
    "error", [subprocess.CalledProcessError(1, "fetch"), subprocess.TimeoutExpired("fetch", 1)]
)
def test_the_lab_opens_without_mnist(project, monkeypatch, capsys, error):
    _, commands = project

    def run(*arguments, **_):
        if "fetch" in arguments:
            raise error
        commands.append(arguments)

    monkeypatch.setattr(tasks, "run", run)
    monkeypatch.setenv("NNLIB_MNIST", "")
    monkeypatch.setenv("LAB_ARGS", "--no-browser --port 7777")
    tasks.lab()
    assert "bundled digits" in capsys.readouterr().out
    assert commands[-1][-4:] == ("--no-browser", "--port", "7777", "work")


def test_clean_keeps_work(project):
    folder, _ = project
    (folder / "work").mkdir()
    tasks.clean()
    assert sorted(path.name for path in folder.iterdir()) == [
        "lock",
        "notebooks",
        "pyproject.toml",
        "work",
    ]


# -- the README --------------------------------------------------------------------------------


def test_the_readme_names_what_there_is():
    readme = (tasks.ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"(?:^|`)(?:make|python tools/tasks\.py) (\w+)", readme, re.MULTILINE)
    assert len(commands) > 10
    assert set(commands) <= {task.__name__ for task in tasks.TASKS}
    links = re.findall(r"\]\((?!http)([^)#]+)\)", readme)
    assert not [link for link in links if not (tasks.ROOT / link).exists()]
