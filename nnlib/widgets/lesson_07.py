"""The panel of lesson 07."""

from collections.abc import Callable
from typing import Any

import ipywidgets

from nnlib.experiments.next_token import (
    ENDED,
    HELD_OUT,
    INVENTED,
    MODELS,
    RIGHT,
    TRAINED,
    WRONG,
    NextToken,
    depth,
    next_token,
    one_more,
    reads,
    writable,
)
from nnlib.plots.writing import draw_looks, draw_next, draw_texts, share, visible
from nnlib.widgets.choices import choice
from nnlib.widgets.panel import Panel, row
from nnlib.words import counted, short

EXAMPLES = {  # what is read, and what is written of the answer
    "dates": ("sunday, 1 march 1987", "1987-0"),
    "reversing": ("notebook", "koo"),
    "names": ("", "sm"),
}
OTHERS = {"dates": "7", "reversing": "z", "names": "o"}  # to be forced
TITLES = {"dates": "dates", "reversing": "strings, reversed", "names": "surnames"}
TEMPERATURES = [0.1, 0.2, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
HEADS, LAYERS = 4, 2  # the most that a model has
LONG = 10  # characters of a text that a title has room for
ALL = 0  # of a menu: no top_k, all heads
VERDICTS = {
    RIGHT: "is right",
    WRONG: "is wrong",
    TRAINED: "is a name that it was trained on",
    HELD_OUT: "is a name that it never saw",
    INVENTED: "is in no list of names: invented",
    "": "is neither right nor wrong: what was read is no day in one of the nine forms",
}
MARGINS = {"left": 0.13, "right": 0.652, "bottom": 0.01, "top": 0.94}
BESIDE = {"left": 0.68, "right": 0.995, "bottom": 0.01, "hspace": 0.3, "height_ratios": (9, 6)}


class WritingPanel(Panel):
    """Watch a trained model write, token by token; force another one on it, and step back.

    Another source begins anew, another model brings its example. What is written can be typed, too.

    >>> panel = WritingPanel()
    >>> panel.controls["text"].value = "1/2/03"
    >>> panel.buttons["write"].click()
    >>> panel.controls["written"].value
    '2'
    """

    measure = staticmethod(next_token)

    def __init__(self) -> None:
        menu, line = ipywidgets.Dropdown, ipywidgets.Text
        job = MODELS[0]
        text, written = EXAMPLES[job]
        ks = [(f"{k}", k) for k in (1, 2, 3, 5, 10)]
        one_by_one = [(f"{k + 1}", k + 1) for k in range(HEADS)]
        controls = {
            "job": menu(options=[(TITLES[job], job) for job in MODELS], description="model"),
            "text": line(text, description="source"),
            "written": line(written, description="written"),
            "temperature": choice(TEMPERATURES, 1.0, "temperature"),
            "top_k": ipywidgets.SelectionSlider(options=[*ks, ("all", ALL)], value=ALL),
            "layer": menu(options=[(f"{k + 1}", k) for k in range(LAYERS)], description="layer"),
            "head": menu(options=[("all, mean", ALL), *one_by_one], description="head"),
        }
        controls["top_k"].description = "top-k"
        self.at, self.settling, self.drawn = (job, text), False, 0
        self.token = menu(description="another token")
        self.offer(job)
        self.buttons = {
            "write": self.button("write the likeliest", self.write),
            "draw": self.button("draw one", self.draw_one),
            "force": self.button("force it", lambda values: values["written"] + self.token.value),
            "back": self.button("step back", shortened),
            "anew": self.button("start anew", lambda values: ""),
        }
        super().__init__(controls, width=9.6, height=4.9, margins=MARGINS)

    def layout(self) -> Any:
        own, press = self.controls, self.buttons
        widths = {"job": 210, "text": 330, "written": 260, "temperature": 300, "top_k": 240}
        for name, width in (widths | {"layer": 110, "head": 160}).items():
            own[name].layout.width = f"{width}px"
        self.token.layout.width = "200px"
        rows = [
            row(own["job"], own["text"], own["written"]),
            row(
                press["write"],
                press["draw"],
                press["back"],
                press["anew"],
                self.token,
                press["force"],
            ),
            row(own["temperature"], own["top_k"], own["head"], own["layer"]),
        ]
        return ipywidgets.VBox([*rows, self.image, self.words, self.message, self.folded()])

    # -- what is done -----------------------------------------------------------------------------

    def button(self, description: str, written: Callable[[dict[str, Any]], str]) -> Any:
        """A button that writes something else, made from what the controls say."""
        button = ipywidgets.Button(description=description)
        button.layout.width = "auto"

        def press(_: Any) -> None:
            try:
                self.controls["written"].value = written(self.values())
            except Exception as error:
                self.say(error)

        button.on_click(press)
        return button

    def write(self, values: dict[str, Any]) -> str:
        """The likeliest token more."""
        return one_more(values["job"], values["text"], values["written"], top_k=1)

    def draw_one(self, values: dict[str, Any]) -> str:
        """One token more, drawn: another one each time."""
        self.drawn += 1
        names = ("job", "text", "written", "temperature", "top_k")
        return one_more(**{name: values[name] for name in names}, seed=self.drawn)

    def values(self) -> dict[str, Any]:
        """What is asked for; a new model brings its example, and a new source has no answer yet."""
        values = super().values()
        job, text = values["job"], values["text"]
        if job != self.at[0]:
            values["text"], values["written"] = EXAMPLES[job]
        elif text != self.at[1]:
            values["written"] = ""
        values["layer"] = min(values["layer"], depth(values["job"]) - 1)
        values["top_k"] = values["top_k"] or None
        values["head"] = values["head"] - 1 if values["head"] else None
        return values

    def offer(self, job: str) -> None:
        """Let the tokens of a model be forced."""
        self.token.options = [(visible(token), token) for token in writable(job)]
        self.token.value = OTHERS[job]

    def follow(self) -> None:
        """Draw, unless it is the panel itself that sets a control."""
        if not self.settling:
            super().follow()

    def present(self, found: NextToken, words: str, picture: bytes, code: str) -> None:
        """Put all into its place, the controls too: only a state that could be drawn is theirs."""
        values = self.values()
        job, text, written = (values[key] for key in ("job", "text", "written"))
        self.settling = True
        self.controls["text"].value, self.controls["written"].value = text, written
        self.controls["text"].disabled = not reads(job)
        self.controls["layer"].disabled = depth(job) == 1
        if job != self.at[0]:
            self.offer(job)
        self.settling, self.at = False, (job, text)
        for which in ("write", "draw", "force"):
            self.buttons[which].disabled = ended(found)
        for which in ("back", "anew"):
            self.buttons[which].disabled = not written
        super().present(found, words, picture, code)

    # -- what is seen -----------------------------------------------------------------------------

    def draw(self, figure: Any, found: NextToken) -> str:
        """Where it looks on the left; what may come next, and what that leads to, on the right."""
        at = self.values()
        draw_looks(found, title=looking(found), ax=figure.add_subplot(figure.add_gridspec(1, 1)[0]))
        grid = figure.add_gridspec(2, 1, **BESIDE)
        draw_next(found, title=coming(found), ax=figure.add_subplot(grid[0]))
        draw_texts(found, title=leading(found), ax=figure.add_subplot(grid[1]))
        told = [standing(found), setting(found, at), whereabouts(found, at), *forced(found)]
        return " ".join([*told, judging(found)])


def shortened(values: dict[str, Any]) -> str:
    """What is written without its last token.

    >>> shortened({"written": "1987"}), shortened({"written": "1987END"})
    ('198', '1987')
    """
    written = values["written"]
    return written.removesuffix(ENDED) if written.endswith(ENDED) else written[:-1]


# -- in words -------------------------------------------------------------------------------------


def ended(found: NextToken) -> bool:
    """Whether END is written."""
    return found.written[-1:] == [ENDED]


def quoted(token: str) -> str:
    """A token as it stands in a sentence.

    >>> quoted("a"), quoted(" "), quoted("END")
    ('“a”', '“␣”', 'END')
    """
    return f"“{visible(token)}”" if len(token) == 1 else token


def in_sight(found: NextToken) -> tuple[str, str, float, str, float]:
    """The token in question; the one in the source that it looks most at, and the one written."""
    token = found.written[-1] if ended(found) else found.tokens[0]
    back = found.own[-1].argmax()
    before = ["START", *found.written][back]
    if not found.read:
        return token, "", 0.0, before, found.own[-1, back]
    far = found.cross[-1].argmax()
    return token, found.read[far], found.cross[-1, far], before, found.own[-1, back]


def looking(found: NextToken) -> str:
    """At what it looks most."""
    token, there, weight, before, weight_before = in_sight(found)
    if there:
        return f"For {quoted(token)} it looks most at {quoted(there)}: {weight:.2f}"
    return f"For {quoted(token)} it looks most at {quoted(before)}: {weight_before:.2f}"


def coming(found: NextToken) -> str:
    """What is likeliest next, and by how much."""
    token, p, drawn = found.tokens[0], share(found.p[0]), share(found.drawn[0])
    if ended(found):
        return f"END is written, with {share(found.sure[-1])}"
    if p != drawn:
        return f"{quoted(token)}: {p} becomes {drawn}"
    return f"Likeliest next: {quoted(token)}, {p}"


def leading(found: NextToken) -> str:
    """What the written text is, or the best would be."""
    text, judged = found.texts[0], found.judged[0]
    if ended(found):
        text, judged = "".join(found.written[:-1]), found.verdict
    text = text if len(text) <= LONG else f"{text[: LONG - 1]}…"
    return f"{judged.capitalize() or 'Not judged'}: {text or 'nothing'}"


def standing(found: NextToken) -> str:
    """What was read and written, and what comes next."""
    written = "".join(found.written).removesuffix(ENDED)
    told = f"written “{written}”" if written else "written nothing"
    told += ", then END" if ended(found) else ""
    have = f"It has read “{''.join(found.read)}” and {told}" if found.read else f"It has {told}"
    if ended(found):
        return f"{have}, with probability {share(found.sure[-1])}."
    (first, second), (p, q) = found.tokens[:2], found.p[:2]
    return (
        f"{have}. Next comes {quoted(first)} with probability {share(p)}, "
        f"{quoted(second)} with {share(q)}."
    )


def setting(found: NextToken, at: dict[str, Any]) -> str:
    """What temperature and top_k change."""
    T, k = at["temperature"], at["top_k"]
    done = [f"temperature {short(T)} {'evens out' if T > 1 else 'sharpens'}"] if T != 1 else []
    done += [f"top-k {k} leaves {counted(k, 'token')}"] if k else []
    if not done:
        return "Temperature 1 and top-k all draw by just these."
    first = quoted(found.tokens[0])
    told = f"{' and '.join(done)}: {first} is drawn with {share(found.drawn[0])}."
    return told[0].upper() + told[1:]


def whereabouts(found: NextToken, at: dict[str, Any]) -> str:
    """At what the head that was chosen, or all of them, look most."""
    token, there, weight, before, weight_before = in_sight(found)
    who = f"head {at['head'] + 1}" if at["head"] is not None else f"the mean of {HEADS} heads"
    back = f"{quoted(before)} in what is written, weight {weight_before:.2f}"
    if there:
        place = found.cross[-1].argmax() + 1
        back = f"{quoted(there)} in the source, character {place}, weight {weight:.2f}; {back}"
    return f"For {quoted(token)} {who} of layer {at['layer'] + 1} looks most at {back}."


def forced(found: NextToken) -> list[str]:
    """The last token that was not the model's first choice."""
    pairs = zip(found.written, found.likeliest)
    others = [k for k, (token, own) in enumerate(pairs) if token != own]
    if not others:
        return []
    k = others[-1]
    token, own = quoted(found.written[k]), quoted(found.likeliest[k])
    return [f"{token}, token {k + 1}, had {share(found.sure[k])}: {own} was the likeliest."]


def judging(found: NextToken) -> str:
    """Whether the text is right, or the best would be, and what is."""
    best = f"“{found.texts[0]}”" if found.texts[0] else "nothing,"
    which = f"The best whole text from here, {best} with {share(found.texts_p[0])},"
    which, judged = ("This", found.verdict) if ended(found) else (which, found.judged[0])
    right = f": “{found.due}” is right" if judged == WRONG else ""
    return f"{which} {VERDICTS[judged]}{right}."
