"""A good environment gets one line; each planted fault is seen and told with what mends it."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nnlib.data
from nnlib import environment
from nnlib.environment import check_environment, faults

PYPROJECT = tomllib.loads((environment.HERE.parent / "pyproject.toml").read_text())["project"]


def only_fault():
    """The one fault there is: a sentence in one line."""
    (fault,) = faults()
    assert fault.endswith(".")
    assert "\n" not in fault
    return fault


def fake_distribution(monkeypatch, **changes):
    """Let nnlib's own metadata say something else."""
    real = distribution("nnlib")
    fields = {
        "requires": real.requires,
        "read_text": real.read_text,
        "locate_file": real.locate_file,
    }
    monkeypatch.setattr(environment, "distribution", lambda _: SimpleNamespace(**fields | changes))


# -- all is well -------------------------------------------------------------------------------


def test_a_good_environment_gets_one_line(capsys):
    check_environment()
    assert capsys.readouterr().out == "Everything is there.\n"


def test_the_command_says_the_same():
    command = [sys.executable, "-m", "nnlib.environment"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("Everything is there.\n", "")


def test_importing_it_takes_the_standard_library_alone():
    code = """
import sys
before = set(sys.modules)
import nnlib.environment
new = {name.partition(".")[0] for name in set(sys.modules) - before}
assert new <= set(sys.stdlib_module_names) | {"nnlib"}, new
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_fault_is_printed_on_a_line_of_its_own(monkeypatch, capsys):
    fake_distribution(monkeypatch, requires=["no-such-package>=3", "numpy>=99"])
    check_environment()
    assert len(capsys.readouterr().out.splitlines()) == 2


# -- Python and its packages -------------------------------------------------------------------


def test_python_is_as_the_project_asks():
    assert PYPROJECT["requires-python"] == ">=" + ".".join(map(str, environment.OLDEST_PYTHON))


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 1))
    assert "needs 99.1 or newer" in only_fault()
    assert "`conda env create -f environment.yml`" in only_fault()


def test_nnlib_not_installed(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "distribution", distribution)
    assert "not installed in this Python" in only_fault()
    assert f'`python -m pip install -e "{environment.HERE.parent}"`' in only_fault()


def direct_url(folder, editable=True):
    """What pip notes beside a package about where it came from."""
    text = json.dumps({"url": Path(folder).as_uri(), "dir_info": {"editable": editable}})
    return lambda name: text if name == "direct_url.json" else None


def test_nnlib_installed_from_another_folder(monkeypatch, tmp_path):
    (tmp_path / "a copy" / "nnlib").mkdir(parents=True)
    fake_distribution(monkeypatch, read_text=direct_url(tmp_path / "a copy"))
    assert f"from {tmp_path / 'a copy' / 'nnlib'}, but imported from {environment.HERE}" in (
        only_fault()
    )
    assert "pip install -e" in only_fault()


def test_nnlib_installed_from_a_folder_that_is_gone(monkeypatch, tmp_path):
    fake_distribution(monkeypatch, read_text=direct_url(tmp_path / "gone"))
    assert "pip install -e" in only_fault()


@pytest.mark.parametrize("note", [lambda _: None, direct_url("/elsewhere", editable=False)])
def test_nnlib_installed_among_other_packages_is_as_good(monkeypatch, note):
    folder = environment.HERE.parent
    fake_distribution(monkeypatch, read_text=note, locate_file=lambda name: folder / name)
    assert not faults()


def test_a_package_that_is_not_installed(monkeypatch):
    fake_distribution(monkeypatch, requires=["numpy>=2.0", "no-such-package<4,>=3"])
    wanted = 'no-such-package is not installed: run `python -m pip install "no-such-package<4,>=3"`'
    assert wanted in only_fault()


def test_a_package_of_another_version(monkeypatch):
    fake_distribution(monkeypatch, requires=["numpy>=99.0"])
    assert f"numpy {np.__version__} does not fit" in only_fault()
    assert '`python -m pip install "numpy>=99.0"`' in only_fault()


def test_optional_packages_and_those_of_other_systems_are_not_asked_for(monkeypatch):
    optional = ['no-such-package; extra == "dev"', 'no-such-package; sys_platform == "amiga"']
    fake_distribution(monkeypatch, requires=optional)
    assert not faults()


def test_missing_packages_are_told_where_versions_cannot_be_compared(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    requires = ["numpy>=2.0", "no-such-package<4,>=3", 'another; extra == "dev"']
    fake_distribution(monkeypatch, requires=requires)
    assert '`python -m pip install "no-such-package<4,>=3"`' in only_fault()


@pytest.mark.parametrize("name", ["jupyter_client.kernelspec", "jupyter_core.paths"])
def test_a_jupyterlab_that_lacks_its_own_parts_speaks_for_itself(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    assert not faults()


# -- Jupyter -----------------------------------------------------------------------------------


@pytest.fixture
def in_a_notebook(monkeypatch):
    """Whoever asks hears that this is a notebook's kernel."""
    shell = SimpleNamespace(kernel="a kernel")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.mark.usefixtures("in_a_notebook")
def test_in_a_notebook_packages_go_into_its_own_python(monkeypatch):
    fake_distribution(monkeypatch, requires=["no-such-package"])
    assert '`%pip install "no-such-package"` in a cell, then restart the kernel' in only_fault()


@pytest.mark.usefixtures("in_a_notebook")
@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
@pytest.mark.parametrize("site", ["lib/python3.11/site-packages", "Lib/site-packages"])
def test_a_notebook_outside_the_environment_that_has_nnlib(monkeypatch, tmp_path, variable, site):
    (tmp_path / site / "nnlib-1.0.0.dist-info").mkdir(parents=True)
    (tmp_path / site / "nnlib-1.0.0.dist-info" / "METADATA").write_text("Name: nnlib\n")
    monkeypatch.setenv(variable, str(tmp_path))
    assert not faults()
    here = environment.distributions
    monkeypatch.setattr(
        environment,
        "distributions",
        lambda **where: here(**where) if "path" in where else iter(()),
    )
    assert f"does not run in {tmp_path}" in only_fault()
    assert "choose nnlib as the notebook's kernel" in only_fault()


def kernel_spec(folder, python):
    """Tell Jupyter, in a folder, to start this program for a notebook."""
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    spec = {"argv": [python, "-m", "ipykernel_launcher"], "display_name": "3", "language": "python"}
    (place / "kernel.json").write_text(json.dumps(spec))


def test_notebooks_that_start_another_python(monkeypatch, tmp_path):
    kernel_spec(tmp_path, "/elsewhere/bin/python")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert f"Notebooks run in {Path('/elsewhere/bin/python')}" in only_fault()
    assert "`python -m ipykernel install --user`" in only_fault()
    monkeypatch.setattr(environment.sys, "prefix", str(tmp_path))
    assert "`python -m ipykernel install --sys-prefix`" in only_fault()


@pytest.mark.parametrize("python", ["python", "python3", sys.executable])
def test_notebooks_that_start_this_python(monkeypatch, tmp_path, python):
    kernel_spec(tmp_path, python)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert not faults()


def test_no_sliders(monkeypatch, tmp_path):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda _: [str(tmp_path)])
    assert "sliders" in only_fault()
    assert '`python -m pip install --force-reinstall "jupyterlab_widgets"`' in only_fault()


