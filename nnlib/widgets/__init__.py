"""Panels: controls that move one picture. They hold no mathematics."""

from importlib.util import find_spec

if find_spec("ipywidgets") is None:
    raise ImportError(
        "Panels need ipywidgets: pip install ipywidgets. "
        "Their pictures are plain functions in nnlib.plots."
    )
