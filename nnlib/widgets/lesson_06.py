"""The panels of lesson 06."""

from typing import Any

import ipywidgets

from nnlib.data import Images
from nnlib.experiments.attending import LOSS, Attended, attended, hardest, moved
from nnlib.experiments.encoder_on_mnist import as_tokens
from nnlib.experiments.filmed import USUAL, Filmed, is_stored, learning, network
from nnlib.experiments.positions import Positions, alike, positions
from nnlib.experiments.watched import WatchedRun
from nnlib.plots.attention import (
    draw_change,
    draw_gradient,
    draw_heads,
    draw_queries,
    draw_strip,
)
from nnlib.plots.positions import draw_encoding, draw_hands, draw_products
from nnlib.widgets.advancing import Advancing, behind
from nnlib.widgets.choices import choice, tick
from nnlib.widgets.panel import WHOLE, Panel, call, row
from nnlib.words import counted, short

STRIP, HEADS, GRADIENT, QUERIES = "step by step", "all heads", "weights and gradient", "all queries"
RUN = ("stored", "layers", "norm_first", "positions")
LOOK = ("layer", "head", "query", "of", "scaled", "masked", "key", "added")
IMAGES = 100  # to choose from
BASES = [2.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0]
SHAPE: Any = {"width": 8.4, "height": 5.8}
MARGINS = {"left": 0.08, "right": 0.69, "bottom": 0.015, "top": 0.935}
BESIDE = {"left": 0.78, "right": 0.985, "bottom": 0.095, "hspace": 0.5}  # as shares, too
MNIST = """\
from nnlib.data import load_mnist

images = load_mnist()
"""
CODE = """
from nnlib.experiments.attending import attended
from nnlib.experiments.encoder_on_mnist import as_tokens
from nnlib.experiments.filmed import learning

run = {run}
model = run.upto({steps}).model_at({steps})
x, label = as_tokens(images.x_test[[{image}]])[0], images.labels_test[{image}]
found = {found}
print("p =", found.p)
print("weights =", found.weights)
print("output =", found.o)
print("gradient =", found.dA[{query}])
"""


