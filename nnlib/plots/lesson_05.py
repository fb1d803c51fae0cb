"""The pictures of lesson 05."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.experiments.lesson_05 import Fit
from nnlib.experiments.watched import Curves
from nnlib.plots.canvas import BLUE, GREY, INK, PALE, RED, SKY, SMALL, legend_below, looks
from nnlib.plots.curves import draw_lines
from nnlib.words import counted, short

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


def draw_gradient_noise(
    sizes: Sequence[int], noises: Mapping[str, Array], *, title: str, ax: Axes
) -> None:
    """Draw the distance of a batch's gradient from the whole one against the batch size.

    The dashed lines fall as 1/√size; where a point stands above 1, the noise is longer than what
    it is laid over.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_gradient_noise([1, 4], {"first": np.array([2.0, 1.0])}, title="Half", ax=ax)
    >>> ax.lines[0].get_ydata()
    array([2., 1.])
    """
    for (name, noise), look in zip(noises.items(), looks(noises)):
        roots = np.sqrt(sizes)
        fallen = np.exp(np.mean(np.log(noise * roots))) / roots
        ax.loglog(sizes, noise, look["marker"], color=look["color"], markersize=11, label=name)
        ax.loglog(sizes, fallen, "--", color=look["color"], linewidth=1.5, zorder=1)
    ax.axhline(1, color=GREY, linewidth=1.5)
    ax.text(sizes[0], 1.06, "as long as the gradient", color=INK, fontsize=SMALL)
    ylabel = "distance from the\nwhole gradient / its length"
    ax.set(xlabel="images in the batch", ylabel=ylabel, title=title)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    every = np.concatenate(list(noises.values()))
    ticks = [tick for tick in 4.0 ** np.arange(-3, 4) if every.min() / 2 < tick < every.max() * 2]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    legend_below(ax)


def draw_fit(found: Fit, *, title: str, ylim: tuple[float, float], ax: Axes) -> None:
    """Draw the accuracy on seen and unseen images over the epochs, and the gap between them.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 4).add_subplot()
    >>> draw_fit(Fit(np.ones(3), np.ones(3)), title="None", ylim=(0, 1), ax=ax)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['seen', 'unseen']
    """
    epochs = np.arange(len(found.seen))
    ax.fill_between(epochs, found.unseen, found.seen, color=PALE, alpha=0.4, linewidth=0)
    names: Any = {"xlabel": "epochs", "ylabel": "accuracy", "title": title, "ylim": ylim}
    draw_lines({"seen": found.seen, "unseen": found.unseen}, **names, ax=ax)


# -- Networks -------------------------------------------------------------------------------------

MIDDLE: Any = {"ha": "center", "va": "center"}
ARROW: Any = {"arrowstyle": "-|>", "linewidth": 2, "mutation_scale": 18}


def draw_layers(
    widths: Sequence[int], samples: int, *, back: bool = False, title: str, ax: Axes
) -> None:
    """Draw a network of these widths as E has it, a column for each sample: what is kept, and W.

    back   whether δ is drawn, too, on its way from the loss to the first layer.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 3).add_subplot()
    >>> draw_layers([4, 3], 5, back=True, title="One layer", ax=ax)
    >>> [text.get_text() for text in ax.texts if "×" in text.get_text()]
    ['4 × 5', '3 × 5', '3 × 4', '3 × 5']
    """
    box = {"facecolor": "white", "edgecolor": INK, "boxstyle": "round,pad=0.4"}
    last = len(widths) - 1
    for l, width in enumerate(widths):
        name = "$x=a^0$" if not l else f"$z^{l},\\,a^{l}$" if l < last else f"$z^{l},\\,p$"
        ax.text(l, 1, name, bbox=box, **MIDDLE)
        ax.text(l, 0.66, f"{width} × {samples}", fontsize=SMALL, color=INK, **MIDDLE)
        if not l:
            continue
        ax.annotate("", (l - 0.27, 1), (l - 0.73, 1), arrowprops=ARROW | {"color": BLUE})
        ax.text(l - 0.5, 1.3, f"$W^{l}$", color=BLUE, **MIDDLE)
        ax.text(l - 0.5, 1.55, f"{width} × {widths[l - 1]}", color=BLUE, fontsize=SMALL, **MIDDLE)
        if back:
            ax.text(l, 0.1, f"$\\delta^{l}$", color=RED, fontsize=18, **MIDDLE)
            ax.text(l, -0.22, f"{width} × {samples}", fontsize=SMALL, color=RED, **MIDDLE)
            if l > 1:
                ax.annotate("", (l - 0.8, 0.1), (l - 0.2, 0.1), arrowprops=ARROW | {"color": RED})
                ax.text(l - 0.5, 0.34, f"$W^{{{l}\\top}}$", color=RED, **MIDDLE)
    ax.text(last + 0.75, 1, "$L$", bbox=box, **MIDDLE)
    ax.annotate("", (last + 0.6, 1), (last + 0.27, 1), arrowprops=ARROW | {"color": BLUE})
    if back:
        turned = {"color": RED, "connectionstyle": "arc3,rad=-0.3"}
        ax.annotate("", (last + 0.2, 0.1), (last + 0.75, 0.78), arrowprops=ARROW | turned)
    ax.set(xlim=(-0.5, last + 1), ylim=(-0.4 if back else 0.5, 1.75), title=title)
    ax.axis("off")


def draw_units(
    values: Mapping[str, Array],
    weights: Sequence[Array],
    deltas: Sequence[Array],
    *,
    title: str,
    ax: Axes,
) -> None:
    """Draw a small network with the number of each unit in it, and its δ in red below it.

    A weight stands on its line, at the end that it multiplies; those that are 0 are left out.

    values    of each layer from the input on, by its name; one sample's.
    weights   (out, in), between each layer and the next.
    deltas    of each layer but the input's.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> values, deltas = {"x": np.ones(1), "z": np.ones(1)}, [np.array([0.5])]
    >>> draw_units(values, [np.eye(1)], deltas, title="One", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '1', 'δ = 0.5', 'x', 'z']
    """
    heights = [np.arange(len(a))[::-1] - (len(a) - 1) / 2 for a in values.values()]
    for l, (a, place) in enumerate(zip(values.values(), heights)):
        if l:
            for (k, j), w in np.ndenumerate(weights[l - 1]):
                if w:
                    low, high = heights[l - 1][j], place[k]
                    ax.plot([l - 1, l], [low, high], "-", color=PALE, linewidth=1.5, zorder=1)
                    at, paper = 0.27, {"facecolor": "white", "edgecolor": "none", "pad": 1}
                    spot = l - 1 + at, low + at * (high - low)
                    ax.text(*spot, short(w), color=BLUE, fontsize=SMALL, bbox=paper, **MIDDLE)
        ax.plot(np.full(len(a), l), place, "o", color="white", markersize=34, markeredgecolor=INK)
        for height, number in zip(place, a):
            ax.text(l, height, short(number), **MIDDLE)
        for height, back in zip(place, deltas[l - 1] if l else ()):
            words = f"δ = {short(back + 0.0)}"  # no −0
            ax.text(l, height - 0.42, words, color=RED, weight="bold", fontsize=SMALL, **MIDDLE)
    top = max(np.max(place) for place in heights)
    for l, name in enumerate(values):
        ax.text(l, -top - 0.8, name, **MIDDLE)
    ax.set(xlim=(-0.3, len(values) - 0.7), ylim=(-top - 1, top + 0.4), title=title)
    ax.axis("off")


def draw_weights(W: Array, captions: Sequence[Any], *, columns: int, title: str, ax: Axes) -> None:
    """Draw what each unit looks for: its weights as an image, purple above 0, orange below.

    Shapes   W (units, side²)

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 2).add_subplot()
    >>> draw_weights(np.eye(4), ["0", "1", "2", "3"], columns=4, title="Four units", ax=ax)
    >>> len(ax.images), len(ax.texts)
    (4, 4)
    """
    side = int(np.sqrt(W.shape[1]))
    for k, (row, caption) in enumerate(zip(W, captions, strict=True)):
        left, top = k % columns, 1.3 * (k // columns)
        corners = (left + 0.03, left + 0.97, top + 0.97, top + 0.03)
        most = np.abs(row).max()
        image = row.reshape(side, side)
        ax.imshow(image, extent=corners, cmap="PuOr", vmin=-most, vmax=most)
        ax.text(left + 0.5, top + 1.12, caption, fontsize=SMALL, **MIDDLE)
    rows = -(-len(W) // columns)
    ax.set(xlim=(0, columns), ylim=(1.3 * rows, 0), aspect="equal", title=title)
    ax.axis("off")


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
