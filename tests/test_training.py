"""What nnlib.training promises: one loop, right, repeatable, resumable, and never half-done."""

import re
import traceback
from pathlib import Path

import numpy as np
import pytest
from runs import (
    DROPOUT,
    LABELS,
    RULES,
    X,
    build,
    each_rule,
    network,
    output_of,
    replayed,
    state_of,
)
from threads import no_thread_left

import nnlib
from nnlib import training as module
from nnlib.blocks import embedding, relu
from nnlib.data import load_mnist, scale
from nnlib.layers import Composite, Layer, Linear
from nnlib.losses import binary_cross_entropy_with_logits, mse, softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam, GradientDescent, exponential_decay
from nnlib.parameters import parameter_vector
from nnlib.saving import load, save
from nnlib.training import Record, Training, accuracy, fit

GOLDEN = Path(__file__).parent / "golden" / "training.npz"


# -- steps, records, order -----------------------------------------------------------------------


def test_a_step_is_one_update_on_the_next_rows_of_the_epochs_order():
    training, model = build("Momentum"), network()
    theta, grad = parameter_vector(model)
    optimizer = RULES["Momentum"](theta)
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(50)
        for k, rows in enumerate(np.split(order, range(8, 50, 8))):
            grad[:] = 0
            z, pullback = model.on_data(X[rows])
            L, loss_pullback = softmax_cross_entropy(z, labels=LABELS[rows])
            pullback(loss_pullback(1.0))
            record = training.step()
            assert training.theta.tobytes() != theta.tobytes()
            optimizer.step(grad)
            assert training.theta.tobytes() == theta.tobytes()
            right = (z.argmax(axis=1) == LABELS[rows]).mean()
            want = Record(7 * epoch + k + 1, epoch + 1, L, right, np.sqrt(np.vdot(grad, grad)))
            assert record == pytest.approx(want, rel=1e-14)
    assert training.steps == 14
    assert training.steps_per_epoch == 7


