"""The panel of lesson 04: a race of all update rules, which a referee would accept."""

import html
from typing import Any

import ipywidgets

from nnlib.experiments.commentary import comments
from nnlib.experiments.equations import update
from nnlib.experiments.race import Race, Setting, as_code, as_text, from_text, race
from nnlib.plots.race import names, scene, tracks
from nnlib.plots.race_fields import ground_picture
from nnlib.plots.race_picture import draw_scene
from nnlib.plots.race_views import VIEWS, inset
from nnlib.widgets.panel import Panel, row
from nnlib.widgets.race_canvas import RaceCanvas
from nnlib.widgets.race_controls import TUNED, RaceControls

CURVES = [("loss", "loss"), ("length of gradient", "norm")]


class RacePanel(Panel):
    """All update rules on one ground, from one start, with equally many gradients.

    The race plays on a canvas in the page, where the start is set by a click, a finger or the arrow
    keys; words and formula follow when it rests. Where no canvas can be, the same is drawn as a
    picture at each step.

    setting   the race that is shown first; None: all rules in the ravine at their tuned rates.
    canvas    whether there may be one.

    >>> panel = RacePanel()
    >>> panel.controls["rates"].value
    'tuned'
    >>> panel.words.value[:16]
    'After step 200:<'
    """

    measure = staticmethod(race)

    def __init__(self, setting: Setting | None = None, *, canvas: bool = True) -> None:
        self.canvas, self.own = RaceCanvas(), RaceControls()
        self.live = canvas and isinstance(self.canvas, ipywidgets.Widget)
        self.pictured = not self.live
        if setting is None:
            self.own.all["rates"].value = TUNED
        else:
            self.own.put(setting)
        self.canvas.value = self.own.all["steps"].value
        self.formula = ipywidgets.HTMLMath().add_class("nnlib-formula")
        self.formula.layout.width = "100%"
        self.notice = ipywidgets.HTML().add_class("nnlib-words")
        self.text = ipywidgets.Text(description="state, to copy or paste", continuous_update=False)
        menu = ipywidgets.Dropdown
        seen = {
            "curve": menu(options=CURVES, description="curve"),
            "view": menu(options=list(VIEWS), description="view"),
            "step": self.canvas,
        }
        below = 1.4 if self.live else 0.0  # inches for words, where the picture is by itself
        margins = {"left": 0.07, "right": 0.77, "wspace": 0.37, "hspace": 0.5, "top": 0.93}
        margins["bottom"] = (below + 0.6) / (below + 5.2)
        self.own.all["preset"].observe(lambda change: self.go_to_start(), "value")
        super().__init__(self.own.all | seen, width=9.0, height=below + 5.2, margins=margins)
        self.canvas.observe(lambda change: self.begin_at(*change["new"]), "start")
        self.text.observe(lambda change: self.paste(change["new"]), "value")

    # -- what stands where ------------------------------------------------------------------------

    def layout(self) -> Any:
        """What is set on the left, what is seen on the right; menus above, formula below."""
        widths = {"preset": 360, "curve": 210, "view": 210, "looked": 230}
        for name, width in widths.items():
            self.controls[name].layout.width = f"{width}px"
        seen = [self.canvas] if self.live else [self.image, self.player()]
        right = ipywidgets.VBox([*seen, self.notice, self.words, self.message])
        right.layout = ipywidgets.Layout(flex="1 1 545px", min_width="0")
        both = ipywidgets.HBox([self.own.column(), right])
        both.layout = ipywidgets.Layout(flex_flow="row wrap")
        menus = row(*(self.controls[name] for name in widths))
        self.text.layout.width = "100%"
        return ipywidgets.VBox([menus, both, self.formula, row(self.text), self.folded()])

    def player(self) -> Any:
        """What plays the pictures where there is no canvas."""
        at, last = self.canvas.value, self.controls["steps"].options[-1]
        slider = ipywidgets.IntSlider(at, 0, last, description="step")
        play = ipywidgets.Play(value=at, max=last, step=5, interval=200, description="play")
        for one in (slider, play):
            ipywidgets.link((one, "value"), (self.canvas, "value"))
        return row(play, slider)

    # -- what can be done besides moving a control ------------------------------------------------

    def put(self, setting: Setting) -> None:
        """Show another race."""
        self.own.put(setting)
        self.refresh()

    def paste(self, text: str) -> None:
        """Show the race that someone has written down, or say why there is none."""
        if not self.own.held:
            self.own.attempt(lambda: self.own.put(from_text(text)))
            self.refresh()

    def begin_at(self, x: float, y: float) -> None:
        """Start from the place that was chosen on the map."""
        if (x, y) != self.own.setting().start:
            self.own.attempt(lambda: self.own.move_start(x, y))
            self.refresh()

    def go_to_start(self) -> None:
        """Show a preset from its first step."""
        if not self.own.held:
            with self.own.holding():
                self.canvas.value = 0

    def refresh(self, *, rough: bool = False) -> None:
        """As in every panel, but not while a control sets others."""
        if not self.own.held:
            super().refresh(rough=rough)

    # -- what is seen -----------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """The race that the controls ask for.

        Errors   what a control that was moved before could not do.
        """
        trouble, self.own.trouble = self.own.trouble, None
        if trouble is not None:
            raise trouble
        return {"setting": self.own.setting()}

    def scene(self, found: Race) -> dict[str, Any]:
        """The race as it is shown."""
        curve, view = self.controls["curve"].value, self.controls["view"].value
        return scene(found, curve=curve, view=VIEWS[view](found, self.own.looked()))

    def step(self, found: Race) -> int:
        """The step that is shown."""
        return min(self.canvas.value, found.setting.steps)

    def draw(self, figure: Any, found: Race) -> str:
        step = self.step(found)
        who = "\n".join(one.words for one in comments(found, step))
        if self.pictured:
            below = who if self.live else ""  # else the panel says so itself
            draw_scene(self.scene(found), found, step, words=below, figure=figure)
        return f"After step {step}:\n{who}"

    def present(self, found: Race, words: str, picture: bytes, code: str) -> None:
        shown = self.scene(found)
        self.canvas.put(
            scene=shown,
            tracks=tracks(found, shown["channels"]),
            ground=ground_picture(found.setting.ground, found.setting.kappa),
            inset=inset(shown["view"]),
            start=list(found.setting.start),
        )
        super().present(found, words.replace("\n", "<br>"), picture, code)
        self.own.show()
        self.notice.value = self.noticed(found)
        self.formula.value = self.equations(found)
        with self.own.holding():
            self.text.value = as_text(found.setting)

    def noticed(self, found: Race) -> str:
        """What there is to notice, once the race has begun; before, who is first is a bet."""
        if budget := self.own.budget():
            return f"<b>Tuned by</b> {budget}"
        notice = html.escape(self.own.notice())
        if notice and not self.step(found):
            return "<b>Who will be first?</b> Play."
        return f"<b>Notice</b> {notice}" if notice else ""

    def equations(self, found: Race) -> str:
        """The update that the rule looked at makes at this step, with its numbers, as HTML."""
        looked = self.own.looked()
        if looked is None or not found.runs[looked].ended:
            return ""
        run, name = found.runs[looked], names(self.own.setting().runners)[looked]
        if run.beside:
            own = f"Each of {run.beside.size} weights has an update of its own"
            return f"<b>{own}; x and y are none of them.</b>"
        step = min(self.step(found), int(run.ended) - 1)
        columns = []
        for axis, coordinate in enumerate("xy"):
            lines = [html.escape(line.tex()) for line in update(run, step, axis)]
            body = "".join(f"<div>${line}$</div>" for line in lines)
            head = f"<b>Step {step + 1} of {name}, coordinate {coordinate}</b>"
            columns.append(f"<div>{head}{body}</div>")
        style = "display: flex; flex-wrap: wrap; gap: 0 48px; font-size: 16px"
        return f'<div style="{style}">{"".join(columns)}</div>'

    def code(self, setting: Setting) -> str:
        return as_code(setting)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """As of every panel; a picture is drawn only now where a canvas needs none."""
        self.pictured = True
        self.refresh()
        self.pictured = not self.live
        return super()._repr_mimebundle_(**options)
