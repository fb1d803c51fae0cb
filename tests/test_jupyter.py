"""What Jupyter's server does with a lesson that is saved, and that it knows of it."""

import copy
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_core.paths import jupyter_config_path
from jupyter_server.extension.config import ExtensionConfigManager
from jupyterlab_server.settings_utils import _get_overrides

from nnlib import jupyter
from tools import lessons

WIDGETS = "application/vnd.jupyter.widget-state+json"
SETTINGS = "share/jupyter/lab/settings/overrides.d/nnlib.json"
LAB_WROTE = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "version": "3.12.1", "pygments_lexer": "ipython3"},
    "widgets": {WIDGETS: {"state": {}, "version_major": 2, "version_minor": 0}},
}


def saved(metadata):
    """The metadata of a notebook after the hook."""
    model = {"type": "notebook", "content": {"metadata": copy.deepcopy(metadata)}}
    jupyter.as_built(model=model, path="a.ipynb", contents_manager=None)
    return model["content"]["metadata"]


@pytest.mark.parametrize("path", sorted(lessons.NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_lesson_that_was_only_opened_keeps_the_metadata_of_its_build(path):
    built = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert saved(built | LAB_WROTE) == built


def test_a_chosen_kernel_stays():
    chosen = {"lesson": "5f0c", "kernelspec": {"name": "nnlib", "display_name": "nnlib"}}
    assert saved(chosen | {"language_info": {"version": "3.12.1"}})["kernelspec"]["name"] == "nnlib"


def test_the_state_of_widgets_that_ran_stays():
    state = {WIDGETS: {"state": {"id": {"model_name": "ImageModel"}}}}
    assert saved({"lesson": "5f0c", "widgets": state})["widgets"] == state


def test_other_notebooks_and_other_files_are_left_alone():
    assert saved(LAB_WROTE) == LAB_WROTE
    jupyter.as_built(model={"type": "file", "content": "lesson"}, path="a.txt")


def test_the_server_of_this_environment_loads_it():
    manager = ExtensionConfigManager(read_config_path=jupyter_config_path())
    assert manager.get_jpserver_extensions()["nnlib.jupyter"]


def test_it_joins_the_hooks_that_there_are():
    hooks = []
    manager = SimpleNamespace(register_pre_save_hook=hooks.append)
    (point,) = jupyter._jupyter_server_extension_points()
    app = SimpleNamespace(contents_manager=manager)
    sys.modules[point["module"]]._load_jupyter_server_extension(app)
    assert hooks == [jupyter.as_built]


def test_jupyterlab_remembers_widgets_and_asks_about_no_news():
    settings, error = _get_overrides(str(Path(sys.prefix, SETTINGS).parents[1]))
    assert not error
    assert settings["@jupyter-widgets/jupyterlab-manager:plugin"]["saveState"] is True
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
