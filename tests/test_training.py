"""What nnlib.training promises: one loop, right, repeatable, resumable, and never half-done."""

import pickle
import re
import traceback
from copy import copy, deepcopy
from pathlib import Path

import numpy as np
import pytest
from runs import (
    DROPOUT,
    LABELS,
    RULES,
    SCHEDULE,
    X,
    build,
    each_rule,
    network,
    output_of,
    replayed,
    state_of,
)
from stored_values import golden_of
from threads import no_thread_left

import nnlib
from nnlib import training as module
from nnlib.blocks import embedding, relu, sigmoid, softmax
from nnlib.data import load_mnist, scale
from nnlib.history import Record
from nnlib.layers import Composite, Layer, Linear, Sequential
from nnlib.losses import binary_cross_entropy_with_logits, mse, softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam, GradientDescent, exponential_decay
from nnlib.parameters import parameter_vector
from nnlib.saving import load, save
from nnlib.training import Training, accuracy, fit

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


def binary(loss, target):
    """A run of a network with one output."""
    model = MLP(6, 1, rng=0, dtype="float64")
    optimizer = Adam(parameter_vector(model)[0])
    return Training(model, loss, optimizer, X, target, batch_size=8, seed=0)


@pytest.mark.parametrize("dtype", [float, int, bool, np.float32])
def test_the_record_of_one_score_counts_what_accuracy_counts(dtype):
    target = (LABELS[:, None] > 0).astype(dtype)
    training, twin = (binary(binary_cross_entropy_with_logits, target) for _ in range(2))
    rows = module.order(0, 0, 50)[:8]
    right = accuracy(twin.model, X[rows], target[rows])
    assert training.step().accuracy == right
    assert 0 < right < 1


def test_a_record_has_no_accuracy_where_the_target_is_no_class():
    """A mean of squares compares values, which are not cut at 0, and 0.5 is no class."""
    for dtype in (float, int):
        record = binary(mse, (LABELS[:, None] > 0).astype(dtype)).step()
        assert np.isnan(record.accuracy)
        assert np.isfinite(record.loss)
    soft = np.where(LABELS[:, None] > 0, 0.9, 0.1)
    assert np.isnan(binary(binary_cross_entropy_with_logits, soft).step().accuracy)


def test_the_schedule_sets_the_rate_before_each_step():
    schedule = exponential_decay(0.5, factor=0.7)
    scheduled, by_hand = build(schedule=schedule), build()
    for step in range(10):
        by_hand.optimizer.lr = schedule(step)
        by_hand.step()
        scheduled.step()
        assert scheduled.optimizer.lr == schedule(step)
    assert state_of(scheduled) == state_of(by_hand)


def fits(*epochs, rule="Adam", **options):
    """The histories and the last state of fits in a row, on one model and optimizer."""
    model = network(dropout=DROPOUT)
    optimizer = RULES[rule](parameter_vector(model)[0])
    sizes = {"batch_size": 8, "seed": 5, "schedule": SCHEDULE, "progress": False} | options
    histories = [
        fit(model, softmax_cross_entropy, optimizer, X, LABELS, epochs=n, **sizes) for n in epochs
    ]
    state = optimizer.state() | {"theta": optimizer.theta}
    return np.concatenate(histories).tobytes(), {
        k: np.asarray(v).tobytes() for k, v in state.items()
    }


@each_rule
@pytest.mark.parametrize("workers", [1, 2])
def test_fits_in_a_row_are_one_fit_bit_for_bit(rule, workers):
    """With dropout and a schedule; no epoch's order comes twice."""
    whole = fits(3, rule=rule, workers=workers)
    assert fits(1, 1, 1, rule=rule, workers=workers) == whole
    assert fits(1, 2, rule=rule, workers=workers) == whole


def test_a_run_on_a_used_optimizer_goes_on_in_the_middle_of_an_epoch():
    first, whole = build(dropout=DROPOUT), build(dropout=DROPOUT)
    first.run(3)
    options = {"batch_size": 8, "seed": 5}
    second = Training(first.model, first.loss, first.optimizer, X, LABELS, **options)
    assert second.steps == 3
    second.run(9)
    whole.run(12)
    assert state_of(second) == state_of(whole)


