"""The pictures of lesson 05."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, COLOURS, INK, LINES, ORANGE, RED


def draw_images(images: Array, captions: Sequence[str], *, columns: int = 10, ax: Axes) -> None:
    """Draw images (N, height, width) in rows, each with its caption below."""
    rows = -(-len(images) // columns)
    for k, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = k % columns, 1.35 * (k // columns)
        ax.imshow(image, extent=(left, left + 0.94, top + 0.94, top), cmap="gray_r")
        ax.text(left + 0.47, top + 1.12, caption, ha="center", va="center", fontsize=14)
    ax.set(xlim=(0, columns), ylim=(1.35 * rows, -0.05), aspect="equal")
    ax.axis("off")


def draw_signal(curves: Mapping[str, Array], *, title: str, ax: Axes) -> None:
    """Draw the mean square of the signal against depth, one line for each way to draw the weights."""
    for (name, values), colour, line in zip(curves.items(), COLOURS, LINES, strict=False):
        ax.semilogy(values, color=colour, linestyle=line, label=name)
    ax.set(xlabel="layers passed", ylabel="mean square of the signal\n(input = 1)", title=title)
    ax.legend(fontsize=13)


def draw_curves(
    curves: Mapping[str, Array], *, xlabel: str, ylabel: str, title: str, ax: Axes
) -> None:
    """Draw one line for each name: its values against their positions, 1, 2, 3, ..."""
    for (name, values), colour, line in zip(curves.items(), COLOURS, LINES, strict=False):
        ax.plot(np.arange(1, len(values) + 1), values, color=colour, linestyle=line, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend(fontsize=13)


def draw_gradient_noise(sizes: Sequence[int], noise: Array, *, ax: Axes) -> None:
    """Draw the distance of a batch's gradient from the whole one against the batch size."""
    ax.loglog(sizes, noise, "o", color=BLUE, markersize=10, label="measured")
    ax.loglog(
        sizes, noise[0] * np.sqrt(sizes[0] / np.array(sizes)), "--", color=RED, label="1/√size"
    )
    ax.set(
        xlabel="rows in the batch",
        ylabel="distance / length",
        title="Four times the rows, half the noise",
    )
    ax.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    ax.minorticks_off()
    ax.legend()


def draw_confusion(counts: Array, *, ax: Axes) -> None:
    """Draw how often each class was read as each class; the diagonal, all right answers, is left white."""
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    ax.imshow(wrong, cmap="Oranges")
    for (true, read), count in np.ndenumerate(counts):
        colour = "white" if wrong[true, read] > 0.7 * wrong.max() else INK
        ax.text(read, true, str(count), ha="center", va="center", fontsize=12, color=colour)
    true, read = np.unravel_index(wrong.argmax(), wrong.shape)
    ax.set(
        xlabel="read as", ylabel="true digit", title=f"Most often confused: {true} read as {read}"
    )
    ax.set_xticks(range(len(counts)))
    ax.set_yticks(range(len(counts)))
    ax.grid(False)


def draw_learning(
    steps: Array,
    losses: Array,
    tested_at: Sequence[int],
    test_accuracy: Sequence[float],
    *,
    axes: Sequence[Axes],
) -> None:
    """Draw the loss of each batch on the first axes, the accuracy on unseen images on the second."""
    loss_ax, accuracy_ax = axes
    loss_ax.semilogy(steps, losses, "-", color=BLUE, linewidth=1, alpha=0.6)
    loss_ax.set(xlabel="step", ylabel="loss of the batch", title="What is minimised")
    accuracy_ax.plot(tested_at, test_accuracy, "-o", color=ORANGE, markeredgecolor=INK)
    accuracy_ax.set(
        xlabel="step", ylabel="accuracy on unseen images", ylim=(0, 1), title="What is wanted"
    )
