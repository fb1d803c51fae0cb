"""An extension of Jupyter's server: a lesson that was opened, but not changed, is saved as it was.

In every notebook that it opens JupyterLab notes what it calls the kernel, Python's exact version,
and the state of all widgets, even of none; and it saves on its own. Git would see a change in each
lesson that was only looked at. The folder `jupyter/` beside nnlib holds what switches this on in
an environment, and what JupyterLab is to remember there: the widgets of a notebook, so that panels
have their pictures when it is opened again.
"""

from typing import Any

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python"}


def as_built(model: dict[str, Any], **_: Any) -> None:
    """Give a lesson that is about to be saved the metadata with which it was built.

    A kernel of another name was chosen by whoever saves, and the state of widgets that ran is
    wanted: both stay.

    >>> metadata = {"lesson": "5f0c", "kernelspec": KERNEL | {"display_name": "Python 3.11"}}
    >>> as_built({"type": "notebook", "content": {"metadata": metadata}})
    >>> metadata["kernelspec"]["display_name"]
    'Python 3'
    """
    metadata = model["content"]["metadata"] if model["type"] == "notebook" else {}
    if "lesson" not in metadata:
        return
    if metadata.get("kernelspec", KERNEL)["name"] == KERNEL["name"]:
        metadata |= {"kernelspec": KERNEL, "language_info": LANGUAGE}
    if not any(kind["state"] for kind in metadata.get("widgets", {}).values()):
        metadata.pop("widgets", None)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What the server asks a module that its configuration names."""
    return [{"module": "nnlib.jupyter"}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Join those who see a notebook before it is saved."""
    app.contents_manager.register_pre_save_hook(as_built)
