"""Figures that are drawn again and again: what stands still in them is made and drawn once."""

from cmath import rect
from collections.abc import Callable, Sequence
from math import ceil, radians
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec

from nnlib.checks import Array
from nnlib.plots.canvas import style

MOST_TEXTS = 2000  # that are kept at a time
FULL, ROUGH = 150, 75  # dots an inch: of a picture at rest, and of one that moves


class KeptFigure(Figure):
    """A figure, in the style of the course, whose axes and canvas outlast its drawings.

    After ``clear`` an ``add_subplot`` that asks for the place of axes that stood there hands these
    out again, emptied; ``subplots`` and ``gca`` ask for their axes so, too. An axis draws its
    labels, ticks and grid anew only when one of them has changed. What else a drawing sets about
    the look of ticks and grid it sets every time.

    arranged   whether room is made for labels and titles, which takes as long as drawing them.

    >>> figure = KeptFigure(8, 4)
    >>> left, right = figure.subplots(1, 2)
    >>> _ = left.plot([1, 2], [3, 4])
    >>> figure.clear()
    >>> figure.axes, figure.subplots(1, 2)[0] is left, len(left.lines)
    ([], True, 0)
    """

    def __init__(self, width: float, height: float, *, arranged: bool = False) -> None:
        self.spare: dict[Any, Axes] = {}
        layout = "constrained" if arranged else "none"
        with style():
            super().__init__(figsize=(width, height), dpi=FULL, layout=layout)
        KeptCanvas(self)

    def clear(self, keep_observers: bool = False) -> None:
        """Take away all that is drawn; axes stay at hand for the next drawing."""
        self.spare = {place(ax.get_subplotspec()): ax for ax in self.axes if alone(ax)}
        for ax in self.spare.values():
            self.delaxes(ax)  # else they would be cleared, which takes as long as making them
        super().clear(keep_observers)

    def add_subplot(self, *args: Any, **options: Any) -> Any:
        """Axes in their place in a grid; without arguments, in the only one."""
        spec = args[0] if args else GridSpec(1, 1, figure=self)[0]
        plain = isinstance(spec, SubplotSpec) and not any(options.values())
        if not plain or place(spec) not in self.spare:
            ax = super().add_subplot(*args, **options)
            for axis in (ax.xaxis, ax.yaxis):
                keep(axis)
                keep_look(axis)
            return ax
        ax = super().add_subplot(self.spare.pop(place(spec)))
        ax.set_subplotspec(spec)
        empty(ax)
        return ax


class KeptCanvas(FigureCanvasAgg):
    """A canvas that keeps its renderers, for these know the sizes of texts from before."""

    def __init__(self, figure: Figure) -> None:
        self.renderers: dict[Any, RendererAgg] = {}
        super().__init__(figure)

    def get_renderer(self, use: str = "shown") -> RendererAgg:
        """The renderer of the present resolution, for what is shown or for another use."""
        size = *self.get_width_height(physical=True), self.figure.dpi
        if (use, size) not in self.renderers:
            self.renderers[use, size] = KeptRenderer(*size)
        return self.renderers[use, size]


class KeptRenderer(RendererAgg):
    """A renderer that keeps sizes and images of its texts: setting one takes longer than drawing.

    A text begins at a whole pixel, so that it has one image wherever it stands.
    """

    def __init__(self, width: int, height: int, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self.texts: dict[Any, tuple] = {}  # by what it is and how it looks: where it begins, image
        self.sizes: dict[Any, tuple] = {}

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> Any:
        look = s, hash(prop), ismath
        if look not in self.sizes:
            if len(self.sizes) > MOST_TEXTS:
                self.sizes.clear()
            self.sizes[look] = super().get_text_width_height_descent(s, prop, ismath)
        return self.sizes[look]

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *rest: Any, **more: Any
    ) -> None:
        look = s, hash(prop), angle, gc.get_rgb(), gc.get_alpha(), rest[:1]
        if look not in self.texts:
            if len(self.texts) > MOST_TEXTS:
                self.texts.clear()
            ink = self.new_gc()
            ink.set_foreground(gc.get_rgb(), isRGBA=True)
            ink.set_alpha(gc.get_alpha())
            sizes = self.get_text_width_height_descent(s, prop, rest[:1] == (True,))
            left, right, down, up = room(sizes, angle)
            aside = RendererAgg(left + right, down + up, self.dpi)
            aside.draw_text(ink, left, up, s, prop, angle, *rest, **more)
            (x0, y0), image = inked(aside)
            self.texts[look] = (x0 - left, y0 - down), image
        (left, bottom), image = self.texts[look]
        if image.size:
            ink = self.new_gc()
            ink.copy_properties(gc)
            ink.set_alpha(1)
            self.draw_image(ink, round(x) + left, self.height - round(y) + bottom, image)


