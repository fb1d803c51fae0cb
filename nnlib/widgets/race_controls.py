"""What a race is set by: ground, start and luck, and for each runner whether and how it runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets

from nnlib.experiments.grounds import DIGITS, NAMES, NETWORKS, WEIGHTS, ground
from nnlib.experiments.presets import PRESETS
from nnlib.experiments.race import Runner, Setting, runner, settings_of
from nnlib.experiments.tricks import TRICKS, playable
from nnlib.experiments.tuning import GRID, at_rates, tunings
from nnlib.optimizers import OPTIMIZERS
from nnlib.plots.race import MOST, names
from nnlib.widgets.choices import choice, choose, setting_control, stacked, tick
from nnlib.widgets.panel import WHOLE, row

WIDTH = "336px"  # of the column
TYPED = "a function that you type"
STARTS = {"bowl": (-12.0, 9.0), "ravine": (-12.0, 3.0), "Rosenbrock": (-1.5, 2.0),
          "Beale": (1.0, 1.5), "Himmelblau": (-0.3, -0.9), "saddle": (-2.0, 0.01),
          "plateau": (-3.0, 1.0), "Rastrigin": (-3.3, 2.6), DIGITS: (1.2, 1.0),
          WEIGHTS: (1.2, 1.0), TYPED: (-2.0, 1.0)}  # fmt: skip
TUNED, DEFAULT, SAME, OWN = "tuned", "default", "the same", "each its own"
YOURS = "a race of your own"
CONDITIONS = "kappa", "steps", "noise", "seed"
LANES = range(MOST)


class RaceControls:
    """The controls of a race, in a column, and the race that they ask for.

    A race has lanes, each with a runner that is switched on or off; the settings below them are of
    the lane that is looked at. What someone moves may move others: the menu of rates moves the
    rates, a new ground the start.

    >>> own = RaceControls()
    >>> own.put(own.setting()._replace(ground="saddle", start=(-2.0, 0.01)))
    >>> own.setting().ground, own.all["x"].value
    ('saddle', -2.0)
    """

    def __init__(self) -> None:
        self.held = False  # whether controls are being set by another
        self.trouble: Exception | None = None  # what a control that was moved could not do
        self.lanes = filled([])  # the runners, switched on or not
        menu, text = ipywidgets.Dropdown, ipywidgets.Text
        place = {"min": -1e6, "max": 1e6}
        function = text("x**2 + 3*y**2 + 4*sin(2*x)", continuous_update=False)
        self.all: dict[str, Any] = {
            "preset": menu(options=[YOURS, *PRESETS]),
            "ground": menu(options=[*NAMES, TYPED], value="ravine"),
            "kappa": choice([1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 400.0], 25.0, "κ"),
            "function": function,
            "x": ipywidgets.BoundedFloatText(-12.0, **place),
            "y": ipywidgets.BoundedFloatText(3.0, **place),
            "noise": choice([0.0, 0.1, 0.3, 1.0, 3.0, 10.0], 0.0, "noise σ"),
            "seed": ipywidgets.BoundedIntText(0, min=0, max=9999),
            "steps": menu(options=[50, 100, 200, 500], value=200),
            "rates": menu(options=[TUNED, DEFAULT, SAME, OWN], value=OWN),
            "looked": menu(options=[("", k) for k in LANES]),
            "rule": menu(options=list(OPTIMIZERS)),
        }
        labels = {"function": "f(x, y) =", "x": "start x", "y": "start y", "looked": "look at"}
        for name, control in self.all.items():
            control.description = control.description or labels.get(name, name)
        for k, one in enumerate(self.lanes):
            self.all[f"on {k}"] = tick(one.rule, k < len(OPTIMIZERS))
            self.all[f"lr {k}"] = choice(GRID, one.lr, "rate")
        for rule in OPTIMIZERS:
            for name, default in settings_of(rule).items():
                self.all[f"{rule} {name}"] = setting_control(name, default)
        self.all |= {trick: tick(trick, False) for trick in TRICKS}
        with self.holding():
            self.show_lanes()
            self.show_runner()
        self.watch()

    # -- what moves what --------------------------------------------------------------------------

    def watch(self) -> None:
        """Let those move that follow from others."""
        self.when(["preset"], lambda name: self.put_preset())
        self.when(["ground"], lambda name: self.begin())
        self.when(["x", "y"], lambda name: self.move_start(*self.setting().start))
        self.when(["rates", "function", *CONDITIONS], lambda name: self.tune())
        self.when([f"on {k}" for k in LANES], lambda name: self.show_lanes())
        self.when([f"lr {k}" for k in LANES], self.set_rate)
        self.when(["looked"], lambda name: self.show_runner())
        self.when(["rule"], lambda name: self.set_runner(runner(self.value("rule"))))
        for rule in OPTIMIZERS:
            self.when([f"{rule} {name}" for name in settings_of(rule)], self.set_settings)

    def when(self, names: Iterable[str], act: Callable[[str], Any]) -> None:
        """Let a control act when someone moves it, and not when another one does."""

        def moved(name: str) -> None:
            if not self.held:
                self.attempt(lambda: act(name))

        for name in names:
            self.all[name].observe(lambda change, name=name: moved(name), "value")

    def attempt(self, act: Callable[[], Any]) -> None:
        """Let an act set controls; what it raises, which would vanish here, is kept to be told."""
        self.trouble = None
        with self.holding():
            try:
                act()
            except Exception as error:
                self.trouble = error

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Set controls without being followed at each."""
        before, self.held = self.held, True
        try:
            yield
        finally:
            self.held = before

    def begin(self) -> None:
        """Go to where a new ground is best begun, with rates that are tuned to it.

        Where a gradient is a network's, tuning takes seconds: it is left to who asks for it.
        """
        self.all["x"].value, self.all["y"].value = STARTS[self.value("ground")]
        if self.value("ground") in NETWORKS and self.value("rates") == TUNED:
            self.all["rates"].value = DEFAULT
        self.tune()

    def move_start(self, x: float, y: float) -> None:
        """Begin elsewhere; the rates stay, and are called tuned no more: they are from there."""
        self.all["x"].value, self.all["y"].value = x, y
        if self.value("rates") == TUNED:
            self.all["rates"].value = OWN

    def tune(self) -> None:
        """Set the rates as the menu says."""
        mode = self.value("rates")
        if mode in (TUNED, DEFAULT):
            self.lanes = list(at_rates(self.setting(everyone=True), mode).runners)
            self.show_lanes()
        elif mode == SAME:
            self.set_rate(f"lr {self.value('looked')}")

    def set_rate(self, name: str) -> None:
        """Give a rate that was set to its runner, or to all where they have the same."""
        lr, mine = self.value(name), int(name.removeprefix("lr "))
        same = self.value("rates") == SAME
        self.all["rates"].value = SAME if same else OWN
        self.lanes = [
            one._replace(lr=lr) if same or k == mine else one for k, one in enumerate(self.lanes)
        ]
        self.show_lanes()

    def set_settings(self, name: str) -> None:
        """Give the settings that are shown to the runner that is looked at."""
        one = self.lanes[self.value("looked")]
        settings = {name: self.value(f"{one.rule} {name}") for name in settings_of(one.rule)}
        self.set_runner(runner(one.rule, one.lr, **settings))

    def set_runner(self, one: Runner) -> None:
        """Let another runner run in the lane that is looked at, at the rate that the menu says."""
        self.lanes[self.value("looked")] = one
        self.show_runner()
        self.show_lanes()
        if self.value("rates") != SAME:
            self.tune()

    def show_lanes(self) -> None:
        """Write the lanes' runners and rates beside them."""
        on = [k for k in LANES if self.value(f"on {k}")]
        told = dict(zip(on, names([self.lanes[k] for k in on])))
        for k, one in enumerate(self.lanes):
            self.all[f"on {k}"].description = told.get(k, one.rule)
            choose(self.all[f"lr {k}"], one.lr)
        looked = self.all["looked"]
        now = looked.value
        looked.options = [(told.get(k, one.rule), k) for k, one in enumerate(self.lanes)]
        looked.value = now

    def show_runner(self) -> None:
        """Show rule and settings of the lane that is looked at."""
        one = self.lanes[self.value("looked")]
        self.all["rule"].value = one.rule
        for name, value in (settings_of(one.rule) | dict(one.settings)).items():
            choose(self.all[f"{one.rule} {name}"], value)

    # -- from controls to a race, and back --------------------------------------------------------

    def value(self, name: str) -> Any:
        """What a control says; what its steps add up to is rounded."""
        value = self.all[name].value
        return float(f"{value:.12g}") if type(value) is float else value

    def setting(self, *, everyone: bool = False) -> Setting:
        """The race that the controls ask for, of those that are switched on or of everyone."""
        name = self.value("ground")
        return Setting(
            tuple(one for k, one in enumerate(self.lanes) if everyone or self.value(f"on {k}")),
            self.value("function") if name == TYPED else name,
            start=(self.value("x"), self.value("y")),
            tricks=tuple(trick for trick in self.playable() if self.value(trick)),
            **{name: self.value(name) for name in CONDITIONS},
        )

    def playable(self) -> list[str]:
        """The tricks that can be played on this ground."""
        name = self.value("ground")
        return playable(2 if name == TYPED else len(ground(name).whole.domain))

    def looked(self) -> int | None:
        """The runner that is looked at, by its place among those who run."""
        on = [k for k in LANES if self.value(f"on {k}")]
        return on.index(self.value("looked")) if self.value("looked") in on else None

    def put(self, setting: Setting) -> None:
        """Set the controls to a race.

        Errors   ValueError for more runners than can be told apart.
        """
        if len(setting.runners) > MOST:
            must = f"runners must be at most {MOST}, which can be told apart"
            raise ValueError(f"RaceControls: {must}; got {len(setting.runners)}.")
        typed = setting.ground not in NAMES
        values = {name: getattr(setting, name) for name in CONDITIONS}
        values |= {"ground": TYPED if typed else setting.ground, "rates": OWN, "looked": 0}
        values |= {"function": setting.ground} if typed else {}
        values |= dict(zip("xy", setting.start))
        values |= {trick: trick in setting.tricks for trick in TRICKS}
        values |= {f"on {k}": k < len(setting.runners) for k in LANES}
        with self.holding():
            self.lanes = filled(setting.runners)
            for name, value in values.items():
                choose(self.all[name], value)
            self.show_lanes()
            self.show_runner()

    def put_preset(self) -> None:
        """Set the controls to the preset that was chosen."""
        name = self.value("preset")
        if name != YOURS:
            self.put(PRESETS[name].setting)

    def notice(self) -> str:
        """What there is to notice in this race, where it is a preset."""
        name = self.value("preset")
        return PRESETS[name].notice if name != YOURS else ""

    def budget(self) -> str:
        """What the rates cost, where they are tuned."""
        if self.value("rates") != TUNED:
            return ""
        calls = {one.calls for one in tunings(self.setting())}
        tried = f"{' or '.join(map(str, calls))} gradients for each runner, {len(GRID)} rates"
        return f"{tried}, judged by the value reached from this start."

    # -- what stands where ------------------------------------------------------------------------

    def column(self) -> Any:
        """Ground, start and luck above the lanes; below them the settings of one, and tricks."""
        own = self.all
        widths = {"x": 145, "y": 145, "noise": 190, "seed": 110, "steps": 120, "rates": 180}
        widths |= {f"on {k}": 178 for k in LANES} | {f"lr {k}": 150 for k in LANES}
        for name, width in widths.items():
            own[name].layout.width = f"{width}px"
        self.of_rule = {
            rule: stacked(*(own[f"{rule} {name}"] for name in settings_of(rule)))
            for rule in OPTIMIZERS
        }
        self.tricks = stacked(*(own[trick] for trick in TRICKS))
        column = ipywidgets.VBox(
            [
                *(row(own[name]) for name in ("ground", "kappa", "function")),
                row(own["x"], own["y"]),
                row(own["noise"], own["seed"]),
                row(own["steps"], own["rates"]),
                *(row(own[f"on {k}"], own[f"lr {k}"]) for k in LANES),
                row(own["rule"]),
                *self.of_rule.values(),
                self.tricks,
            ]
        )
        column.layout = ipywidgets.Layout(width=WIDTH, max_width=WHOLE, flex="0 0 auto")
        return column

    def show(self) -> None:
        """Show what can be set now, of the rules' settings those of the one that is looked at.

        A preset that has been changed is one no more.
        """
        name = self.value("preset")
        if name != YOURS and in_order(PRESETS[name].setting) != in_order(self.setting()):
            with self.holding():
                self.all["preset"].value = YOURS
        on, rule = self.value("ground"), self.value("rule")
        shown = {self.all["kappa"]: on == "ravine", self.all["function"]: on == TYPED}
        shown |= {box: rule == name for name, box in self.of_rule.items()}
        shown |= {self.all[trick]: trick in self.playable() for trick in TRICKS}
        shown[self.tricks] = any(self.value(trick) for trick in TRICKS)
        for widget, is_shown in shown.items():
            widget.layout.display = "flex" if is_shown else "none"


def in_order(setting: Setting) -> Setting:
    """The setting with its tricks in one order: in which they are named makes no difference."""
    return setting._replace(tricks=tuple(sorted(setting.tricks)))


def filled(runners: Iterable[Runner]) -> list[Runner]:
    """A runner for each lane: these, then the rules that none of them has, then the last rule.

    >>> [one.rule for one in filled([runner("Adam", 0.1)])][:3]
    ['Adam', 'GradientDescent', 'Momentum']
    """
    lanes = list(runners)
    missing = [rule for rule in OPTIMIZERS if rule not in [one.rule for one in lanes]]
    spare = [*missing, *[list(OPTIMIZERS)[-1]] * MOST]
    return [*lanes, *map(runner, spare)][:MOST]
