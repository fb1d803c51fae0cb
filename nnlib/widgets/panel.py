"""What panels share: controls, one picture, the state in words, a line for errors, its code."""

import asyncio
import html
from asyncio import TimerHandle
from base64 import b64encode
from collections.abc import Callable, Mapping
from threading import RLock
from time import monotonic
from typing import Any

import ipywidgets

from nnlib.plots.canvas import png, style
from nnlib.plots.kept import FULL, ROUGH, KeptFigure
from nnlib.widgets.page import by_hand, inside, live, unseen
from nnlib.words import minus

REST = 0.15  # seconds without a change, after which a panel is at rest
SOON = 0.005  # seconds in which the page is heard before a frame is drawn
WHOLE = "calc(100% - 4px)"  # of the width there is, between a widget's margins
CODE = """\
from {module} import {name}

found = {call}
for name, value in found._asdict().items():
    print(name, "=", value)
"""
WIDEST = 90  # characters of a call on one line
PIXELS = 100  # of the page for an inch of the figure, so that 12 points are 12 points or more


class Panel:
    """Controls that move one picture.

    A panel names its experiment: ``measure`` is a plain function from the controls' values to a
    NamedTuple of what was found. ``draw(figure, found)`` only draws that, on the cleared figure,
    and returns its meaning in words; ``code`` is the call of the experiment. Whatever a control
    sets off goes through ``refresh``: an exception becomes a line under the last good picture, and
    the next good change clears it. The first picture is drawn by the cell that makes the panel, and
    an exception is that cell's.

    A change is drawn at once. While a hand moves on, a kernel draws frames at half the resolution
    instead, each of where the controls then are, and the full picture when they rest.

    controls        what ``measure`` takes, each with a description, which is its label.
    width, height   of the figure, in inches; it is shown at a hundred pixels an inch.
    margins         of the figure, as shares of it: left, right, bottom, top, wspace. Without them
                    room is made for whatever is drawn, which takes as long as drawing it.

    >>> from nnlib.experiments.lesson_00 import tangent
    >>> class Point(Panel):
    ...     measure = staticmethod(tangent)
    ...     def draw(self, figure, found):
    ...         figure.gca().plot(found.z, found.p, "o")
    ...         return f"The sigmoid of {found.z:g} is {found.p:g}."
    >>> slider = ipywidgets.FloatSlider(3, min=-6, max=6, description="z")
    >>> panel = Point({"z": slider}, width=8, height=4)
    >>> panel.controls["z"].value = 0
    >>> panel.words.value
    'The sigmoid of 0 is 0.5.'
    >>> exec(panel.as_code.value)
    z = 0.0
    p = 0.5
    slope = 0.25
    """

    measure: Callable[..., Any]  # a static method: a plain function that the code can import

    def __init__(
        self,
        controls: Mapping[str, Any],
        *,
        width: float,
        height: float,
        margins: Mapping[str, float] | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.figure, self.lock = KeptFigure(width, height, arranged=margins is None), RLock()
        self.margins = margins
        self.error: BaseException | None = None
        self.next: TimerHandle | None = None  # the drawing to come
        self.rough, self.frame_due = False, False  # whether the picture is rough, or one is to come
        # of a fixed width, for a box would stretch and so blur it; narrower where the page is
        fixed = {"width": f"{round(PIXELS * width)}px", "max_width": WHOLE}
        self.image = ipywidgets.Image(format="png")
        self.image.layout = ipywidgets.Layout(**fixed, height="auto")
        self.words = ipywidgets.HTML().add_class("nnlib-words")
        self.message = ipywidgets.HTML().add_class("nnlib-message")
        self.as_code = ipywidgets.Textarea(layout=ipywidgets.Layout(**fixed))
        for control in self.controls.values():
            control.observe(lambda change: self.follow(), "value")
        self.box = self.layout().add_class("nnlib-panel")
        self.box.children += (unseen(),)
        self.show()
        self.rested = monotonic()  # the end of the last drawing

    def layout(self) -> Any:
        """Controls above the picture, its meaning and errors below it, the code folded."""
        rows = [row(*self.controls.values()), self.image, self.words, self.message, self.folded()]
        return ipywidgets.VBox(rows)

    def folded(self) -> Any:
        """The code, out of the way until its button is pressed: an accordion obeys no key."""
        button = ipywidgets.ToggleButton(description="this state as code", icon="code")
        button.layout = ipywidgets.Layout(width="auto", align_self="flex-start")

        def unfold(change: Any = None) -> None:
            self.as_code.layout.display = "flex" if button.value else "none"

        button.observe(unfold, "value")
        unfold()
        return ipywidgets.VBox([button, self.as_code])

    def values(self) -> dict[str, Any]:
        """What the controls say now; a slider's steps add up to 1.5000000000000009 in a browser."""
        values = {name: control.value for name, control in self.controls.items()}
        return {k: float(f"{v:.12g}") if type(v) is float else v for k, v in values.items()}

    def draw(self, figure: Any, found: Any) -> str:
        """Draw what was found on the cleared figure; return what it shows, in words."""
        raise NotImplementedError

    def code(self, **values: Any) -> str:
        """Lines that find the same in a fresh kernel, and print it."""
        name = self.measure.__name__
        return CODE.format(module=self.measure.__module__, name=name, call=call(name, **values))

    def follow(self) -> None:
        """Draw what a control was set to: at once, or soon where a hand moves on.

        Frames that the hand has overtaken are left out, for the page is heard before each.
        """
        if event_loop() is None or not by_hand(self.box) or monotonic() > self.rested + REST:
            self.refresh()
        elif not self.frame_due:
            self.after(SOON, self.frame)
            self.frame_due = True

    def frame(self) -> None:
        """A picture on the way, and the full one if nothing follows."""
        self.refresh(rough=True)
        self.after(REST, self.refresh)

    def after(self, seconds: float, draw: Callable[[], None]) -> None:
        """Draw once the page has been heard for so long, instead of what was to come before."""
        self.wait()
        self.next = asyncio.get_running_loop().call_later(seconds, self.draw_then, draw)

    def draw_then(self, draw: Callable[[], None]) -> None:
        """A drawing whose time has come. An interrupt is told: a loop that it left would end."""
        if self.box.comm is None:  # closed in the meantime
            return
        try:
            draw()
        except KeyboardInterrupt as stopped:
            self.say(stopped)

    def wait(self) -> None:
        """Let nothing come by itself."""
        self.frame_due = False
        if self.next is not None:
            self.next.cancel()

    def close(self) -> None:
        """Take the panel off the page: nothing comes any more."""
        self.wait()
        for widget in list(inside(self.box)):
            widget.close()

    def refresh(self, *, rough: bool = False) -> None:
        """Draw for the controls' values, or say in the panel why that failed.

        An interrupt is no failure of the panel: it goes on to the user.
        """
        self.wait()
        before = self.words.value
        try:
            self.show(rough=rough)
            self.error, self.message.value = None, ""
        except BaseException as error:
            self.words.value = before
            if not isinstance(error, Exception):
                raise
            self.say(error)
        finally:
            self.rested = monotonic()

    def show(self, *, rough: bool = False) -> None:
        """Draw for the controls' values.

        Nothing is shown before all of it is there: picture, words and code always belong together.
        """
        with self.lock:
            values = self.values()
            self.figure.clear()
            self.figure.set_dpi(ROUGH if rough else FULL)
            if self.margins is not None:
                self.figure.subplots_adjust(**self.margins)
            found = self.measure(**values)
            if not hasattr(found, "_asdict"):
                raise TypeError(
                    f"{type(self).__name__}: measure must return a NamedTuple; got "
                    f"{type(found).__name__}. Give a name to each thing that it finds."
                )
            with style():
                words = minus(html.escape(self.draw(self.figure, found)))
            self.present(found, words, png(self.figure), self.code(**values))
            self.rough = rough

    def present(self, found: Any, words: str, picture: bytes, code: str) -> None:
        """Put all that is shown into its place."""
        self.image.value, self.words.value = picture, words
        self.as_code.value, self.as_code.rows = code, code.count("\n") + 1

    def say(self, error: BaseException) -> None:
        """The exception in one line, in the panel: nobody sees what a callback raises elsewhere."""
        self.error = error
        text = html.escape(f"{type(error).__name__}: {error}")
        self.message.value = f'<b style="color: #B00020">{text}</b>'

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live panel where widgets work, the present picture elsewhere, else its name."""
        if self.rough:
            self.refresh()
        data, metadata = live(self.box, **options)
        picture = b64encode(self.image.value).decode()
        return data | {"image/png": picture, "text/plain": f"<{type(self).__name__}>"}, metadata


def call(name: str, *variables: str, **values: Any) -> str:
    """A call as code, of variables and of values by name; a long one has a line for each.

    >>> call("softmax", "z", axis=-1)
    'softmax(z, axis=-1)'
    """
    given = [*variables, *(f"{argument}={value!r}" for argument, value in values.items())]
    line = f"{name}({', '.join(given)})"
    if len(line) <= WIDEST:
        return line
    return "\n".join([f"{name}(", *(f"    {argument}," for argument in given), ")"])


def event_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of a kernel, which between two callbacks hears what the page says; else None.

    >>> event_loop() is None
    True
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def row(*widgets: Any) -> Any:
    """Widgets side by side, or in more rows where there is no room, each with its whole label.

    >>> row(ipywidgets.IntSlider(description="learning rate")).children[0].style.description_width
    'initial'
    """
    for widget in widgets:
        widget.layout.max_width = WHOLE
        if widget.has_trait("style") and widget.has_trait("description"):
            widget.style.description_width = "initial"
    return ipywidgets.HBox(widgets, layout=ipywidgets.Layout(flex_flow="row wrap"))
