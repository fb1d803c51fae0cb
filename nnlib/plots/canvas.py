"""What all pictures share: type that reads from the back row, colours for every eye, PNG."""

from collections.abc import Iterator, Sized
from contextlib import AbstractContextManager
from struct import pack
from typing import Any
from zlib import compress, crc32

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's colours, which differ for colour-blind eyes; lines differ in pattern too.
BLUE, ORANGE, GREEN, PURPLE, RED, SKY = "#0072B2 #E69F00 #009E73 #CC79A7 #D55E00 #56B4E9".split()
INK, GREY, PALE = "#222222", "#767676", "#BBBBBB"
COLOURS = [BLUE, RED, GREEN, ORANGE, PURPLE, SKY]
LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3))]
MARKERS = ["o", "s", "^", "D", "v", "P"]
SMALL = 13  # points; nothing in a picture is smaller than 12
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=COLOURS, linestyle=LINES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 16,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # else every drawing looks for ticks above the axes
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.figsize": (9, 4),
    "font.size": 14,
    "grid.alpha": 0.3,
    "image.cmap": "gray_r",
    "image.interpolation": "nearest",
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "lines.linewidth": 2.5,
    "savefig.dpi": 100,
}


def use_style() -> None:
    """Draw all figures of a notebook in the style of the course.

    >>> use_style()
    >>> matplotlib.rcParams["font.size"]
    14.0
    """
    matplotlib.rcParams.update(STYLE)


def style() -> AbstractContextManager[None]:
    """The style of the course for what is drawn inside a ``with``.

    >>> with style():
    ...     matplotlib.rcParams["axes.titlesize"]
    16.0
    """
    return matplotlib.rc_context(STYLE)


def new_figure(width: float, height: float, *, dpi: float = 150, arranged: bool = True) -> Figure:
    """A figure of its own, in the style of the course, without pyplot: safe on any thread.

    arranged   whether room is made for labels and titles, which takes as long as drawing them.

    >>> new_figure(8, 4).get_size_inches().tolist()
    [8.0, 4.0]
    """
    with style():
        layout = "constrained" if arranged else "none"
        figure = Figure(figsize=(width, height), dpi=dpi, layout=layout)
        FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG.

    Written out here because it takes 7 ms where Pillow takes 16: it tries all filters on each row,
    and a panel waits for it at every step of a slider.

    >>> png(new_figure(1, 1))[1:4]
    b'PNG'
    """
    with style():
        figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # a row begins with its filter, 0 for none
    for colour in range(3):
        rows[:, 1 + colour :: 3] = pixels[:, :, colour]
    header = pack(">2I5B", width, height, 8, 2, 0, 0, 0)  # 8 bits for each of red, green, blue
    chunks = [(b"IHDR", header), (b"IDAT", compress(rows.data, level=1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(content)) + name + content + pack(">I", crc32(name + content))
        for name, content in chunks
    )


def looks(lines: Sized) -> Iterator[dict[str, Any]]:
    """A colour, a pattern and a marker for each line, as keywords: they differ for every eye.

    Errors   ValueError for more lines than can be told apart.

    >>> [look["linestyle"] for look in looks(["a", "b"])]
    ['-', '--']
    """
    if len(lines) > len(COLOURS):
        raise ValueError(
            f"looks: at most {len(COLOURS)} lines can be told apart; got {len(lines)}."
        )
    for _, colour, line, marker in zip(range(len(lines)), COLOURS, LINES, MARKERS):
        yield {"color": colour, "linestyle": line, "marker": marker}


def legend_below(ax: Axes, *, columns: int = 2) -> None:
    """The names of several lines, where they cover none: under the axes and its label.

    >>> ax = new_figure(4, 4).add_subplot()
    >>> for name in ("one", "two"):
    ...     _ = ax.plot([0, 1], label=name)
    >>> legend_below(ax)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['one', 'two']
    """
    if len(ax.get_legend_handles_labels()[1]) > 1:
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 3.6}
        ax.legend(ncols=columns, columnspacing=1.5, **below)


def legend_beside(ax: Axes) -> None:
    """The names of the lines on the right of the axes, where they cover none."""
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