def test_an_epoch_sees_every_row_once_and_the_next_in_another_order():
    first, second = (module.order(5, epoch, 50) for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert (first != second).any()


def test_run_and_fit_return_the_records_as_columns():
    history = build().run(9)
    stepped = build()
    records = [stepped.step() for _ in range(9)]
    assert history.dtype.names == Record._fields
    assert [tuple(row) for row in history] == records
    assert history.step.tolist() == list(range(1, 10))
    assert history.epoch.tolist() == [1] * 7 + [2] * 2
    model = network()
    optimizer = RULES["Adam"](parameter_vector(model)[0])
    sizes = {"epochs": 2, "batch_size": 8, "seed": 5, "progress": False}
    fitted = fit(model, softmax_cross_entropy, optimizer, X, LABELS, **sizes)
    assert len(fitted) == 14
    assert fitted[:9].tobytes() == history.tobytes()
    assert len(build().run(0)) == 0


def test_a_record_is_plain_numbers():
    record = build(dtype="float32").step()
    assert [type(value) for value in record] == [int, int, float, float, float]


def test_accuracy_is_no_number_where_the_target_is_no_class():
    for dtype in (float, int):
        target = (LABELS[:, None] > 0).astype(dtype)
        for loss in (mse, binary_cross_entropy_with_logits):
            model = MLP(6, 1, rng=0, dtype="float64")
            optimizer = Adam(parameter_vector(model)[0])
            record = Training(model, loss, optimizer, X, target, batch_size=8, seed=0).step()
            assert np.isnan(record.accuracy)
            assert np.isfinite(record.loss)


def test_the_schedule_sets_the_rate_before_each_step():
    schedule = exponential_decay(0.5, factor=0.7)
    scheduled, by_hand = build(schedule=schedule), build()
    for step in range(10):
        by_hand.optimizer.lr = schedule(step)
        by_hand.step()
        scheduled.step()
        assert scheduled.optimizer.lr == schedule(step)
    assert state_of(scheduled) == state_of(by_hand)


def test_several_optimizers_steps_in_a_row_count_from_where_the_run_began():
    """A second run with the same optimizer begins with its first batch."""
    first = build()
    first.run(3)
    options = {"batch_size": 8, "seed": 5}
    second = Training(first.model, first.loss, first.optimizer, X, LABELS, **options)
    assert (second.steps, first.optimizer.t) == (0, 3)
    assert second.step().step == 1


def test_models_of_ids_and_of_images_can_be_trained():
    class Words(Composite):
        """The mean of the embeddings of some ids, and scores from it."""

        def __init__(self):
            E = np.random.default_rng(0).standard_normal((9, 4))
            super().__init__(Layer(embedding, E=E), Linear(4, 2, rng=0))

        def __call__(self, ids, rng=None):
            y, embedding_pullback = self.parts[0](ids=ids)
            z, linear_pullback = self.parts[1](y.mean(axis=1))

            def pullback(dz):
                dy = linear_pullback(dz)[:, None] / ids.shape[1]
                return embedding_pullback(np.broadcast_to(dy, y.shape))

            return z, pullback

    ids = np.random.default_rng(0).integers(9, size=(40, 5))
    labels = (ids == 3).any(axis=1).astype(int)
    history = build(model=Words(), x=ids, labels=labels).run(200)
    assert history.loss[-20:].mean() < history.loss[:20].mean() / 2


# -- PyTorch (N11), and learning at all (N15) ----------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)], ids=["f64", "f32"]
)
def test_sixty_steps_end_where_pytorchs_do(dtype, tolerance):
    with np.load(GOLDEN, allow_pickle=False) as file:
        x, labels, start, end, losses = (
            file[f"run/{name}"] for name in ("x", "labels", "start", "end", "losses")
        )
    model = MLP(6, 5, 4, 3, rng=0, dtype=dtype)
    theta, _ = parameter_vector(model)
    theta[:] = start
    optimizer = Adam(theta, lr=0.01)
    options = {"batch_size": 8, "seed": 5}
    training = Training(model, softmax_cross_entropy, optimizer, x, labels, **options)
    history = training.run(60)
    np.testing.assert_allclose(history.loss, losses, rtol=0, atol=tolerance)
    np.testing.assert_allclose(theta, end, rtol=0, atol=tolerance * max(1, np.abs(end).max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twenty_examples_are_learnt_by_heart(dtype):
    """Noise with random labels, so nothing but remembering them helps."""
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((20, 10)), rng.integers(4, size=20)
    model = MLP(10, 32, 4, rng=0, dtype=dtype)
    optimizer = Adam(parameter_vector(model)[0], lr=0.01)
    options = {"epochs": 600, "batch_size": 20, "seed": 0, "progress": False}
    history = fit(model, softmax_cross_entropy, optimizer, x, labels, **options)
    assert history.loss[-1] < 1e-3
    assert accuracy(model, x, labels) == 1


def test_the_first_loss_of_an_untrained_network_is_near_chance():
    model = MLP(6, 3, init=lambda shape, rng: np.zeros(shape), rng=0, dtype="float64")
    assert abs(build(model=model).step().loss - np.log(3)) <= 1e-12


# -- types, and what is left alone (B1, B3) ------------------------------------------------------


@each_rule
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data", ["float32", "float64"])
def test_the_models_type_is_kept_whatever_the_datas(rule, dtype, data):
    training = build(rule, dtype, x=X.astype(data))
    training.run(3)
    state = [value for value in training.optimizer.state().values() if np.ndim(value)]
    arrays = [training.theta, training.grad, training.x, *state]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


def test_data_are_neither_changed_nor_need_they_be_writable():
    x, labels = X.copy(), LABELS.copy()
    x.flags.writeable = labels.flags.writeable = False
    build(x=x, labels=labels).run(10)


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a.tolist(),
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1][::-1],
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        lambda a: Lookalike(a),
    ],
    ids=["list", "F order", "strided", "reversed", "big-endian", "__array__"],
)
def test_data_of_other_forms_give_the_same_run(form):
    training = build(x=form(X), labels=form(LABELS))
    training.run(10)
    assert state_of(training) == replayed(10)