def test_of_two_runs_on_one_optimizer_only_the_last_that_moved_it_goes_on():
    """Else each would skip every second batch."""
    first = build()
    first.run(2)
    options = {"batch_size": 8, "seed": 5}
    second = Training(first.model, first.loss, first.optimizer, X, LABELS, **options)
    first.step()  # the second has done nothing yet
    for outdated in (second.step, lambda: second.run(2)):
        before = state_of(first)
        with pytest.raises(ValueError, match="where this run left it, at step 2; it is at step 3"):
            outdated()
        assert state_of(first) == before
    third = Training(first.model, first.loss, first.optimizer, X, LABELS, **options)
    third.step()
    with pytest.raises(ValueError, match="Build a new Training, which goes on there"):
        first.step()
    third.step()
    assert state_of(third) == replayed(5)


def test_a_step_by_hand_between_those_of_a_run_is_noticed():
    training = build()
    training.step()
    training.optimizer.step(training.grad)
    with pytest.raises(ValueError, match="left it, at step 1; it is at step 2: another run moved"):
        training.step()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_whose_parameters_a_larger_model_took_over_is_refused(workers):
    training = build(workers=workers)
    training.step()
    before = state_of(training)
    larger = Sequential(training.model, Linear(3, 2, rng=0))
    theta, _ = parameter_vector(larger)
    kept = theta.copy()
    for call in (training.step, lambda: training.run(1), lambda: deepcopy(training)):
        with pytest.raises(ValueError, match="^Training: theta must be its model's vector; got"):
            call()
    assert state_of(training) == before
    assert (theta == kept).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_looking_at_a_part_and_assigning_parameters_leave_a_run_whole(workers):
    training, other = build(workers=workers), build(workers=workers)
    first = training.model.layers()[0]
    parameter_vector(first)
    accuracy(Sequential(first), X, np.arange(50) % 8)
    W = first.params["W"] + 0.5
    first.params["W"] = W
    other.model.layers()[0].params["W"][:] = W
    assert training.run(10).tobytes() == other.run(10).tobytes()
    assert (first.params["W"] != W).all()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("twin", [deepcopy, lambda run: pickle.loads(pickle.dumps(run))])
def test_a_copied_run_goes_on_as_the_run_itself_and_apart_from_it(twin, workers):
    training = build(dropout=DROPOUT, workers=workers)
    training.run(9)
    other = twin(training)
    assert state_of(other) == state_of(training)
    before = training.theta.copy()
    history = other.run(10)
    assert (training.theta == before).all()
    assert other.theta is parameter_vector(other.model)[0] is other.optimizer.theta
    assert training.run(10).tobytes() == history.tobytes()
    assert state_of(other) == state_of(training)


def test_a_shallow_copy_is_another_run_on_the_same_optimizer():
    training = build()
    other = copy(training)
    other.step()
    with pytest.raises(ValueError, match="another run moved it"):
        training.step()


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