def room(size: Sequence[float], angle: float) -> tuple[int, ...]:
    """How far a text reaches left, right, down and up from where it begins, its height to spare.

    size    its width and height, and how far it goes below its baseline.
    angle   by which it is turned, in degrees.

    >>> room((20, 9, 2), 0)
    (9, 29, 11, 16)
    """
    width, height, descent = size
    turn = rect(1, radians(angle))
    corners = [turn * complex(x, y) for x in (0, width) for y in (-descent, height - descent)]
    across, up = [corner.real for corner in corners], [corner.imag for corner in corners]
    return tuple(ceil(far + height) for far in (-min(across), max(across), -min(up), max(up)))


def place(spec: SubplotSpec) -> Any:
    """What tells one place in a figure from another: the grid, the cells, and their shares."""
    grid = spec.get_gridspec()
    return *spec.get_geometry(), str((grid.get_width_ratios(), grid.get_height_ratios()))


def alone(ax: Axes) -> bool:
    """Whether axes have a place in a grid, and nothing in or beside them that belongs to others."""
    shared = any(len(group.get_siblings(ax)) > 1 for group in ax._shared_axes.values())
    return ax.get_subplotspec() is not None and not (shared or ax.child_axes or ax.artists)


def empty(ax: Axes) -> None:
    """Take away what is drawn on axes, and take back limits, scales, ticks, titles and frame."""
    for drawn in (ax.lines, ax.patches, ax.texts, ax.images, ax.collections, ax.tables):
        for artist in list(drawn):
            artist.remove()
    if legend := ax.get_legend():
        legend.remove()
    ax.containers.clear()
    for where in ("left", "center", "right"):
        ax.set_title("", loc=where)
    ax.set(xscale="linear", yscale="linear", xlabel="", ylabel="")  # with their ticks
    ax.set(xlim=(0, 1), ylim=(0, 1), autoscale_on=True, aspect="auto", anchor="C")
    ax.relim()
    ax.set_prop_cycle(None)
    ax.set_axis_on()
    ax.set_facecolor(rcParams["axes.facecolor"])
    for side, spine in ax.spines.items():
        spine.set(visible=rcParams[f"axes.spines.{side}"], edgecolor=rcParams["axes.edgecolor"])


def keep(axis: Axis) -> None:
    """Have an axis draw itself as an image, made anew when it no longer shows the same.

    There is one for each resolution, so that a moment of another one makes none anew.
    """
    draw = axis.draw
    images: dict[float, tuple] = {}  # by resolution: what it shows, where, and how

    def draw_kept(renderer: Any) -> None:
        seen = shows(axis)
        if images.get(renderer.dpi, ("none",))[0] != seen:
            images[renderer.dpi] = seen, *painted(draw, axis.get_figure().canvas)
        _, corner, image = images[renderer.dpi]
        if image.size:
            renderer.draw_image(renderer.new_gc(), *corner, image)

    axis.draw = draw_kept


def keep_look(axis: Axis) -> None:
    """Have an axis set the look of its ticks and its grid only where that is another one."""
    set_look = axis.set_tick_params

    def set_another(which: str = "major", reset: bool = False, **look: Any) -> None:
        same = which != "both" and look.items() <= axis.get_tick_params(which).items()
        if reset or not same:
            set_look(which, reset, **look)

    axis.set_tick_params = set_another


def shows(axis: Axis) -> tuple[Any, ...]:
    """All that an axis shows, and where."""
    places, label = axis.get_majorticklocs(), axis.label
    return (
        axis.axes.bbox.bounds,
        axis.get_visible(),
        axis.get_scale(),
        tuple(axis.get_view_interval()),
        tuple(places),
        tuple(axis.get_major_formatter().format_ticks(places)),
        tuple(axis.get_minorticklocs()),
        axis.get_tick_params(),
        axis.get_ticks_position(),
        (label.get_text(), label.get_color(), label.get_fontsize()),
    )


def painted(draw: Callable, canvas: Any) -> tuple[tuple[int, int], Array]:
    """The lower left corner of what is drawn, and its image without the empty borders."""
    aside = canvas.get_renderer("aside")
    aside.clear()
    draw(aside)
    return inked(aside)


def inked(renderer: RendererAgg) -> tuple[tuple[int, int], Array]:
    """The lower left corner of what a renderer has drawn, and that without the empty borders."""
    pixels = np.asarray(renderer.buffer_rgba())
    drawn = pixels.view(np.uint32)[:, :, 0] != 0  # a pixel's four bytes at once
    (rows,) = drawn.any(axis=1).nonzero()
    if not len(rows):
        return (0, 0), pixels[:0].copy()
    top, below = rows[0], rows[-1] + 1
    (columns,) = drawn[top:below].any(axis=0).nonzero()
    image = pixels[top:below, columns[0] : columns[-1] + 1]
    return (int(columns[0]), len(pixels) - int(below)), image[::-1].copy()  # upwards
