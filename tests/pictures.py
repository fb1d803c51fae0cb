"""What every picture of the course must be, wherever it is tested."""

import numpy as np
from matplotlib.container import BarContainer
from matplotlib.text import Text

from nnlib.plots.texts import Texts


def written(ax):
    """All texts of a picture but those of its axes."""
    return [text for _, text in placed(ax)]


def placed(ax):
    """All texts of a picture but those of its axes, each with its place."""
    for text in ax.texts:
        if isinstance(text, Texts):
            yield from zip(map(tuple, text.at), text.texts, strict=True)
        else:
            yield text.get_position(), text.get_text()


def assert_legible(figure):
    """No text below 12 points: it is read from the back row; and no legend covers anything."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 12
    assert not list(covered(figure))


def covered(figure):
    """What lies under a legend: points of lines, bars, numbers at the axes, other texts.

    And a legend that leaves the figure or meets another one.
    """
    figure.canvas.draw()
    boxes = [ax.get_legend().get_window_extent() for ax in figure.axes if ax.get_legend()]
    for k, box in enumerate(boxes):
        if any(box.overlaps(other) for other in boxes[:k]):
            yield "two legends meet"
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1:
            yield "a legend leaves the figure"
    for ax in figure.axes:
        if legend := ax.get_legend():
            box = legend.get_window_extent()
            for line in ax.lines:
                if box.count_contains(visible_points(line)):
                    yield f"{ax.get_title()}: the line {line.get_label()}"
            bars = [bar for some in ax.containers if isinstance(some, BarContainer) for bar in some]
            for bar in bars:
                if box.overlaps(bar.get_window_extent()):
                    yield f"{ax.get_title()}: a bar"
            for text in [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]:
                if text.get_text() and box.overlaps(text.get_window_extent()):
                    yield f"{ax.get_title()}: {text.get_text()}"


def visible_points(line):
    """Points along a line that is drawn, in pixels, as close as its ends allow."""
    x, y = line.get_transform().transform(line.get_xydata()).T
    if line.get_linestyle() != "None":
        at = np.linspace(0, len(x) - 1, 20 * len(x))
        x, y = (np.interp(at, range(len(v)), v) for v in (x, y))
    x0, y0, x1, y1 = line.axes.bbox.extents
    inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    return np.transpose([x[inside], y[inside]])