# -- PyTorch, and learning at all ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)], ids=["f64", "f32"]
)
def test_sixty_steps_end_where_pytorchs_do(dtype, tolerance):
    golden = golden_of("training")
    x, labels, start, end, losses = (
        golden[f"run/{name}"] for name in ("x", "labels", "start", "end", "losses")
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


# -- types, and what is left alone ---------------------------------------------------------------


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


# -- several workers -----------------------------------------------------------------------------


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


# -- the same seed, the same bytes ---------------------------------------------------------------

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


# -- data that a type cannot hold -----------------------------------------------------------------


def test_numbers_that_the_models_type_cannot_hold_are_refused():
    model = MLP(6, 3, rng=0)
    theta, _ = parameter_vector(model)
    big, before = changed(X, (3, 2), 1e300), theta.tobytes()
    for call in (
        lambda: accuracy(model, big, LABELS),
        lambda: Training(
            model, softmax_cross_entropy, Adam(theta), big, LABELS, batch_size=8, seed=0
        ),
    ):
        with pytest.raises(ValueError, match=r"x must fit float32, as the model is; got 1e\+300\."):
            call()
    target = changed(X[:, :3], (3, 2), -1e300)
    with pytest.raises(ValueError, match="^Training: labels must fit float32, .* got 1e"):
        Training(model, mse, Adam(theta), X, target, batch_size=8, seed=0)
    assert theta.tobytes() == before


def test_whole_numbers_of_modest_size_are_data_like_any():
    x = np.clip(np.rint(20 * X), -100, 100).astype(int)
    assert build(x=x).run(3).tobytes() == build(x=x.astype(float)).run(3).tobytes()


# -- runs that diverge ---------------------------------------------------------------------------


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


@pytest.mark.parametrize("call", ["fit", "run", "step"])
@each_rule
def test_the_last_step_is_looked_at_too(rule, call):
    """At this rate the first step leaves float32, while the loss before it is as good as any."""
    model = network("float32")
    optimizer = RULES[rule](parameter_vector(model)[0])
    optimizer.lr = 1e39
    start = optimizer.theta.tobytes(), repr(optimizer.state())
    data = softmax_cross_entropy, optimizer, X, LABELS
    calls = {
        "fit": lambda: fit(model, *data, epochs=1, batch_size=50, seed=0, progress=False),
        "run": lambda: Training(model, *data, batch_size=50, seed=0).run(1),
        "step": lambda: Training(model, *data, batch_size=50, seed=0).step(),
    }
    with pytest.raises(FloatingPointError) as raised:
        calls[call]()
    assert re.fullmatch(
        r"Training: diverged at step 1: loss 1\.\d+, step not finite\. Likely cause: a learning "
        r"rate of 1e\+39 is too large\. The parameters are those after step 0\.",
        str(raised.value),
    )
    assert (optimizer.theta.tobytes(), repr(optimizer.state())) == start


def test_a_gradient_whose_squares_overflow_is_a_gradient_like_any():
    """float32 ends at 3e38, and the square of 1e30 is beyond it."""
    model = Linear(1, 1, rng=0, dtype="float32")
    optimizer = GradientDescent(parameter_vector(model)[0], lr=1e-32)
    data = binary_cross_entropy_with_logits, optimizer, [[1e30]], [[0.5]]
    record = Training(model, *data, batch_size=1, seed=0).step()
    assert record.gradient_norm == pytest.approx(5e29, rel=1e-6)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("rule", ["GradientDescent", "Adam"])
def test_a_longer_gradient_is_shortened_and_a_shorter_one_left(rule, workers):
    clip = float(np.median(build(rule).run(14).gradient_norm))
    training, model, norms = build(rule, workers=workers, clip=clip), network(), []
    theta, grad = parameter_vector(model)
    optimizer = RULES[rule](theta)
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(50)
        for rows in np.split(order, range(8, 50, 8)):
            grad[:] = 0
            z, pullback = model.on_data(X[rows])
            pullback(softmax_cross_entropy(z, labels=LABELS[rows])[1](1.0))
            norms.append(np.linalg.norm(grad))
            optimizer.step(grad * min(1, clip / norms[-1]))
            assert training.step().gradient_norm == pytest.approx(norms[-1], rel=1e-10)
            np.testing.assert_allclose(training.theta, theta, rtol=1e-10)
    assert min(norms) < clip < max(norms)
    assert replayed(14, rule=rule, clip=1e9) == replayed(14, rule=rule)


def test_a_step_is_as_long_as_the_clip_allows_even_where_squares_overflow():
    model = Linear(1, 1, rng=0, dtype="float32")
    theta, _ = parameter_vector(model)
    before, optimizer = theta.copy(), GradientDescent(theta, lr=0.5)
    data = binary_cross_entropy_with_logits, optimizer, [[1e30]], [[0.5]]
    record = Training(model, *data, batch_size=1, seed=0, clip=2.0).step()
    assert record.gradient_norm == pytest.approx(5e29, rel=1e-6)
    assert np.linalg.norm(theta - before) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_refused_before_anything_changes(value):
    model = network()
    optimizer = Adam(parameter_vector(model)[0])
    optimizer.theta[5] = value
    before = optimizer.theta.tobytes()
    name = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(
        ValueError, match=rf"^Training: theta contains {name}: first at \[5\], 1 in"
    ):
        fit(model, softmax_cross_entropy, optimizer, X, LABELS, epochs=1, batch_size=8, seed=0)
    assert (optimizer.theta.tobytes(), optimizer.t) == (before, 0)


def test_a_loss_may_refuse_scores_that_ran_away():
    """What it says then is for whoever calls the loss; the run has a sentence of its own."""

    def strict(z, *, labels):
        if not np.isfinite(z).all():
            raise ValueError("strict: z contains NaN")
        return softmax_cross_entropy(z, labels=labels)

    for workers in (1, 2):
        model = MLP(6, 8, 3, rng=1, dtype="float64")
        optimizer = GradientDescent(parameter_vector(model)[0], lr=1e200)
        options = {"batch_size": 8, "seed": 5, "workers": workers}
        training = Training(model, strict, optimizer, X, LABELS, **options)
        assert "loss nan. Likely cause: a learning rate of 1e+200" in diverge(training)
        assert np.isfinite(training.theta).all()
    training.theta[:] = 1e308
    again = Training(model, strict, optimizer, X, LABELS, batch_size=8, seed=5)
    assert "loss nan" in diverge(again)


@pytest.mark.parametrize(
    ("rate", "error"),
    [(np.nan, ValueError), (np.inf, ValueError), (-1, ValueError), (None, TypeError)],
)
def test_a_schedule_that_gives_no_rate_is_named(rate, error):
    training = build(schedule=lambda step: 0.01 if step < 3 else rate)
    training.run(3)
    before = state_of(training)
    with pytest.raises(
        error, match=r"^Training: schedule\(3\) must be a number in \[0, inf\); got"
    ):
        training.step()
    assert state_of(training) == before


def test_a_rate_that_is_no_number_is_refused_where_it_is_set():
    training = build()
    for rate in (np.nan, np.inf, -1):
        with pytest.raises(ValueError, match=r"^Adam: lr must be a number in \[0, inf\); got"):
            training.optimizer.lr = rate
    assert training.step().step == 1


# -- mistakes in data, sizes and what is trained -------------------------------------------------


def changed(a, index, value):
    """A copy of an array with one entry changed."""
    a = a.copy()
    a[index] = value
    return a


def case(name, error, sentence, **change):
    """A mistake: what it changes in a call that works, the error, part of its sentence."""
    return pytest.param(change, error, sentence, id=f"{', '.join(change)}: {name}")


def one_argument(z, *, labels):
    """A loss without a pullback."""
    return 1.0


NO_TARGET = changed(np.eye(3)[LABELS], (40, 0), 2)
BYTES = changed((X * 50).astype(np.int8).view(np.uint8), (0, 0), 255)
CASES = [
    case(
        "one-hot",
        ValueError,
        "labels must have shape (50,) to go with z (50, 3); got (50, 3). It looks one-hot: use",
        labels=np.eye(3)[LABELS],
    ),
    case(
        "class numbers",
        ValueError,
        "target must have shape (50, 3) to go with prediction (50, 3); got (50,). Class numbers?",
        loss=mse,
    ),
    case(
        "a column",
        ValueError,
        "labels must have shape (50,) to go with z (50, 3); got (50, 1). Use labels[..., 0].",
        labels=LABELS[:, None],
    ),
    case(
        "from one",
        ValueError,
        f"labels must lie in 0..2; got 3 at index {LABELS.argmax()}. Do they start at 1?",
        labels=LABELS + 1,
    ),
    case(
        "negative",
        ValueError,
        "labels must lie in 0..2; got -1 at index 33.",
        labels=changed(LABELS, 33, -1),
    ),
    case(
        "floats",
        TypeError,
        "labels must be integers; got float64. Use labels.astype(int).",
        labels=LABELS.astype(float),
    ),
    case(
        "NaN label",
        ValueError,
        "labels contains NaN: first at [5]",
        labels=changed(LABELS.astype(float), 5, np.nan),
    ),
    case(
        "booleans",
        TypeError,
        "labels must be integers; got bool. Use labels.astype(int)",
        labels=LABELS > 1,
    ),
    case(
        "names",
        TypeError,
        "labels must be a numeric array; got <U3. Map the names to 0, 1, 2, ... first.",
        labels=["cat"] * 50,
    ),
    case("lengths", ValueError, "x has 50 rows but labels has shape (40,).", labels=LABELS[:40]),
    case("uint8", TypeError, "x is uint8, 0..255; scale it first", x=BYTES),
    case("int64", TypeError, "x is int64 and reaches 255; scale it", x=BYTES.astype(int)),
    case("list", TypeError, "scale it first, as x / 255.", x=BYTES.tolist()),
    case("uint16", TypeError, "x is uint16 and reaches", x=BYTES.astype(np.uint16) * 99),
    case(
        "images",
        ValueError,
        "x must be 2-D (N, features); got (50, 2, 3). Use x.reshape(len(x), -1).",
        x=X.reshape(50, 2, 3),
    ),
    case("one row", ValueError, "got (6,). For one example use x[None, :].", x=X[0]),
    case("turned", ValueError, "6 columns; got (6, 50). Transposed? Use x.T.", x=X.T),
    case("channels", ValueError, "got (50, 1, 2, 3).", x=X.reshape(50, 1, 2, 3)),
    case("empty", ValueError, "x is empty: shape (0, 6)", x=X[:0], labels=LABELS[:0]),
    case("no features", ValueError, "x must have 6 columns; got (50, 0).", x=X[:, :0]),
    case(
        "NaN",
        ValueError,
        "x contains NaN: first at [3, 2], 3 in all.",
        x=changed(X, (3, slice(2, 5)), np.nan),
    ),
    case(
        "infinity",
        ValueError,
        "x contains infinity: first at [3, 2], 1 in all.",
        x=changed(X, (3, 2), -np.inf),
    ),
    case(
        "ragged",
        TypeError,
        "x must be a numeric array; got list. Do all rows have the same length?",
        x=[[1.0, 2.0], [3.0]],
    ),
    case("objects", TypeError, "x must be a numeric array; got object.", x=X.astype(object)),
    case("text", TypeError, "got str. Did you mean nnlib.data.read_idx?", x="train.idx"),
    case("path", TypeError, "Path. Did you mean nnlib.data.read_idx?", x=Path("train.idx")),
    case("complex", TypeError, "x must be a numeric array; got complex128.", x=X + 0j),
    case("no data", TypeError, "x must be an array; got NoneType.", x=None),
    case("no labels", TypeError, "labels must be an array; got NoneType.", labels=None),
    case(
        "target",
        ValueError,
        "target must lie in [0, 1]; got 2.",
        loss=binary_cross_entropy_with_logits,
        labels=NO_TARGET,
    ),
    case("width", ValueError, "x must have 6 columns; got (50, 4).", x=X[:, :4]),
    case("other", ValueError, "must move this model's parameters", optimizer=Adam(np.ones(3))),
    case("name", TypeError, "optimizer must be an Optimizer, as Adam(", optimizer="Adam"),
    case("class", TypeError, "(parameter_vector(model)[0]) is; got type.", optimizer=Adam),
    case("none", ValueError, "epochs must be an integer >= 1; got 0.", epochs=0),
    case("negative", ValueError, "epochs must be an integer >= 1; got -1.", epochs=-1),
    case("half", TypeError, "epochs must be an integer >= 1; got 2.5 (float).", epochs=2.5),
    case("text", TypeError, "epochs must be an integer >= 1; got '10' (str).", epochs="10"),
    case("none", ValueError, "batch_size must be an integer in 1..50; got 0.", batch_size=0),
    case("negative", ValueError, "must be an integer in 1..50; got -1.", batch_size=-1),
    case("too large", ValueError, "must be an integer in 1..50; got 128.", batch_size=128),
    case("float", TypeError, "must be an integer in 1..50; got 32.0 (float).", batch_size=32.0),
    case("text", TypeError, "seed must be an integer >= 0; got '42' (str).", seed="42"),
    case("half", TypeError, "seed must be an integer >= 0; got 1.5 (float).", seed=1.5),
    case("negative", ValueError, "seed must be an integer >= 0; got -1.", seed=-1),
    case("generator", TypeError, "got Generator", seed=np.random.default_rng(0)),
    case("nothing", ValueError, "clip must be a number in (0, inf]; got 0.", clip=0),
    case("NaN", ValueError, "clip must be a number in (0, inf]; got nan.", clip=np.nan),
    case("text", TypeError, "clip must be a number in (0, inf]; got '1' (str).", clip="1"),
    case("workers", ValueError, "workers must be an integer >= 1; got 0.", workers=0),
    case(
        "loss", TypeError, "loss must be a block such as nnlib.losses.mse; got 'mse'.", loss="mse"
    ),
    case(
        "loss with an axis",
        TypeError,
        "loss must be a block such as nnlib.losses.mse; got softmax.",
        loss=softmax,
    ),
    case("loss without target", TypeError, "such as nnlib.losses.mse; got relu.", loss=relu),
    case(
        "half a loss", TypeError, "such as nnlib.losses.mse; got one_argument.", loss=one_argument
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


def calls():
    """What can be called with one argument too few, too many or misspelt."""
    model = network()
    run = {"model": model, "loss": softmax_cross_entropy, "x": X, "labels": LABELS}
    run |= {"optimizer": Adam(parameter_vector(model)[0]), "batch_size": 8, "seed": 0}
    return {
        "fit": (fit, run | {"epochs": 1, "progress": False}, "batch_size"),
        "Training": (Training, run, "seed"),
        "accuracy": (accuracy, {"model": model, "x": X, "labels": LABELS}, "labels"),
    }


@pytest.mark.parametrize("name", ["fit", "Training", "accuracy"])
def test_an_argument_too_few_or_too_many_is_told(name):
    call, good, one = calls()[name]
    for bad, sentence in (
        (
            {k: v for k, v in good.items() if k != one},
            f"{one} is missing; give it by keyword, {one}=",
        ),
        (good | {f"{one}s": 1}, f"takes no {one}s. Did you mean {one}?"),
        (good | {"qqq": 1}, "takes no qqq. Its keywords are "),
    ):
        with pytest.raises(TypeError, match=f"^{name}: {re.escape(sentence)}"):
            call(**bad)
    with pytest.raises(TypeError, match=f"^{name}: too many positional arguments; its"):
        call(*range(99))
    with pytest.raises(TypeError, match=f"^{name}: multiple values for argument 'model'; its"):
        call(network(), **good)
    call(**good)


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


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_accuracy_of_scores_that_are_not_finite_is_refused(value):
    """NaN everywhere would else be read as class 0."""
    model = network("float32")
    parameter_vector(model)[0][:] = value
    sentence = r"^accuracy: scores must be finite; got NaN or infinity in row 0\."
    with pytest.raises(FloatingPointError, match=sentence):
        accuracy(model, 10 * X, np.zeros(50, int))


def test_one_row_whose_scores_are_not_finite_is_named():
    model, x = Linear(6, 3, rng=0), changed(X, (33, 0), 1e308)
    parameter_vector(model)[0][:] = 1e3
    with pytest.raises(FloatingPointError, match="in row 33"):
        accuracy(model, x, LABELS, batch_size=20)


SCORES = np.array([[-2.0], [-1e-9], [0.0], [1e-9], [3.0]])


@pytest.mark.parametrize("dtype", [int, np.uint8, bool, float, np.float32])
@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_score_a_row_is_cut_at_0(dtype, shape):
    model = Linear(1, 1, init=lambda shape, rng: np.ones(shape), rng=0)
    labels = np.array([0, 0, 0, 1, 1], dtype).reshape(shape)
    assert accuracy(model, SCORES, labels) == 1
    assert accuracy(model, SCORES, 1 - labels.astype(int)) == 0
    assert accuracy(model, SCORES, labels, batch_size=2) == 1


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 0, 2, 1, 1], "must be 0 or 1 for a single score a row; got 2 at index [2]."),
        ([0, 0.5, 0, 1, 1], "got 0.5 at index [1]."),
        ([-1, 0, 0, 1, 1], "got -1 at index [0]."),
        ([[0, 1]] * 5, "must have shape (5,); got (5, 2)."),
    ],
)
def test_labels_that_one_score_cannot_name_are_refused(labels, sentence):
    model = Linear(1, 1, rng=0)
    with pytest.raises(ValueError, match=f"^accuracy: labels .*{re.escape(sentence)}"):
        accuracy(model, SCORES, labels)


def test_a_probability_is_not_cut_at_0():
    model = Sequential(Linear(6, 1, rng=0), Layer(sigmoid))
    with pytest.raises(
        ValueError, match="^accuracy: model must end in a score, .* ends in sigmoid"
    ):
        accuracy(model, X, LABELS > 0)


@pytest.mark.parametrize("dtype", [int, float])
def test_a_network_with_one_logit_learns_and_is_counted(dtype):
    target = (X[:, 0] > 0).astype(dtype)
    model = MLP(6, 8, 1, rng=0)
    optimizer = Adam(parameter_vector(model)[0], lr=0.05)
    data = binary_cross_entropy_with_logits, optimizer, X, target[:, None]
    history = fit(model, *data, epochs=40, batch_size=10, seed=0, progress=False)
    assert history.accuracy[-5:].mean() == accuracy(model, X, target) == 1


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
