"""Controls over chosen values, which take another value too."""

from collections.abc import Iterable
from typing import Any

import ipywidgets

from nnlib.widgets.panel import row
from nnlib.words import short

FORMS = ["standard", "lr_inside", "ema"]
SHARES = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999]
CHOICES = {"eps": [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2], "weight_decay": [0.0, 0.001, 0.01, 0.1]}


def choice(values: Iterable[float], value: float, description: str = "") -> Any:
    """A slider over chosen numbers, each written out as it is.

    >>> choice([1e-8, 0.5], 0.25).options
    (('10⁻⁸', 1e-08), ('0.25', 0.25), ('0.5', 0.5))
    """
    slider = ipywidgets.SelectionSlider(options=written({*values, value}), value=value)
    slider.description = description
    return slider


def written(values: Iterable[float]) -> list[tuple[str, float]]:
    """Numbers in order, each with its text."""
    return [(short(v, 3).replace(".0·", "·").removeprefix("1·"), v) for v in sorted(values)]


def choose(control: Any, value: Any) -> None:
    """Set a control, to a number that it did not offer too.

    >>> slider = choice([1.0, 2.0], 1.0)
    >>> choose(slider, 1.5)
    >>> slider.value, len(slider.options)
    (1.5, 3)
    """
    offered = getattr(control, "_options_values", [value])
    if value not in offered:
        slides = isinstance(control, ipywidgets.SelectionSlider)
        control.options = written({*offered, value}) if slides else sorted([*offered, value])
    control.value = value


def setting_control(name: str, default: Any) -> Any:
    """The control of a rule's setting, by what its default is.

    >>> type(setting_control("nesterov", False)).__name__, setting_control("eps", 1e-8).value
    ('Checkbox', 1e-08)
    """
    label = name.replace("_", " ")
    if isinstance(default, bool):
        return tick(label, default)
    if isinstance(default, str):
        return ipywidgets.Dropdown(options=FORMS, value=default, description=label)
    return choice(CHOICES.get(name, SHARES), default, label)


def tick(description: str, value: bool) -> Any:
    """A box to tick."""
    return ipywidgets.Checkbox(value, description=description, indent=False)


def stacked(*widgets: Any) -> Any:
    """Widgets one below the other."""
    return ipywidgets.VBox([row(widget) for widget in widgets])