@pytest.fixture
def broken_lab(monkeypatch, tmp_path):
    """A JupyterLab that starts another Python and has no sliders."""
    kernel_spec(tmp_path, "/elsewhere/bin/python")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    assert "Notebooks run in" in only_fault()


@pytest.mark.usefixtures("broken_lab")
@pytest.mark.parametrize("front_end", ["VS Code", "Colab", "something else"])
def test_the_faults_of_jupyterlab_are_none_where_something_else_shows_notebooks(
    monkeypatch, front_end
):
    if front_end == "VS Code":
        monkeypatch.setenv("VSCODE_PID", "4711")
    elif front_end == "Colab":
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    else:
        here = environment.distributions
        monkeypatch.setattr(
            environment,
            "distributions",
            lambda **which: iter(()) if which.get("name") == "jupyterlab" else here(**which),
        )
    assert not faults()


# -- numbers and data --------------------------------------------------------------------------


def test_numpy_that_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert '`python -m pip install --force-reinstall "numpy"`' in only_fault()


def test_numpy_that_is_missing_is_told_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setattr(environment, "distributions", lambda **_: iter(()))
    fake_distribution(monkeypatch, requires=["no-such-package"])
    assert "no-such-package" in only_fault()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("wrong", [1.001, np.nan])
def test_a_wrong_matrix_product(monkeypatch, dtype, wrong):
    factor = {dtype: wrong}
    monkeypatch.setattr(
        environment, "product", lambda a: a @ a.T * a.dtype.type(factor.get(a.dtype.name, 1))
    )
    assert f"NumPy multiplies {dtype} matrices wrongly" in only_fault()
    assert '`python -m pip install --upgrade "numpy"`' in only_fault()


def test_a_false_alarm(monkeypatch):
    monkeypatch.setattr(environment, "product", lambda a: a / np.zeros(1))
    assert "false alarms (divide by zero encountered" in only_fault()
    assert '`python -m pip install --upgrade "numpy"`' in only_fault()


@pytest.mark.parametrize("content", [None, b"altered"])
@pytest.mark.parametrize(("git", "how"), [(True, "`git checkout nnlib/assets`"), (False, "copy")])
def test_digits_that_are_not_as_they_were(monkeypatch, tmp_path, content, git, how):
    digits, real = tmp_path / "digits.npz", Path.exists
    if content:
        digits.write_bytes(content)
    monkeypatch.setattr(nnlib.data, "DIGITS", digits)
    monkeypatch.setattr(Path, "exists", lambda path: git if path.name == ".git" else real(path))
    assert "digits are missing or altered" in only_fault()
    assert how in only_fault()