class Lookalike:
    """Like a tensor or a table of another library: it can be asked for an array."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return np.array(self.a, dtype)


def test_training_neither_reads_nor_changes_the_global_generator():
    before = np.random.get_state()
    build(dropout=DROPOUT).run(5)
    assert repr(np.random.get_state()) == repr(before)


# -- several workers (W7) ------------------------------------------------------------------------


@each_rule
@pytest.mark.parametrize("workers", [2, 3, 9])
def test_workers_share_a_batch_and_agree_with_one(rule, workers):
    one, several = build(rule), build(rule, workers=workers)
    with no_thread_left():
        for _ in range(15):
            np.testing.assert_allclose(several.step(), one.step(), rtol=1e-12)
            np.testing.assert_allclose(several.theta, one.theta, rtol=0, atol=1e-12)


def test_workers_draw_different_masks():
    """Each takes its share with numbers of its own; the same seed gives the same run."""
    first, again = (build(dropout=DROPOUT, workers=2) for _ in range(2))
    assert first.run(10).tobytes() == again.run(10).tobytes()
    generators = [first.generator(0, k).random() for k in (0, 1)]
    assert generators[0] != generators[1]


def test_an_error_in_a_worker_reaches_the_caller_and_leaves_no_thread():
    training = build(workers=2)
    training.labels = np.full(50, 99)
    before = state_of(training)
    with no_thread_left(), pytest.raises(ValueError, match="labels must lie in 0..2; got 99"):
        training.step()
    assert state_of(training) == before


def test_a_progress_bar_shows_and_leaves_no_thread(capsys):
    model = network()
    optimizer = Adam(parameter_vector(model)[0])
    with no_thread_left():
        fit(model, softmax_cross_entropy, optimizer, X, LABELS, epochs=1, batch_size=8, seed=0)
    assert "training: 100%" in capsys.readouterr().err


# -- the same seed, the same bytes (B9) ----------------------------------------------------------

SUMS = """
import hashlib, runs as t
for rule in t.RULES:
    training = t.build(rule, "float32", dropout=t.DROPOUT)
    history = training.run(20)
    print(hashlib.sha256(training.theta.tobytes() + history.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_two_fresh_processes():
    first, second = (output_of(SUMS, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    assert len(set(first.split())) == len(RULES)


def test_another_seed_gives_another_run():
    assert build(seed=1).run(5).tobytes() != build(seed=2).run(5).tobytes()


# -- runs that diverge (B8) ----------------------------------------------------------------------


def diverge(training):
    """Step until the run stops, and return its words."""
    with pytest.raises(FloatingPointError) as raised:
        training.run(10_000)
    return str(raised.value)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_rate_that_is_too_large_is_named_and_the_last_good_step_kept(workers, dtype):
    def run():
        model = MLP(6, 8, 3, rng=1, dtype=dtype)
        optimizer = GradientDescent(parameter_vector(model)[0], lr=1e6)
        options = {"batch_size": 8, "seed": 5, "workers": workers}
        return Training(model, softmax_cross_entropy, optimizer, X, LABELS, **options)

    training, replay = run(), run()
    message = diverge(training)
    found = re.fullmatch(
        r"Training: diverged at step (\d+): loss (\S+)(?:, gradient not finite)?\. Likely cause: "
        r"a learning rate of 1e\+06 is too large\. The parameters are those after step (\d+)\.",
        message,
    )
    assert found, message
    stopped, kept = int(found[1]), int(found[3])
    assert kept == training.steps < stopped
    history = replay.run(kept)
    assert state_of(training) == state_of(replay)
    assert np.isfinite(history.loss).all()
    assert np.isfinite(training.theta).all()
    training.optimizer.lr = replay.optimizer.lr = 1e-4
    assert training.step() == replay.step()


def test_an_input_that_is_not_scaled_is_named():
    model = MLP(6, 3, rng=1)
    optimizer = GradientDescent(parameter_vector(model)[0], lr=0.1)
    options = {"batch_size": 8, "seed": 5}
    x, target = np.clip(np.round(np.abs(X) * 255), 0, 255), np.eye(3)[LABELS]
    message = diverge(Training(model, mse, optimizer, x, target, **options))
    assert "the input reaches 255 (scale it, for example by 1/255), or" in message
    assert "a learning rate of 0.1 is too large" in message


def test_a_run_that_cannot_even_begin_keeps_the_parameters_it_came_with():
    model = MLP(6, 3, rng=1, dtype="float64")
    theta, _ = parameter_vector(model)
    theta *= 1e308
    kept = theta.tobytes()
    training = build(model=model)
    assert "diverged at step 1: loss" in diverge(training)
    assert (theta.tobytes(), training.steps) == (kept, 0)


def test_a_run_that_diverges_behind_a_load_stops_where_it_was_loaded(tmp_path):
    """The last good step is never one from before the load."""
    first, path = build(), tmp_path / "run.npz"
    first.run(10)
    save(path, first)
    state, training = state_of(first), build()
    training.run(3)
    load(path, training)
    training.loss = lambda z, *, labels: (np.nan, lambda dL: np.zeros_like(z))
    assert "diverged at step 11: loss nan" in diverge(training)
    assert state_of(training) == state


# -- mistakes (cases 1 to 24, 29, 53 to 56 of the sixty) -----------------------------------------


def changed(a, index, value):
    """A copy of an array with one entry changed."""
    a = a.copy()
    a[index] = value
    return a


def case(name, error, sentence, **change):
    """A mistake: what it changes in a call that works, the error, part of its sentence."""
    return pytest.param(change, error, sentence, id=name)


NO_TARGET = changed(np.eye(3)[LABELS], (40, 0), 2)
BYTES = (X * 50).astype(np.int8).view(np.uint8)
CASES = [
    case(
        "1 one-hot",
        ValueError,
        "labels must have shape (50,) to go with z (50, 3); got (50, 3). It looks one-hot: use",
        labels=np.eye(3)[LABELS],
    ),
    case(
        "2 class numbers",
        ValueError,
        "target must have shape (50, 3) to go with prediction (50, 3); got (50,). Class numbers?",
        loss=mse,
    ),
    case(
        "3 a column",
        ValueError,
        "labels must have shape (50,) to go with z (50, 3); got (50, 1). Use labels[..., 0].",
        labels=LABELS[:, None],
    ),
    case(
        "4 from one",
        ValueError,
        f"labels must lie in 0..2; got 3 at index {LABELS.argmax()}. Do they start at 1?",
        labels=LABELS + 1,
    ),
    case(
        "5 negative",
        ValueError,
        "labels must lie in 0..2; got -1 at index 33.",
        labels=changed(LABELS, 33, -1),
    ),
    case(
        "6 floats",
        TypeError,
        "labels must be integers; got float64. Use labels.astype(int).",
        labels=LABELS.astype(float),
    ),
    case(
        "7 NaN label",
        ValueError,
        "labels contains NaN: first at [5]",
        labels=changed(LABELS.astype(float), 5, np.nan),
    ),
    case(
        "8 booleans",
        TypeError,
        "labels must be integers; got bool. Use labels.astype(int)",
        labels=LABELS > 1,
    ),
    case(
        "9 names",
        TypeError,
        "labels must be a numeric array; got <U3. Map the names to 0, 1, 2, ... first.",
        labels=["cat"] * 50,
    ),
    case("10 lengths", ValueError, "x has 50 rows but labels has shape (40,).", labels=LABELS[:40]),
    case("11 uint8", TypeError, "x is uint8, 0..255; scale it first", x=BYTES),
    case(
        "12 images",
        ValueError,
        "x must be 2-D (N, features); got (50, 2, 3). Use x.reshape(len(x), -1).",
        x=X.reshape(50, 2, 3),
    ),
    case("13 one row", ValueError, "got (6,). For one example use x[None, :].", x=X[0]),
    case("14 turned", ValueError, "6 columns; got (6, 50). Transposed? Use x.T.", x=X.T),
    case("15 channels", ValueError, "got (50, 1, 2, 3).", x=X.reshape(50, 1, 2, 3)),
    case("16 empty", ValueError, "x is empty: shape (0, 6)", x=X[:0], labels=LABELS[:0]),
    case("17 no features", ValueError, "x must have 6 columns; got (50, 0).", x=X[:, :0]),
    case(
        "18 NaN",
        ValueError,
        "x contains NaN: first at [3, 2], 3 in all.",
        x=changed(X, (3, slice(2, 5)), np.nan),
    ),
    case(
        "19 infinity",
        ValueError,
        "x contains infinity: first at [3, 2], 1 in all.",
        x=changed(X, (3, 2), -np.inf),
    ),
    case(
        "20 ragged",
        TypeError,
        "x must be a numeric array; got list. Do all rows have the same length?",
        x=[[1.0, 2.0], [3.0]],
    ),
    case("20 objects", TypeError, "x must be a numeric array; got object.", x=X.astype(object)),
    case("22 text", TypeError, "got str. Did you mean nnlib.data.read_idx?", x="train.idx"),
    case("22 path", TypeError, "Path. Did you mean nnlib.data.read_idx?", x=Path("train.idx")),
    case("23 complex", TypeError, "x must be a numeric array; got complex128.", x=X + 0j),
    case("24 no data", TypeError, "x must be an array; got NoneType.", x=None),
    case("24 no labels", TypeError, "labels must be an array; got NoneType.", labels=None),
    case(
        "26 target",
        ValueError,
        "target must lie in [0, 1]; got 2.",
        loss=binary_cross_entropy_with_logits,
        labels=NO_TARGET,
    ),
    case("29 width", ValueError, "x must have 6 columns; got (50, 4).", x=X[:, :4]),
    case("53 other", ValueError, "must move this model's parameters", optimizer=Adam(np.ones(3))),
    case("53 name", TypeError, "optimizer must be an Optimizer, as Adam(", optimizer="Adam"),
    case("53 class", TypeError, "(parameter_vector(model)[0]) is; got type.", optimizer=Adam),
    case("54 none", ValueError, "epochs must be an integer >= 1; got 0.", epochs=0),
    case("54 negative", ValueError, "epochs must be an integer >= 1; got -1.", epochs=-1),
    case("54 half", TypeError, "epochs must be an integer >= 1; got 2.5 (float).", epochs=2.5),
    case("54 text", TypeError, "epochs must be an integer >= 1; got '10' (str).", epochs="10"),
    case("55 none", ValueError, "batch_size must be an integer in 1..50; got 0.", batch_size=0),
    case("55 negative", ValueError, "must be an integer in 1..50; got -1.", batch_size=-1),
    case("55 too large", ValueError, "must be an integer in 1..50; got 128.", batch_size=128),
    case("55 float", TypeError, "must be an integer in 1..50; got 32.0 (float).", batch_size=32.0),
    case("56 text", TypeError, "seed must be an integer >= 0; got '42' (str).", seed="42"),
    case("56 half", TypeError, "seed must be an integer >= 0; got 1.5 (float).", seed=1.5),
    case("56 negative", ValueError, "seed must be an integer >= 0; got -1.", seed=-1),
    case("56 generator", TypeError, "got Generator", seed=np.random.default_rng(0)),
    case("workers", ValueError, "workers must be an integer >= 1; got 0.", workers=0),
    case(
        "loss", TypeError, "loss must be a block such as nnlib.losses.mse; got 'mse'.", loss="mse"
    ),
    case("schedule", TypeError, "schedule must be a function step -> ", schedule=0.1),
    case("model", TypeError, "model must be a layer or model; got relu.", model=relu),
]
BEGINNING = r"(fit|Training|parameter_vector|[a-z_]*(cross_entropy|mse)[a-z_]*): "


@pytest.mark.parametrize(("change", "error", "sentence"), CASES)
def test_a_mistake_is_told_before_anything_changes_and_put_right_it_works(change, error, sentence):
    model = network()
    optimizer = Adam(parameter_vector(model)[0])
    good = {"model": model, "loss": softmax_cross_entropy, "optimizer": optimizer}
    good |= {"x": X, "labels": LABELS, "epochs": 1, "batch_size": 8, "seed": 0, "progress": False}
    before = optimizer.theta.tobytes(), repr(optimizer.state())
    arrays = [a for a in change.values() if isinstance(a, np.ndarray)]
    copies = [a.tobytes() for a in arrays]
    with pytest.raises(error) as raised:
        fit(**good | change)
    assert sentence in str(raised.value)
    assert re.match(BEGINNING, str(raised.value))
    deepest = traceback.extract_tb(raised.value.__traceback__)[-1].filename
    assert Path(deepest).parent == Path(nnlib.__file__).parent
    assert (optimizer.theta.tobytes(), repr(optimizer.state())) == before
    assert [a.tobytes() for a in arrays] == copies
    assert len(fit(**good)) == 7


# -- accuracy ------------------------------------------------------------------------------------


def test_accuracy_counts_the_rows_read_rightly_batch_by_batch():
    model = network()
    want = (model(X)[0].argmax(axis=1) == LABELS).mean()
    for batch_size in (1, 7, 50, 4096):
        got = accuracy(model, X, LABELS, batch_size=batch_size)
        assert got == want
        assert type(got) is float


def test_accuracy_is_taken_with_dropout_off():
    assert accuracy(network(dropout=0.9), X, LABELS) == accuracy(network(), X, LABELS)


def test_accuracy_takes_lists_and_whole_numbers():
    model = Linear(2, 2, init=lambda shape, rng: np.eye(2), rng=0)
    assert accuracy(model, [[1, 0], [0, 1], [3, 2]], [0, 1, 1]) == 2 / 3


def test_accuracy_of_parameters_that_ran_away_gives_no_warning():
    model = network("float32")
    parameter_vector(model)[0][:] = 1e38
    assert 0 <= accuracy(model, 10 * X, LABELS) <= 1


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"labels": LABELS[:, None]}, ValueError, "labels must have shape (50,); got (50, 1)."),
        ({"labels": np.eye(3)[LABELS]}, ValueError, "One-hot? Use labels.argmax(axis=-1)."),
        ({"labels": LABELS + 1}, ValueError, "labels must lie in 0..2; got 3 at index"),
        (
            {"labels": changed(LABELS, 33, 9)},
            ValueError,
            "labels must lie in 0..2; got 9 at index 33",
        ),
        ({"labels": LABELS[:3]}, ValueError, "x has 50 rows but labels has shape (3,)."),
        ({"x": X[:, :2]}, ValueError, "x must have 6 columns; got (50, 2)."),
        ({"x": X[:0], "labels": LABELS[:0]}, ValueError, "x is empty: shape (0, 6)"),
        ({"x": (X * 9).astype(np.int8).view(np.uint8)}, TypeError, "x is uint8, 0..255; scale it"),
        ({"x": changed(X, 0, np.nan)}, ValueError, "x contains NaN: first at [0, 0], 6 in all."),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1; got 0."),
    ],
)
def test_accuracy_refuses_what_does_not_belong_together(change, error, sentence):
    good = {"x": X, "labels": LABELS, "batch_size": 20}
    with pytest.raises(error) as raised:
        accuracy(network(), **good | change)
    assert str(raised.value).startswith("accuracy: ")
    assert sentence in str(raised.value)


# -- the figure ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_lessons_network_reads_mnist(seed, capsys):
    """[784, 40, 30, 20, 10], ReLU, He, Adam 1e-3, batches of 100, ten epochs: at least 0.965."""
    images = load_mnist()
    if images.bundled:
        pytest.skip("needs MNIST")
    model = MLP(784, 40, 30, 20, 10, rng=seed)
    optimizer = Adam(parameter_vector(model)[0])
    options = {"epochs": 10, "batch_size": 100, "seed": seed, "progress": False}
    x, loss = scale(images.x_train), softmax_cross_entropy
    fit(model, loss, optimizer, x, images.labels_train, **options)
    share = accuracy(model, scale(images.x_test), images.labels_test)
    with capsys.disabled():
        print(f" seed {seed}: {share:.4f}", end="")
    assert share >= 0.965