class AttentionPanel(Advancing):
    """Look into the attention of lesson 06's encoder, change it, and train it on.

    The network has its stored weights, where there are such, or new ones; play trains it. What is
    seen of it is as it was at the last look at the unseen images.

    images           to learn from and to look at: what ``load_mnist()`` gives.
    most, chunk      how far the steps go, and how many are taken at a time.
    images_as_code   lines that make ``images``, for the state as code.

    >>> from nnlib.data import enlarged, load_digits
    >>> digits = load_digits()
    >>> images = digits._replace(x_train=enlarged(digits.x_train), x_test=enlarged(digits.x_test))
    >>> panel = AttentionPanel(images)
    >>> panel.controls["view"].value = "all heads"
    >>> [text.get_text()[:6] for text in panel.figure.axes[0].texts]
    ['head 1', 'head 2', 'head 3', 'head 4']
    """

    def __init__(
        self, images: Images, *, most: int = 600, chunk: int = 20, images_as_code: str = MNIST
    ) -> None:
        self.images, self.images_as_code = images, images_as_code
        self.x = as_tokens(images.x_test[:IMAGES])
        rows = self.x.shape[1]
        self.names = ["class", *(f"row {k + 1}" for k in range(rows))]
        tokens = [(name, k) for k, name in enumerate(self.names)]
        scores = [(f"score of {k}", k) for k in range(10)]
        menu, slide, choose = ipywidgets.Dropdown, ipywidgets.IntSlider, ipywidgets.SelectionSlider
        least = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
        controls = {
            "view": menu(options=[STRIP, HEADS, GRADIENT, QUERIES], description="view"),
            "image": slide(0, 0, len(self.x) - 1, description="test image"),
            "threshold": choose(options=least, value=0.02, description="hide weights below"),
            "stored": menu(options=[("stored", True), ("new", False)], description="weights"),
            "layers": menu(options=[1, 2], description="layers"),
            "norm_first": menu(options=[("before", True), ("behind", False)], description="norm"),
            "positions": menu(options=["learned", "sinusoids", "none"], description="positions"),
            "scaled": tick("scores ÷ √dₖ", True),
            "layer": menu(options=[("1", 0), ("2", 1)], description="layer"),
            "head": menu(options=[(f"{k + 1}", k) for k in range(4)], description="head"),
            "query": choose(options=tokens, description="query"),
            "of": menu(options=[(LOSS, LOSS), *scores], description="gradient of"),
            "masked": slide(0, 0, rows // 2, description="rows masked"),
            "first": slide(rows // 3, 1, rows, description="from row"),
            "key": choose(options=tokens, value=rows // 3, description="key"),
            "added": ipywidgets.FloatSlider(0, min=-40, max=40, step=2, description="add to q·k"),
        }
        self.choose_layers(controls["layers"], controls["layer"])
        model = network(images, stored=is_stored(images, **USUAL), **USUAL)
        controls["image"].value = hardest(model, self.x, images.labels_test[:IMAGES])
        super().__init__(controls, most=most, chunk=chunk, margins=MARGINS, **SHAPE)

    def choose_layers(self, layers: Any, layer: Any) -> None:
        """Let a layer be chosen where there are several."""
        layer.disabled = layers.value == 1
        layers.observe(lambda change: setattr(layer, "disabled", change["new"] == 1), "value")

    def layout(self) -> Any:
        """What is looked at above the picture; the network, and what is done to it, on the left."""
        own = self.controls
        widths = {"view": 260, "image": 280, "threshold": 340, "stored": 140, "layers": 115}
        widths |= {"norm_first": 140, "scaled": 120, "positions": 180, "layer": 105, "head": 105}
        widths |= dict.fromkeys(("steps", "query", "of", "masked", "first", "key", "added"), 265)
        for name, width in widths.items():
            own[name].layout.width = f"{width}px"
        rows = ["stored layers", "norm_first scaled", "positions", "layer head", "query", "of"]
        rows += ["masked", "first", "key", "added"]
        column = [row(*(own[name] for name in names.split())) for names in rows]
        column[3:3] = [row(ipywidgets.Label("train"), self.play), row(own["steps"])]
        left = ipywidgets.VBox(column)
        left.layout = ipywidgets.Layout(width="280px", max_width=WHOLE, flex="0 0 auto")
        right = ipywidgets.VBox([self.image, self.words, self.message])
        right.layout = ipywidgets.Layout(flex="1 1 545px", min_width="0")
        both = ipywidgets.HBox([left, right], layout=ipywidgets.Layout(flex_flow="row wrap"))
        above = row(own["view"], own["image"], own["threshold"])
        return ipywidgets.VBox([above, both, self.folded()])

    # -- the network ------------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """What is asked for: new weights where none are stored, the only layer where it is one."""
        values = super().values()
        first, end = values.pop("first"), len(self.names)
        values["masked"] = [*range(first, min(first + values["masked"], end))]
        values["positions"] = None if values["positions"] == "none" else values["positions"]
        values["stored"] &= is_stored(self.images, **{name: values[name] for name in RUN[1:]})
        values["layer"] = min(values["layer"], values["layers"] - 1)
        return values

    def run_now(self) -> WatchedRun:
        values = self.values()
        return self.run_for(tuple(values[name] for name in RUN))

    def new_run(self, *settings: Any) -> Filmed:
        """A run from stored weights, or from the same new ones each time."""
        options = dict(zip(RUN, settings, strict=True))
        return learning(self.images, most=self.most, every=self.chunk, **options)

    def measure(self, image: int, steps: int, **values: Any) -> Attended:
        """Train as far as there is time for, and look into the network that has come of it."""
        run: Any = self.run_for(tuple(values[name] for name in RUN))
        self.train(run, steps)
        label = self.images.labels_test[image]
        look = {name: values[name] for name in LOOK}
        return attended(run.model_at(steps), self.x[image], label, **look)

    # -- what is seen -----------------------------------------------------------------------------

    def draw(self, figure: Any, found: Attended) -> str:
        at, now, before = self.values(), found.p.argmax(), found.plain_p.argmax()
        self.draw_view(found, at, figure.add_subplot(figure.add_gridspec(1, 1)[0]))
        grid = figure.add_gridspec(2, 1, **BESIDE)
        upper, lower = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
        verdict = "Right" if now == found.label else "Wrong"
        read = f"{now}" if now == before else f"{before} → {now}"
        title = f"{verdict}: {read}, {found.p[now]:.2f}"
        names = {"xlabel": "digit (was grey)", "ylabel": "probability"}
        draw_change(found.plain_p, found.p, title=title, **names, ax=upper)
        upper.set(ylim=(0, 1), yticks=[0, 0.5, 1], xticks=range(10))
        title = f"Moved by {moved(found):.0%}" if moved(found) else largest(found)
        names = {"xlabel": "entry (was grey)", "ylabel": "head's output"}
        draw_change(found.plain_o, found.o, title=title, **names, ax=lower)
        return self.in_words(found, at)

    def draw_view(self, found: Attended, at: dict[str, Any], ax: Any) -> None:
        """Draw the view that was chosen."""
        view, x, threshold = at["view"], self.x[at["image"]], at["threshold"]
        of = LOSS if at["of"] == LOSS else f"score {at['of']}"
        look: Any = {"query": at["query"], "threshold": threshold, "ax": ax}
        if view == STRIP:
            edited = at["key"] if at["added"] else None
            draw_strip(found, x, self.names, edited=edited, **look)
        elif view == GRADIENT:
            draw_gradient(found, x, self.names, of=of, **look)
        elif view == QUERIES:
            draw_queries(found, self.names, of=of, **look)
        else:
            self.draw_all_heads(found, self.images.x_test[at["image"]], threshold, ax)

    def draw_all_heads(self, found: Attended, image: Any, threshold: float, ax: Any) -> None:
        """Draw the image once for each head, the layers below each other."""
        (layers, heads), nats = found.entropy.shape, found.entropy.ravel()
        which = [f"head {k + 1}" for k in range(heads)] * layers
        most = found.everywhere.max(axis=-1).ravel()
        captions = [f"{one}\nto {m:.2f}\n{n:.1f} nats" for one, m, n in zip(which, most, nats)]
        beside = [f"layer {k + 1}" for k in range(layers)] if layers > 1 else []
        layer, head = divmod(int(nats.argmin()), heads)
        where = f"{which[head]} of layer {layer + 1}"
        look: Any = {"columns": heads // 2 * layers, "beside": beside, "threshold": threshold}
        look["title"] = f"Narrowest: {where}, {nats.min():.1f} nats"
        draw_heads(image, found.everywhere.reshape(nats.size, -1), captions, **look, ax=ax)

    def in_words(self, found: Attended, at: dict[str, Any]) -> str:
        """Where the network stands, what it reads, what was changed, and where the head looks."""
        run: Any = self.run_now()
        steps, query = at["steps"], self.names[at["query"]]
        seen, now, before = run.seen_at(steps), found.p.argmax(), found.plain_p.argmax()
        right = run.test_accuracy[run.tested_at.index(seen)]
        weights = "stored weights" if at["stored"] else "new weights"
        after = f" after {counted(seen, 'step')}" if seen else ""
        read = f"This {found.label} is read as {now}, with probability {found.p[now]:.2f}"
        done = [f"{counted(len(at['masked']), 'row')} masked"] if at["masked"] else []
        done += [f"{at['added']:+g} on the score of {self.names[at['key']]}"] if at["added"] else []
        done += ["scores not divided by √dₖ"] if not at["scaled"] else []
        if done:
            with_them = f"; with nothing changed as {before}, with {found.plain_p[before]:.2f}"
            read = f"{', '.join(done).capitalize()}: {read}{with_them}"
        best, nats = found.weights.argmax(), found.entropy[at["layer"], at["head"]]
        told = [
            f"{read}.",
            f"From {query}, head {at['head'] + 1} of layer {at['layer'] + 1} looks most at "
            f"{self.names[best]}, with weight {found.weights[best]:.2f}; its entropy is "
            f"{nats:.1f} of at most {found.most_entropy:.1f} nats.",
            f"With {weights}{after}, {right:.3f} of the first {len(run.x_test)} unseen images "
            "are read rightly.",
        ]
        if behind(run, steps):
            told.insert(0, f"Training ... {run.training.steps} of {steps} steps.")
        return " ".join([*told, run.ended])

    def code(self, **values: Any) -> str:
        """Lines that look into the same network in a fresh kernel."""
        run, look = ({name: values[name] for name in names} for names in (RUN, LOOK))
        return self.images_as_code + CODE.format(
            run=call("learning", "images", **run, most=self.most, every=self.chunk),
            found=call("attended", "model", "x", "label", **look),
            **{name: values[name] for name in ("steps", "image", "query")},
        )


def largest(found: Attended) -> str:
    """Which entry of a head's output is the largest, by its size."""
    return f"Largest: entry {abs(found.o).argmax()}"


class PositionsPanel(Panel):
    """Positions as sinusoids: the matrix, its pairs as hands that turn, and who looks like whom.

    >>> panel = PositionsPanel()
    >>> panel.controls["shift"].value = 0
    >>> panel.words.value[:58]
    '84 positions, width 12, base 10000: wavelengths λ 6.28 to '
    """

    measure = staticmethod(positions)

    def __init__(self) -> None:
        length = ipywidgets.IntSlider(84, 8, 256, description="length T")
        width = ipywidgets.IntSlider(12, 1, 64, description="width d")
        base = choice(BASES, 10000.0, "base")
        position = ipywidgets.IntSlider(5, 0, length.value - 1, description="position")
        shift = ipywidgets.IntSlider(7, 0, length.value - 1, description="steps on δ")
        for control in (length, width, base, position, shift):
            control.layout.width = "300px"

        def shorten(change: Any) -> None:
            shift.max = position.max = change["new"] - 1  # set from left to right

        length.observe(shorten, "value")
        controls = {"T": length, "d": width, "base": base, "position": position, "shift": shift}
        margins = {"left": 0.085, "right": 0.985, "bottom": 0.135, "top": 0.885, "wspace": 0.2}
        super().__init__(controls, width=8.9, height=4.8, margins=margins)

    def draw(self, figure: Any, found: Positions) -> str:
        grid = figure.add_gridspec(2, 2, width_ratios=[1, 2.1], height_ratios=[1.5, 1], hspace=0.42)
        parts = grid[:, 0], grid[0, 1], grid[1, 1]
        matrix, clocks, curves = (figure.add_subplot(part) for part in parts)
        pair = [found.position, found.position + found.shift]
        draw_encoding(found.PE, marked=pair, title=fitting(found), ax=matrix)
        hands = found.here, found.there, found.turned, found.wavelengths
        draw_hands(*hands, title=turning(found), ax=clocks)
        products = found.from_start, found.from_here
        draw_products(*products, shift=found.shift, title=likeness(found), ax=curves)
        return in_words(found)


def even(found: Positions) -> bool:
    """Whether every sine has its cosine."""
    return found.PE.shape[1] % 2 == 0


def fitting(found: Positions) -> str:
    """How many wavelengths fit into the length."""
    T, n = len(found.PE), len(found.wavelengths)
    return f"{sum(found.wavelengths <= T - 1)} of {n} wavelengths\nfit into {T} positions"


def turning(found: Positions) -> str:
    """What the steps do to the hands."""
    if even(found):
        return f"{counted(found.shift, 'step')}: {found.shift}/λ of a turn, anywhere"
    return "Odd width: the last sine has no cosine"


def likeness(found: Positions) -> str:
    """How the inner product goes with distance."""
    if found.spread:
        return f"It depends on where, too: by up to {short(found.spread)}"
    told = alike(found.from_start)
    if told.half is None:
        return f"Never less than {told.least:.0%} alike"
    later = f"{told.later:.0%} again at {told.again}" if told.later >= 0.5 else "less beyond"
    return f"Half alike by {counted(told.half, 'step')}, {later}"


def in_words(found: Positions) -> str:
    """What was found."""
    (T, d), shift = found.PE.shape, found.shift
    product = short(found.from_here[shift], 3)
    first, last = (short(found.wavelengths[i], 3) for i in (0, -1))
    anywhere = (
        f"from other positions up to {short(found.spread)} more or less"
        if found.spread
        else "the same from every position"
    )
    second = found.position + shift
    beyond = f" Position {second} lies beyond the {T} that are drawn." if second >= T else ""
    alone = "" if even(found) else ", but for the last sine, which has no cosine to turn with"
    return (
        f"{T} positions, width {d}, base {short(found.base)}: wavelengths λ {first} to {last}. "
        f"Each hand turns by {shift}/λ of a circle in {counted(shift, 'step')}{alone}. Positions "
        f"{found.position} and {second}: inner product {product} of at most "
        f"{len(found.wavelengths)}, {anywhere}; distance {short(found.apart, 3)}.{beyond}"
    )
