"""Images, pixel by pixel."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import PALE


def draw_images(
    images: Array, captions: Sequence[str], *, title: str = "", columns: int = 10, ax: Axes
) -> None:
    """Draw images (N, height, width) in rows, each with its caption below.

    Errors   ValueError unless there is a caption for each image.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 2).add_subplot()
    >>> draw_images(np.eye(8)[None], ["a stroke"], title="One image", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['a stroke']
    """
    columns = min(columns, max(1, len(images)))
    for k, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = k % columns, 1.36 * (k // columns)
        corners = (left + 0.03, left + 0.97, top + 0.97, top + 0.03)
        ax.imshow(image, extent=corners, cmap="gray_r", vmin=0, vmax=np.max(images))
        ax.text(left + 0.5, top + 1.14, caption, ha="center", va="center", fontsize=14)
    rows = -(-len(images) // columns)
    ax.set(xlim=(0, columns), ylim=(1.36 * rows, 0), aspect="equal", title=title)
    ax.axis("off")


def draw_digit(image: Array, *, title: str = "What it sees", ax: Axes) -> None:
    """Draw one image pixel by pixel.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_digit(np.zeros((28, 28), np.uint8), ax=ax)
    >>> ax.get_xlabel()
    '28 × 28 pixels'
    """
    height, width = image.shape
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=255)
    ax.set(anchor="N", title=title, xlabel=f"{height} × {width} pixels", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=PALE)
    ax.grid(False)
