"""The order of the modules, what each may import, and what every public name must have."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import nnlib

NNLIB = Path(nnlib.__file__).parent
ORDER = """checks machine contract slopes calculus arrays masks blocks losses tape initializers
    parameters stepping optimizers landscapes expressions layers images mlp tokens vocabulary
    attention encoder decoder encoder_decoder recurrent transformer progress idx download data
    tasks ngrams generation environment jupyter archives fingerprints examples history training
    saving checkpoints sweeps words exercises documents experiments plots widgets""".split()
FOLDERS = ("exercises", "documents", "experiments", "plots", "widgets")
PUBLIC = {
    "calculus": "numerical_gradient numerical_jacobian vec directional_derivative check_vjp",
    "blocks": """linear relu leaky_relu sigmoid tanh softmax log_softmax layer_norm embedding
        dropout standardize attention_weights attention""",
    "losses": """mse binary_cross_entropy binary_cross_entropy_with_logits cross_entropy
        softmax_cross_entropy""",
    "tape": "Tape taped add",
    "initializers": "constant uniform normal xavier_uniform xavier_normal he_uniform he_normal",
    "optimizers": "GradientDescent Momentum AdaGrad RMSprop Adam",
    "layers": "Layer Linear Sequential Residual",
    "images": "shift patches Shift Patches",
    "parameters": "parameter_vector objective replica is_current",
    "mlp": "MLP",
    "tokens": "positional_encoding",
    "vocabulary": "Embedding unembed",
    "masks": "causal_mask padding_mask",
    "attention": "MultiHeadAttention OneLayerEncoder",
    "encoder": "EncoderLayer Encoder TokenClassifier",
    "decoder": "DecoderLayer Decoder",
    "encoder_decoder": "EncoderDecoder LanguageModel",
    "recurrent": "recurrent RecurrentCell RecurrentEncoderDecoder RecurrentLanguageModel",
    "transformer": """MultiHeadAttention causal_mask padding_mask positional_encoding EncoderLayer
        Encoder TokenClassifier OneLayerEncoder DecoderLayer EncoderDecoder LanguageModel""",
    "tasks": "Task reversing copying dates names",
    "ngrams": "NGrams KneserNey smoothest discounted",
    "generation": "Steps distribution greedy sample beam exact_match nats",
    "data": "load_digits load_mnist read_idx one_hot batches",
    "environment": "faults check_environment",
    "training": "Training fit accuracy",
    "saving": "save load",
    "sweeps": "sweep",
    "exercises": "exercise",
}
ONLY_IN = {"matplotlib": "plots", "ipywidgets": "widgets", "anywidget": "widgets"}
NEVER_IN = {"widgets": "numpy"}  # a panel names its experiment and computes nothing
LONGEST = 400  # lines of a module; past that it is split along the lines of the field

MODULES = sorted(NNLIB.rglob("*.py"))
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(NNLIB)) for path in MODULES]
)


def parsed(path):
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree):
    """The dotted names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from (f"{dots}{node.module or ''}.{alias.name}" for alias in node.names)


def part(path):
    """The part of nnlib that a file belongs to: blocks.py to blocks, plots/canvas.py to plots."""
    return path.relative_to(NNLIB).parts[0].removesuffix(".py")


# -- what stands where -------------------------------------------------------------------------


def import_faults(own, tree):
    """What a module of this part of nnlib must not import."""
    for name in imports(tree):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if (
            top == "nnlib"
            and other not in ORDER[: ORDER.index(own)]
            and not (other == own and own in FOLDERS)
        ):
            yield f"{own} must not import {name}: it does not stand above"
        if not top:
            yield f"{own} imports {name}: write the whole name"
        if ONLY_IN.get(top, own) != own:
            yield f"{top} is imported in {ONLY_IN[top]} only"
        if NEVER_IN.get(own) == top:
            yield f"{own} must not import {top}: experiments compute"


@each_module
def test_a_module_imports_only_what_stands_above(path):
    if path == NNLIB / "__init__.py":
        return
    assert part(path) in ORDER
    assert not list(import_faults(part(path), parsed(path)))


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ("blocks", "from nnlib.losses import mse"),
        ("blocks", "from nnlib.blocks import relu"),
        ("plots", "import nnlib.widgets.panel"),
        ("training", "def f():\n    from nnlib.widgets import panel"),
        ("blocks", "from . import losses"),
        ("data", "import matplotlib.pyplot as plt"),
        ("plots", "from ipywidgets import Image"),
        ("widgets", "import numpy as np"),
        ("widgets", "def draw(self):\n    from numpy.linalg import norm"),
    ],
)
def test_a_forbidden_import_is_found(own, line):
    assert list(import_faults(own, ast.parse(line)))


def foreign(number, tree):
    """What a module owned by this lesson imports of another lesson's."""
    for name in imports(tree):
        if (other := re.search(r"\.lesson_(\d\d)\b", name)) and other[1] != number:
            yield name


