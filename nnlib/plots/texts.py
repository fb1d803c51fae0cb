"""Many texts as one artist: for each by itself, making it takes far longer than painting it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from nnlib.checks import Array

BEHIND = {"left": 0.0, "center": 0.5, "right": 1.0}  # the share of a text that its place is behind


class Texts(Text):
    """Texts of one line and one look, each with the middle of a digit's height at its place.

    at     the places (n, 2), in what ``transform`` takes; of axes, in their coordinates.
    look   what a Text takes; not turned.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> many = ax.add_artist(Texts([[0, 1], [0, 2]], ["one", "two"], transform=ax.transData))
    >>> many.texts, many.get_text(), len(ax.texts)
    (['one', 'two'], 'one\\ntwo', 1)
    """

    def __init__(self, at: Any, texts: Sequence[str], **look: Any) -> None:
        super().__init__(text="\n".join(texts), **look)
        self.at, self.texts = np.reshape(at, (-1, 2)), list(texts)

    def corners(self, renderer: Any) -> Iterator[tuple[float, float]]:
        """Where each text begins on its baseline, in pixels."""
        _, digit, _ = self.size("0", renderer)
        for text, (x, y) in zip(self.texts, self.get_transform().transform(self.at)):
            width, _, _ = self.size(text, renderer)
            yield x - BEHIND[self.get_ha()] * width, y - digit / 2

    def size(self, text: str, renderer: Any) -> Array:
        """How wide and high a text is, and how far it goes below its baseline, in pixels."""
        return renderer.get_text_width_height_descent(text, self.get_fontproperties(), False)

    def draw(self, renderer: Any) -> None:
        """Paint each text."""
        gc, (_, top) = renderer.new_gc(), renderer.get_canvas_width_height()
        gc.set_foreground(self.get_color())
        look = self.get_fontproperties()
        for text, (x, y) in zip(self.texts, self.corners(renderer)):
            renderer.draw_text(gc, x, top - y, text, look, 0)
        gc.restore()
        self.stale = False

    def get_window_extent(self, renderer: Any = None, dpi: float | None = None) -> Bbox:
        """The box around all of them, in pixels."""
        if not self.texts:
            return super().get_window_extent(renderer, dpi)
        renderer, boxes = renderer or self.get_figure(root=True).canvas.get_renderer(), []
        for text, (x, y) in zip(self.texts, self.corners(renderer)):
            width, height, descent = self.size(text, renderer)
            boxes.append(Bbox.from_bounds(x, y - descent, width, height))
        return Bbox.union(boxes)
