"""pyproject.toml, environment.yml and the lock agree, and the commands keep what is yours."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.machinery import ModuleSpec
from importlib.metadata import distribution, version
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec, Version, VersionSpec

from tools import everywhere, tasks

PROJECT = tomllib.loads((tasks.ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = PROJECT["dependencies"]
LAB, DEV = (PROJECT["optional-dependencies"][extra] for extra in ("lab", "dev"))
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
    packages = "\n".join(f"  - {package}" for package in RUNTIME + LAB)
    assert (tasks.ROOT / "environment.yml").read_text() == CONDA.format(packages=packages)
    assert everywhere.CONDA == RUNTIME + LAB


def imported(folder):
    """The packages that the files of a folder import, wherever in them, but not Python's own."""
    for path in (tasks.ROOT / folder).rglob("*.py"):
        if path.name == "environment.py":  # it looks for what may be missing
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            yield from {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def test_the_library_and_the_lessons_depend_on_what_they_import():
    declared = {Requirement(line).name for line in RUNTIME}
    assert {*imported("nnlib")} - {"nnlib"} == declared
    assert {*imported("lessons")} - {"nnlib"} <= declared


def test_the_workbench_is_an_extra_that_whoever_changes_something_has_too():
    assert {Requirement(line).name for line in LAB} == {
        "jupyterlab",
        "ipykernel",
        "pytest",
        "nbval",
    }
    assert "nnlib[lab]" in DEV


def needed(*requirements):
    """The names of all that these requirements bring, as installed here."""
    todo, seen = [Requirement(line) for line in requirements], set()
    while todo:
        requirement = todo.pop()
        for extra in requirement.extras | {""}:
            key = canonicalize_name(requirement.name), extra
            if key not in seen:
                seen.add(key)
                lines = map(Requirement, distribution(key[0]).requires or [])
                todo += [r for r in lines if not r.marker or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def test_the_library_alone_brings_no_part_of_the_workbench():
    workbench = {"jupyterlab", "jupyter-server", "ipykernel", "tornado", "pytest", "nbval"}
    assert not needed(*RUNTIME) & workbench
    assert needed(*LAB) >= workbench


@pytest.mark.parametrize("pin", [pin for pin in everywhere.COLAB if "==" in pin])
def test_the_library_admits_what_colab_has(pin):
    pin = Requirement(pin)
    (exact,) = pin.specifier
    for line in map(Requirement, RUNTIME):
        assert line.name != pin.name or line.specifier.contains(exact.version)


@pytest.mark.parametrize("spec", RUNTIME + LAB)
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
    for requirement in map(Requirement, {*RUNTIME, *LAB, *DEV} - {"nnlib[lab]"}):
        pin = locked()[canonicalize_name(requirement.name)]
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert requirement.specifier.contains(exact.version), requirement


def test_the_lock_names_all_that_is_needed():
    assert not needed(*RUNTIME, *DEV) - {"nnlib"} - set(locked())


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
    (tmp_path / "jupyter").mkdir()
    (tmp_path / "pyproject.toml").write_text("one")
    (tmp_path / "lock").write_text("one")
    monkeypatch.setattr(tasks, "ROOT", tmp_path)
    monkeypatch.setattr(tasks, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(tasks, "LOCK", tmp_path / "lock")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(tasks, "run", lambda *arguments, **_: commands.append(arguments))
    monkeypatch.setattr(tasks, "run_aloud", lambda *command: commands.append(command))
    monkeypatch.setattr(tasks, "find_spec", lambda name: None)
    return tmp_path, commands


def test_the_environment_is_made_once_and_again_when_the_lock_changed(project):
    folder, commands = project
    tasks.install()
    first = len(commands)
    tasks.install()
    assert len(commands) == first > 0
    (folder / "lock").write_text("two")
    tasks.install()
    second = len(commands)
    assert second > first
    (folder / "jupyter" / "nnlib.json").write_text("{}")
    tasks.install()
    assert len(commands) > second


def test_installing_says_what_it_does(project, capsys):
    tasks.install()
    making, installing = capsys.readouterr().out.splitlines()
    assert "making" in making
    assert "installing" in installing


PIP_SAYS = """\
import sys
print("Collecting numpy")
print("  Downloading numpy-2.1.3-cp311-cp311-win_amd64.whl.metadata (62 kB)")
print("Downloading numpy-2.1.3-cp311-cp311-win_amd64.whl (12.9 MB)")
print("Using cached tqdm-4.66.0-py3-none-any.whl (78 kB)")
print("Using cached jupyterlab-4.6.6-py3-none-any.whl (12.4 MB)")
print("Installing collected packages: numpy, tqdm, jupyterlab")
print("WARNING: one folder is ignored", file=sys.stderr)
"""
PIP_FAILS = """\
import sys
print("Collecting numpy")
sys.stdout.flush()
print("ERROR: no such version", file=sys.stderr)
print("of what it is not", file=sys.stderr)
sys.exit(2)
"""


def test_of_what_pip_says_the_news_are_passed_on(capsys):
    tasks.run_aloud(sys.executable, "-c", PIP_SAYS)
    assert capsys.readouterr().out.splitlines() == [
        "  numpy, 12.9 MB ...",
        "  jupyterlab, 12.4 MB ...",
        "  unpacking 3 packages ...",
    ]


def test_when_pip_fails_all_that_it_says_is_passed_on(capsys):
    with pytest.raises(subprocess.CalledProcessError):
        tasks.run_aloud(sys.executable, "-c", PIP_FAILS)
    assert capsys.readouterr().out == "ERROR: no such version\nof what it is not\n"


def course_in_this_python(monkeypatch, folder, *others):
    """Let the Python that runs the tasks have the course of this folder, and other packages."""
    spec = ModuleSpec("nnlib", None, origin=str(folder / "nnlib" / "__init__.py"))
    found = {"nnlib": spec} | dict.fromkeys(others, spec)
    monkeypatch.setattr(tasks, "find_spec", found.get)


def test_a_python_that_has_the_course_opens_it_without_another(project, monkeypatch):
    folder, commands = project
    course_in_this_python(monkeypatch, folder, "jupyterlab")
    assert tasks.python_with_course() == Path(sys.executable)
    assert not commands


def test_a_python_that_has_another_course_or_no_jupyterlab_is_not_taken(project, monkeypatch):
    folder, commands = project
    course_in_this_python(monkeypatch, folder / "another", "jupyterlab")
    assert tasks.python_with_course() == tasks.python_of(tasks.VENV)
    assert commands
    course_in_this_python(monkeypatch, folder)
    assert tasks.python_with_course() == tasks.python_of(tasks.VENV)


def test_the_project_s_own_environment_is_kept_up_to_date(project, monkeypatch):
    folder, commands = project
    course_in_this_python(monkeypatch, folder, "jupyterlab")
    monkeypatch.setattr(sys, "prefix", str(tasks.VENV))
    tasks.python_with_course()
    assert commands


def lesson(*sources):
    """A notebook with one cell of text and an answered cell for each of these sources."""
    answered = [nbformat.v4.new_code_cell(one, execution_count=1) for one in sources]
    for cell in answered:
        cell.outputs = [nbformat.v4.new_output("stream", text="the answer")]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Predict, σ."), *answered])


def test_work_is_never_overwritten(project):
    folder, _ = project
    nbformat.write(lesson("new"), folder / "notebooks" / "00_a.ipynb")
    tasks.copy_notebooks(folder / "notebooks", folder / "work")
    (folder / "work" / "00_a.ipynb").write_text("mine")
    nbformat.write(lesson("new"), folder / "notebooks" / "01_b.ipynb")
    tasks.copy_notebooks(folder / "notebooks", folder / "work")
    assert sorted(path.name for path in (folder / "work").iterdir()) == ["00_a.ipynb", "01_b.ipynb"]
    assert (folder / "work" / "00_a.ipynb").read_text() == "mine"


def test_a_student_meets_no_answer_and_folded_imports(project):
    folder, _ = project
    stored, copied = (folder / kind / "00_a.ipynb" for kind in ("notebooks", "work"))
    nbformat.write(lesson("import numpy", "1 + 1", "2 + 2"), stored)
    before = stored.read_bytes()
    tasks.copy_notebooks(stored.parent, copied.parent)
    assert stored.read_bytes() == before
    there, here = (nbformat.read(path, as_version=4) for path in (stored, copied))
    nbformat.validate(here)
    assert [cell.source for cell in here.cells] == [cell.source for cell in there.cells]
    imports, *codes = [cell for cell in here.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in (imports, *codes))
    assert imports.metadata.jupyter.source_hidden
    assert not any(cell.metadata for cell in codes)


def test_a_copy_that_breaks_off_is_begun_again(project, monkeypatch):
    folder, _ = project
    nbformat.write(lesson("1 + 1"), folder / "notebooks" / "00_a.ipynb")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tasks.copy_notebooks(folder / "notebooks", folder / "work")
    tasks.copy_notebooks(folder / "notebooks", folder / "work")
    assert [path.name for path in (folder / "work").iterdir()] == ["00_a.ipynb"]


@pytest.mark.parametrize(
    "error", [subprocess.CalledProcessError(1, "fetch"), subprocess.TimeoutExpired("fetch", 1)]
)
def test_the_lab_opens_without_mnist(project, monkeypatch, capsys, error):
    _, commands = project

    def run(*arguments, **_):
        if tasks.FETCH_QUIETLY in arguments:
            raise error
        commands.append(arguments)

    monkeypatch.setattr(tasks, "run", run)
    monkeypatch.setenv("NNLIB_MNIST", "")
    monkeypatch.setenv("LAB_ARGS", "--no-browser --port 7777")
    tasks.lab()
    assert "bundled digits" in capsys.readouterr().out
    assert commands[-1][-4:] == ("--no-browser", "--port", "7777", "work")


def test_without_network_fetching_for_the_lab_is_silent(tmp_path):
    command = [sys.executable, "-c", tasks.FETCH_QUIETLY]
    env = os.environ | everywhere.NO_NETWORK | {"NNLIB_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_clean_keeps_work(project):
    folder, _ = project
    (folder / "work").mkdir()
    tasks.clean()
    assert sorted(path.name for path in folder.iterdir()) == [
        "jupyter",
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