@each_module
def test_a_lesson_s_module_imports_shared_topics_and_its_own_number_only(path):
    number = path.stem.removeprefix("lesson_")
    assert not list(foreign(number, parsed(path))), "what two lessons need is a shared topic"


def test_what_another_lesson_owns_is_found():
    line = "from nnlib.plots.lesson_01 import draw_ways"
    assert list(foreign("02", ast.parse(line)))
    assert list(foreign("curves", ast.parse(line)))
    assert not list(foreign("01", ast.parse(line)))


def test_no_name_of_a_file_stands_more_than_twice():
    names = Counter(path.name for path in MODULES)
    often = {name for name, count in names.items() if count > 2}
    assert {name for name in often if not name.startswith(("__init__", "lesson_"))} == set()


def test_the_package_itself_exports_nothing():
    body = parsed(NNLIB / "__init__.py").body
    assert [type(node) for node in body] == [ast.Expr]
    assert isinstance(body[0].value, ast.Constant)


@each_module
def test_a_module_is_short_and_says_what_it_is(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert ast.get_docstring(parsed(path))


# -- what no module does -----------------------------------------------------------------------


def dangers(tree):
    """Uses of what could run foreign code or change the global random state."""
    for name in imports(tree):
        if name.split(".")[0] in ("pickle", "marshal", "shelve", "dill", "joblib"):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            if function in ("eval", "exec", "yaml.load") or function.endswith("random.seed"):
                yield function
            unsafe = [k.arg for k in node.keywords if k.arg == "allow_pickle"]
            if unsafe and "allow_pickle=False" not in ast.unparse(node):
                yield f"{function} with allow_pickle"


@each_module
def test_a_module_runs_no_foreign_code_and_seeds_nothing(path):
    assert not list(dangers(parsed(path)))


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "eval(x)",
        "exec(x)",
        "yaml.load(f)",
        "np.random.seed(1)",
        "np.load(f, allow_pickle=True)",
    ],
)
def test_a_danger_is_found(line):
    assert list(dangers(ast.parse(line)))


IMPORT_ALL = """
import importlib, sys, threading
import numpy as np
touched, events = [], ("socket.", "subprocess.", "os.mkdir", "os.remove", "os.rename", "os.system")
def watch(event, arguments):
    writes = event == "open" and arguments[1] is not None and set(str(arguments[1])) & set("wax+")
    if writes or event.startswith(events):
        touched.append((event, *map(str, arguments)))
settings = lambda: (np.get_printoptions(), repr(np.random.get_state()))
before, loaded = settings(), set(sys.modules)
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
new = {name.partition(".")[0] for name in set(sys.modules) - loaded}
foreign = new - set(sys.stdlib_module_names) - {"nnlib", "numpy", "tqdm", "threadpoolctl"}
assert not touched, touched
assert not foreign, foreign
assert before == settings()
assert threading.active_count() == 1
"""


def test_importing_has_no_side_effects():
    paths = [path for path in MODULES if part(path) not in ("plots", "widgets", "__init__")]
    names = [".".join(path.relative_to(NNLIB.parent).with_suffix("").parts) for path in paths]
    command = [sys.executable, "-W", "error", "-B", "-c", IMPORT_ALL, "nnlib", *names]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- what every public name has ----------------------------------------------------------------


def public_functions(tree):
    """The functions and methods of a module that others may call."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef) and is_public(member.name):
                yield member


def is_public(name):
    """Whether others may call what has this name."""
    return not name.startswith("_") or name in ("__init__", "__call__")


def unannotated(function):
    """The arguments of a function, or its result, that have no type hint."""
    a = function.args
    arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    missing = [x.arg for x in arguments if x and x.annotation is None]
    return [x for x in missing if x not in ("self", "cls")] + ["->"] * (function.returns is None)


each_module_to_call = pytest.mark.parametrize(  # a document's claims are read, not called
    "path", [path for path in MODULES if part(path) != "documents"], ids=lambda path: path.stem
)


@each_module_to_call
def test_public_signatures_have_type_hints(path):
    missing = {f.name: unannotated(f) for f in public_functions(parsed(path))}
    assert not {name: arguments for name, arguments in missing.items() if arguments}


@each_module_to_call
def test_public_functions_say_what_they_do(path):
    tree = parsed(path)
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    public = [node for node in named if is_public(node.name)]
    assert not [node.name for node in public if not ast.get_docstring(node)]


def test_a_missing_type_hint_is_found():
    (function,) = public_functions(ast.parse("def f(x: int, *y, z=1): pass"))
    assert unannotated(function) == ["z", "y", "->"]


@pytest.mark.parametrize("module", [name for name in PUBLIC if (NNLIB / f"{name}.py").exists()])
def test_public_names_exist_and_show_an_example(module):
    found = importlib.import_module(f"nnlib.{module}")
    for name in PUBLIC[module].split():
        assert ">>> " in (inspect.getdoc(getattr(found, name)) or ""), name
