"""What all panels share: controls, one picture, the state in words, a line for errors, the state as code."""

import html
from base64 import b64encode
from collections.abc import Mapping
from threading import RLock
from typing import Any

try:
    import ipywidgets
except ImportError as error:
    raise ImportError(
        "Panels need ipywidgets: pip install ipywidgets. Their pictures are plain functions in nnlib.plots."
    ) from error

from nnlib.plots.canvas import new_figure, png


class Panel:
    """Controls that move one picture.

    A panel supplies ``draw(figure, **values)``, which draws for the controls' values and returns their meaning in
    words, and ``code(**values)``, the lines that reproduce the picture's numbers without the panel. Whatever a
    control sets off goes through ``refresh``: an exception becomes a line under the picture, and the next good
    change clears it.

    >>> class Square(Panel):
    ...     def draw(self, figure, x):
    ...         figure.gca().plot([0, x], [0, x * x])
    ...         return f"{x} squared is {x * x}"
    ...     def code(self, x):
    ...         return f"x = {x}; print(x * x)"
    >>> panel = Square({"x": ipywidgets.IntSlider(3, 0, 9)}, width=8, height=4)
    >>> panel.controls["x"].value = 4
    >>> panel.words.value
    '4 squared is 16'
    """

    def __init__(self, controls: Mapping[str, Any], *, width: float, height: float) -> None:
        self.controls = dict(controls)
        self.figure, self.lock = new_figure(width, height), RLock()
        self.image = ipywidgets.Image(format="png", width=f"{round(width * 100)}px")
        self.image.layout = ipywidgets.Layout(width=f"{round(width * 100)}px", object_fit="contain")
        self.words, self.message = ipywidgets.HTML(), ipywidgets.HTML()
        self.words.add_class("nnlib-words")
        self.message.add_class("nnlib-message")
        self.as_code = ipywidgets.Textarea(
            layout=ipywidgets.Layout(width="100%", height="7em"), disabled=False
        )
        self.box = self.layout()
        for control in self.controls.values():
            control.observe(lambda change: self.refresh(), "value")
        self.refresh()

    def layout(self) -> Any:
        """Controls in rows above the picture, its meaning and errors below it, the code folded."""
        controls = ipywidgets.HBox(
            list(self.controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap")
        )
        folded = ipywidgets.Accordion([self.as_code], titles=("this state as code",))
        return ipywidgets.VBox([controls, self.image, self.words, self.message, folded])

    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    def draw(self, figure: Any, **values: Any) -> str:
        """Draw on the cleared figure; return what it shows, in words."""
        raise NotImplementedError

    def code(self, **values: Any) -> str:
        """Lines that reproduce this state in a fresh kernel."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Draw for the controls' values; an exception is told in the panel and leaves the last picture."""
        with self.lock:
            try:
                values = self.values()
                self.figure.clear()
                words = self.draw(self.figure, **values)
                self.image.value = png(self.figure)
                self.words.value, self.as_code.value = html.escape(words), self.code(**values)
                self.message.value = ""
            except Exception as error:
                self.say(error)

    def say(self, error: Exception) -> None:
        """The exception in one line, in the panel: nobody sees what a callback raises elsewhere."""
        text = html.escape(f"{type(error).__name__}: {error}")
        self.message.value = f'<b style="color:#B00020">{text}</b>'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The live panel where widgets work, the present picture elsewhere, its name in a terminal."""
        picture = b64encode(self.image.value).decode()
        live = self.box._repr_mimebundle_(**options) or {}
        return live | {"image/png": picture, "text/plain": f"<{type(self).__name__}>"}
