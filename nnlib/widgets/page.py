"""What a panel needs of the page itself: its style, its keys, and how a front end shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

try:
    from anywidget import AnyWidget
except ImportError:  # what needs it is not shown then, but its state is kept
    AnyWidget = traitlets.HasTraits  # type: ignore[misc, assignment]

VIEW = "application/vnd.jupyter.widget-view+json"
STYLE = """\
<style>
.nnlib-words > *, .nnlib-message > *, .nnlib-card > * { font-size: 16px; line-height: 1.4; }
</style>"""


class Keys(AnyWidget):
    """Keeps a notebook's shortcuts off the panel that this is part of: d d deletes no cell."""

    _esm = Path(__file__).with_name("keys.js").read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return "Keys()"


def unseen() -> Any:
    """The style of a panel, and the guard of its keys where there is one; neither takes room.

    The style is plain HTML, for older widgets have no font size.
    """
    parts = [ipywidgets.HTML(STYLE), Keys()]
    shown = [part for part in parts if isinstance(part, ipywidgets.Widget)]
    return ipywidgets.Box(shown, layout=ipywidgets.Layout(display="none"))


def inside(widget: Any) -> Iterator[Any]:
    """A widget and all widgets in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def by_hand(widget: Any) -> bool:
    """Whether it is the page that sets a part of a widget right now, and not a line of a cell.

    >>> slider, said = ipywidgets.IntSlider(), []
    >>> slider.observe(lambda change: said.append(by_hand(slider)), "value")
    >>> slider.value = 1
    >>> slider.set_state({"value": 2})  # what a message of the page does
    >>> said
    [False, True]
    """
    return any(getattr(part, "_property_lock", None) for part in inside(widget))


def live(widget: Any, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What shows a widget where widgets live: data by kind, and metadata that a front end needs.

    A widget of ipywidgets 7 cannot say what it is shown by; an anywidget within has metadata, from
    which a hosted front end learns where to load it from.

    >>> data, metadata = live(ipywidgets.VBox([ipywidgets.IntSlider()]))
    >>> data[VIEW]["version_major"], metadata
    (2, {})
    """
    bundles = [bundle_of(part, **options) for part in inside(widget)]
    metadata: dict[str, Any] = {}
    for _, more in bundles:
        metadata |= more
    return bundles[0][0], metadata


def bundle_of(widget: Any, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Data and metadata of a single widget; a closed one has none."""
    if not hasattr(widget, "_repr_mimebundle_"):
        view = {"version_major": 2, "version_minor": 0, "model_id": widget._model_id}
        return {VIEW: view}, {}
    bundle = widget._repr_mimebundle_ and widget._repr_mimebundle_(**options)
    return bundle if isinstance(bundle, tuple) else (bundle or {}, {})
