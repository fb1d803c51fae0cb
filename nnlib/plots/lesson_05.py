"""The pictures of lesson 05."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.experiments.watched import Curves
from nnlib.plots.canvas import BLUE, GREEN, GREY, PALE, RED, SKY, SMALL
from nnlib.plots.curves import draw_lines
from nnlib.words import counted

# -- Digits ---------------------------------------------------------------------------------------


def draw_probabilities(p: Array, *, ax: Axes) -> None:
    """Draw the probability of each digit as a bar, the largest one blue; all zero: nothing read.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> draw_probabilities(np.array([0.1, 0.7, 0.2]), ax=ax)
    >>> ax.get_title()
    'Read as 1 (0.70)'
    """
    best = int(np.argmax(p))
    bars = ax.bar(range(len(p)), p, color=PALE)
    if np.any(p):
        bars[best].set(facecolor=BLUE, hatch="//", edgecolor="white")
        for digit in np.flatnonzero(p >= 0.005):
            text = f"{p[digit]:.2f}".lstrip("0")  # wider, it would meet the next one
            ax.text(digit, p[digit] + 0.02, text, ha="center", fontsize=SMALL)
    title = f"Read as {best} ({p[best]:.2f})" if np.any(p) else "Nothing to read yet"
    ax.set(xlabel="digit", ylabel="probability", title=title, ylim=(0, 1.12))
    ax.set_xticks(range(len(p)))
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.grid(False, axis="x")


# -- Curves ---------------------------------------------------------------------------------------


def draw_signal(
    curves: Mapping[str, Array],
    *,
    title: str,
    ylim: tuple[float, float],
    ax: Axes,
) -> None:
    """Draw the mean square of the signal against depth, one line for each way to draw the weights.

    ylim   the range shown; the legend says of a line that leaves it where it ends.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> curves = {"kept": np.ones(3), "lost": np.array([1, 1e-9, 1e-18])}
    >>> draw_signal(curves, title="One is lost", ylim=(1e-4, 1e1), ax=ax)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['kept', 'lost (leaves, to 1e-18)']
    """
    inside = {name: ylim[0] <= values[-1] <= ylim[1] for name, values in curves.items()}
    named = {
        name if inside[name] else f"{name} (leaves, to {values[-1]:.0e})": values
        for name, values in curves.items()
    }
    names: Any = {"xlabel": "layers passed", "ylabel": "mean square of the signal", "title": title}
    draw_lines(named, **names, every=4, yscale="log", ylim=ylim, ax=ax)
    depth = max(map(len, curves.values())) - 1
    ax.set(xlim=(-0.2, depth + 0.2), xticks=range(0, depth + 1, max(1, depth // 10)))


def draw_epochs(accuracy: Array, seen: float, unseen: float, *, ax: Axes) -> None:
    """Draw the accuracy on the batches of each epoch; the final one is on seen and unseen images.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_epochs(np.array([0.8, 0.9]), 0.92, 0.85, ax=ax)
    >>> ax.get_xlabel()
    'passes over the training images'
    """
    epochs = np.arange(1, len(accuracy) + 1)
    ax.plot(epochs, accuracy, "-o", color=BLUE, label="its batches, on the way")
    ax.axhline(seen, color=GREEN, linestyle="-.", label="all of these, at the end")
    ax.axhline(unseen, color=RED, linestyle="--", label="unseen images, at the end")
    ax.set(
        xlabel="passes over the training images",
        ylabel="accuracy",
        title=f"Seen {seen:.1%}, unseen {unseen:.1%}",
    )
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(loc="lower right")


def draw_gradient_noise(sizes: Sequence[int], noise: Array, *, ax: Axes) -> None:
    """Draw the distance of a batch's gradient from the whole one against the batch size.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_gradient_noise([1, 4], np.array([2.0, 1.0]), ax=ax)
    >>> ax.lines[0].get_ydata()
    array([2., 1.])
    """
    fallen = noise[0] * np.sqrt(sizes[0] / np.asarray(sizes))
    ax.loglog(sizes, noise, "o", color=BLUE, markersize=11, label="measured")
    ax.loglog(sizes, fallen, "--", color=RED, zorder=1, label="1/√(images in the batch)")
    ax.set(
        xlabel="images in the batch",
        ylabel="distance from the\nwhole gradient / its length",
        title="Four times the images, half the noise",
    )
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ticks = [tick for tick in 2.0 ** np.arange(-6, 7) if noise.min() / 2 < tick < noise.max() * 2]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend()


# -- Training, live -------------------------------------------------------------------------------


def draw_learning(
    runs: Mapping[str, Curves], *, most: int, going: str = "", axes: Sequence[Axes]
) -> None:
    """Draw the loss on the first axes, the accuracy on unseen images on the second.

    A dot is the loss of a batch, the line their means; a cross is where the run diverged. Losses
    above 1000 and below 0.0001 leave the frame.

    runs   the first is the one that the titles tell of; another one is drawn grey and dashed.
    most   how many steps the axes have room for.
    going  what a title says of the first while it goes on, instead of its loss.

    >>> from nnlib.plots.canvas import new_figure
    >>> axes = new_figure(9, 4).subplots(1, 2)
    >>> run = Curves(np.ones(2), np.array([2]), np.ones(1), [0, 2], [0.1, 0.5], False)
    >>> draw_learning({"Adam": run}, most=10, axes=axes)
    >>> axes[0].get_title("left"), axes[1].get_title("right")
    ('Loss 1.00', 'Test accuracy 0.500 after 2 steps')
    """
    loss_ax, accuracy_ax = axes
    for k, (name, run) in reversed(list(enumerate(runs.items()))):
        look = {"color": GREY if k else BLUE, "linestyle": "--" if k else "-", "label": name}
        loss_ax.plot(run.mean_at, run.mean_loss, **look)
        marker = {"marker": "s" if k else "o", "markersize": 5 if k else 7}
        accuracy_ax.plot(run.tested_at, run.test_accuracy, **marker, **look)
    now = next(iter(runs.values()))
    steps = np.arange(1, len(now.losses) + 1)
    loss_ax.plot(steps, now.losses, "o", color=SKY, markersize=1.5, alpha=0.5, zorder=1)
    loss_ax.set(xlabel="step", ylabel="loss of the batch", yscale="log")
    low, high = loss_ax.get_ylim()
    low, high = np.clip(low, 1e-4, 0.01), np.clip(high, 10, 1e3)
    loss_ax.set_ylim(low, high)
    loss_ax.yaxis.set_major_formatter("{x:g}")
    accuracy_ax.set(xlabel="step", ylabel="accuracy on unseen images")
    accuracy_ax.set(ylim=(0, 1.27), yticks=np.linspace(0, 1, 6))  # above 1 there is room for names
    at, right = now.tested_at[-1], now.test_accuracy[-1]
    what = f"Loss {now.mean_loss[-1]:.2f}" if len(steps) else "No step taken yet"
    if now.diverged:
        what = f"Diverged at step {len(steps) + 1}"
        cross = {"color": RED, "markersize": 16, "markeredgecolor": "white", "clip_on": False}
        loss_ax.plot(steps[-1:], np.clip(now.losses[-1:], low, high), "X", **cross)
        accuracy_ax.plot(len(steps), right, "X", **cross)
    after = f"after {counted(at, 'step')}" if at else "before training"
    loss_ax.set_title(going or what, loc="left", fontsize=15)
    accuracy_ax.set_title(f"Test accuracy {right:.3f} {after}", loc="right", fontsize=15)
    for ax in axes:
        ax.set_xlim(-0.02 * most, 1.02 * most)
        ax.minorticks_off()
    if len(runs) > 1:
        accuracy_ax.legend(loc="upper left", borderpad=0, reverse=True)
