"""What training promises for sequences: named arrays, and positions that do not count."""

import pickle
import re
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import sequences
from interrupts import interrupted, needs_timer
from runs import DROPOUT, LABELS, RULES, SCHEDULE, X, each_rule, network, output_of, state_of
from sequences import KEEP, LONGEST, WORDS, Reverser, build
from threads import no_thread_left

from nnlib import training as module
from nnlib.blocks import embedding
from nnlib.calculus import check_vjp
from nnlib.history import Record
from nnlib.layers import Composite, Layer, Linear, Sequential
from nnlib.losses import binary_cross_entropy_with_logits, mse, softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam, GradientDescent
from nnlib.parameters import objective, parameter_vector
from nnlib.saving import load, save
from nnlib.training import Training, accuracy, fit

IDS, MASK, TURNED = sequences.X["ids"], sequences.X["mask"], sequences.LABELS


def cut(x, rows):
    """Some rows of named arrays."""
    return {name: a[rows] for name, a in x.items()}


def replayed(steps, **options):
    """The state of an untroubled run after so many steps."""
    training = build(**options)
    training.run(steps)
    return state_of(training)


# -- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_padded_sequences_are_learnt_to_be_turned_round(dtype):
    """Of 1000 sequences, in twelve epochs; those that are counted were never seen."""
    x, labels, keep = sequences.sequences(1000)
    model = Reverser(dtype=dtype)
    optimizer = Adam(parameter_vector(model)[0], lr=0.01)
    options = {"epochs": 12, "batch_size": 50, "seed": 0, "progress": False}
    history = fit(model, softmax_cross_entropy, optimizer, x, labels, keep=keep, **options)
    unseen, turned, count = sequences.sequences(500, seed=1)
    assert history.accuracy[0] < 0.5
    assert history.accuracy[-1] == 1
    assert accuracy(model, unseen, turned, keep=count) > 0.99


def test_the_whole_models_gradient_is_true():
    model, rows = Reverser(d=4), slice(4)
    theta, _ = parameter_vector(model)
    kept = {"labels": TURNED[rows], "keep": KEEP[rows]}
    loss = objective(model, softmax_cross_entropy, constants=cut(sequences.X, rows), **kept)
    assert check_vjp(loss, theta.copy()) <= 1e-7


def test_a_step_is_one_update_with_the_named_arrays_of_its_rows():
    training, model = build(), Reverser()
    theta, grad = parameter_vector(model)
    optimizer = RULES["Adam"](theta)
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(50)
        for k, rows in enumerate(np.split(order, range(8, 50, 8))):
            grad[:] = 0
            z, pullback = model(ids=IDS[rows], mask=MASK[rows])
            kept = KEEP[rows]
            L, loss_pullback = softmax_cross_entropy(z, labels=TURNED[rows], keep=kept)
            pullback(loss_pullback(1.0))
            record = training.step()
            optimizer.step(grad)
            assert training.theta.tobytes() == theta.tobytes()
            right = (z.argmax(axis=-1) == TURNED[rows])[kept].mean()
            want = Record(7 * epoch + k + 1, epoch + 1, L, right, np.sqrt(np.vdot(grad, grad)))
            assert record == pytest.approx(want, rel=1e-14)


# -- named arrays --------------------------------------------------------------------------------


class Listener(Composite):
    """A model of named arrays that notes with what it is called."""

    def __init__(self, dtype):
        super().__init__(Linear(3, 2, rng=0, dtype=dtype))
        self.heard = []

    def __call__(self, *, x, ids, flags=None, rng=None):
        self.heard.append({"x": x.dtype, "ids": ids.dtype, "flags": flags.dtype})
        return self.parts[0](x)


FLOATS = np.random.default_rng(0).standard_normal((50, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ids", ["int64", "int16", "uint8"])
@pytest.mark.parametrize("floats", ["float16", "float32", "float64"])
def test_ids_stay_integers_masks_boolean_and_floats_are_of_the_parameters_type(dtype, ids, floats):
    model = Listener(dtype)
    named = {"x": FLOATS.astype(floats), "ids": np.full(50, 200, ids), "flags": FLOATS[:, 0] > 0}
    optimizer = Adam(parameter_vector(model)[0])
    labels = LABELS % 2
    Training(model, softmax_cross_entropy, optimizer, named, labels, batch_size=8, seed=0).run(8)
    accuracy(model, named, labels, batch_size=20)
    want = {"x": np.dtype(dtype), "ids": np.dtype(ids), "flags": np.dtype(bool)}
    assert model.heard == [want] * len(model.heard)
    assert len(model.heard) == 1 + 8 + 1 + 3
    assert {a.dtype for a in optimizer.state().values() if np.ndim(a)} == {np.dtype(dtype)}


def test_named_arrays_train_as_the_same_arrays_by_position_do():
    """Ids may go by position to a model that takes them so; the run is the same, bit for bit."""

    def run(x):
        class Words(Composite):
            def __call__(self, ids, rng=None):
                y, embedding_pullback = self.parts[0](ids=ids)
                z, linear_pullback = self.parts[1](y)
                return z, lambda dz: embedding_pullback(linear_pullback(dz))

        E = np.random.default_rng(0).standard_normal((WORDS + 1, 4))
        model = Words(Layer(embedding, E=E), Linear(4, WORDS, rng=0))
        optimizer = Adam(parameter_vector(model)[0])
        options = {"keep": KEEP, "batch_size": 8, "seed": 0}
        return Training(model, softmax_cross_entropy, optimizer, x, TURNED, **options).run(20)

    assert run(IDS).tobytes() == run({"ids": IDS}).tobytes()


def test_a_sequential_model_hands_named_arrays_to_its_first_part():
    E = np.random.default_rng(0).standard_normal((WORDS + 1, 4))
    model = Sequential(Layer(embedding, E=E), Linear(4, WORDS, rng=0))
    optimizer, x = Adam(parameter_vector(model)[0], lr=0.05), {"ids": np.arange(WORDS)}
    options = {"epochs": 60, "batch_size": WORDS, "seed": 0, "progress": False}
    fit(model, softmax_cross_entropy, optimizer, x, np.arange(WORDS), **options)
    assert accuracy(model, x, np.arange(WORDS)) == 1


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a.tolist(),
        np.asfortranarray,
        lambda a: a[::-1][::-1],
        lambda a: a.astype(a.dtype.newbyteorder(">")),
    ],
    ids=["list", "F order", "reversed", "big-endian"],
)
def test_named_arrays_of_other_forms_give_the_same_run(form):
    x = {name: form(a) for name, a in sequences.X.items()}
    training = build(x=x, labels=form(TURNED), keep=form(KEEP))
    training.run(10)
    assert state_of(training) == replayed(10)


def test_a_file_of_arrays_is_a_mapping_like_any(tmp_path):
    np.savez(tmp_path / "data.npz", **sequences.X)
    with np.load(tmp_path / "data.npz") as x:
        training = build(x=x)
    training.run(10)
    assert state_of(training) == replayed(10)


def test_named_arrays_are_not_changed_and_the_run_keeps_them_when_the_mapping_is():
    x = {name: a.copy() for name, a in sequences.X.items()}
    labels, keep = TURNED.copy(), KEEP.copy()
    for a in (*x.values(), labels, keep):
        a.flags.writeable = False
    training = build(x=x, labels=labels, keep=keep)
    x.clear()
    training.run(10)
    assert state_of(training) == replayed(10)


# -- positions that do not count -----------------------------------------------------------------


def test_what_stands_at_a_label_that_does_not_count_changes_nothing():
    for junk in (-1, 0, 10**9):
        training = build(labels=np.where(KEEP, TURNED, junk))
        history = training.run(10)
        assert state_of(training) == replayed(10)
        assert history.tobytes() == build().run(10).tobytes()


def test_rows_left_out_one_by_one_are_as_rows_that_are_not_there():
    """Of every batch of all rows; at half of the batch size the order would be another."""
    keep = np.arange(50) % 3 > 0
    run = partial(Training, batch_size=50, seed=0)
    models = [network(), network()]
    optimizers = [Adam(parameter_vector(model)[0]) for model in models]
    whole = run(models[0], softmax_cross_entropy, optimizers[0], X, LABELS, keep=keep).run(5)
    alone = Training(
        models[1], softmax_cross_entropy, optimizers[1], X[keep], LABELS[keep],
        batch_size=keep.sum(), seed=0,
    ).run(5)  # fmt: skip
    for name in ("loss", "accuracy", "gradient_norm"):
        np.testing.assert_allclose(whole[name], alone[name], rtol=1e-12)
    np.testing.assert_allclose(*(o.theta for o in optimizers), rtol=0, atol=1e-12)


def test_everything_kept_is_as_nothing_said():
    labels = np.where(KEEP, TURNED, 0)
    with_keep, without = build(labels=labels, keep=KEEP | True), build(labels=labels, keep=None)
    assert with_keep.run(20).tobytes() == without.run(20).tobytes()
    assert state_of(with_keep) == state_of(without)


def test_scores_that_do_not_count_may_be_anything():
    """The model gives NaN for padding; neither loss nor accuracy looks at it."""

    class Careless(Composite):
        def __call__(self, x, rng=None):
            z, pullback = self.parts[0](x)
            return np.where(np.arange(3)[:, None] < 2, z, np.nan), pullback

    model = Careless(Linear(6, 3, rng=0))
    x, labels = np.stack([X] * 3, axis=1), np.stack([LABELS] * 3, axis=1)
    keep = np.broadcast_to([True, True, False], labels.shape)
    optimizer = Adam(parameter_vector(model)[0], lr=0.01)
    options = {"keep": keep, "batch_size": 8, "seed": 0}
    history = Training(model, softmax_cross_entropy, optimizer, x, labels, **options).run(300)
    assert history.loss[-20:].mean() < history.loss[0] / 2
    assert accuracy(model, x, labels, keep=keep) == accuracy(model.parts[0], X, LABELS) > 0.8
    with pytest.raises(FloatingPointError, match="^accuracy: scores must be finite; .* in row 7"):
        accuracy(model, x, labels, keep=keep | (np.arange(50) == 7)[:, None], batch_size=5)


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_a_loss_of_ones_own_may_leave_positions_out(shape):
    """A single score a row is counted where it is kept, by whatever loss."""

    def kept_alone(z, *, target, keep):
        z, back = (z[:, 0], lambda dz: dz[:, None]) if target.ndim == 1 else (z, lambda dz: dz)
        L, pullback = binary_cross_entropy_with_logits(z[keep], target=target[keep])

        def kept_pullback(dL):
            dz = np.zeros_like(z)
            dz[keep] = pullback(dL)
            return back(dz)

        return L, kept_pullback

    model, keep = Linear(6, 1, rng=0), np.arange(50) % 4 > 0
    target = np.where(keep, LABELS > 0, np.nan).reshape(shape)
    optimizer, kept = Adam(parameter_vector(model)[0], lr=0.05), keep.reshape(shape)
    options = {"batch_size": 50, "seed": 0}
    training = Training(model, kept_alone, optimizer, X, target, keep=kept, **options)
    training.run(100)
    right = accuracy(model, X[keep], target[keep])
    assert training.step().accuracy == accuracy(model, X, target, keep=kept) == right > 0.6


# -- several workers -----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 3, 9])
def test_workers_agree_with_one_however_much_each_keeps(workers):
    """Some rows keep one position and some six, and a worker's rows may keep none at all.

    Not by Adam: it makes steps of the rounding in the keys' biases, whose gradient is 0.
    """
    keep = KEEP.copy()
    keep[:, 1:] &= (np.arange(50) % 3 > 0)[:, None]
    keep[11] = False
    one, several = (build("Momentum", keep=keep, workers=n) for n in (1, workers))
    with no_thread_left():
        for _ in range(15):
            np.testing.assert_allclose(several.step(), one.step(), rtol=1e-12)
            np.testing.assert_allclose(several.theta, one.theta, rtol=0, atol=1e-12)


def test_a_worker_whose_rows_keep_nothing_takes_no_part():
    """Nine rows in ten keep nothing: most of 25 workers have two such."""
    keep = KEEP & (np.arange(50) % 10 == 0)[:, None]
    one, several = (build("Momentum", keep=keep, batch_size=50, workers=n) for n in (1, 25))
    assert any(not keep[rows].any() for rows in np.split(module.order(5, 0, 50), 25))
    np.testing.assert_allclose(several.step(), one.step(), rtol=1e-12)
    np.testing.assert_allclose(several.theta, one.theta, rtol=0, atol=1e-12)


# -- saved, resumed, copied, interrupted ---------------------------------------------------------

RESUME = """
import sys, sequences, numpy as np
from nnlib.saving import load
training = sequences.build(dropout=0.2, workers=int(sys.argv[2]))
load(f"{sys.argv[1]}/run.npz", training)
history = training.run(30)
np.savez(f"{sys.argv[1]}/end.npz", theta=training.theta, history=history)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_resumed_in_a_new_process_is_the_unbroken_run_bit_for_bit(tmp_path, workers):
    training = build(dropout=0.2, workers=workers)
    training.run(30)
    save(tmp_path / "run.npz", training)
    history = training.run(30)
    output_of(RESUME, tmp_path, workers)
    with np.load(tmp_path / "end.npz") as end:
        assert end["theta"].tobytes() == training.theta.tobytes()
        assert end["history"].tobytes() == history.tobytes()


OTHER_KEEP = KEEP & (np.arange(LONGEST) < 5)
OTHERS = {
    "ids": ({"x": sequences.X | {"ids": IDS[::-1]}}, r"data: x\['ids'\] is int64 \(50, 6\) \w+, "),
    "mask": ({"x": sequences.X | {"mask": MASK | True}}, r"data: x\['mask'\] is bool|int64"),
    "keep": ({"keep": OTHER_KEEP, "labels": np.where(OTHER_KEEP, TURNED, -1)}, "keep is "),
    "labels": ({"labels": np.where(KEEP, (TURNED + 1) % WORDS, -1)}, "data: labels is "),
    "all kept": ({"keep": None, "labels": np.where(KEEP, TURNED, 0)}, "data: keep is unexpected"),
}


@pytest.mark.parametrize(("change", "reason"), OTHERS.values(), ids=OTHERS)
def test_a_file_of_a_run_on_other_data_is_refused(tmp_path, change, reason):
    """Each named array is known again, and so are the positions that count."""
    training, other = build(), build(**change)
    training.run(3)
    save(tmp_path / "run.npz", training)
    before = state_of(other)
    with pytest.raises(ValueError, match=reason):
        load(tmp_path / "run.npz", other)
    assert state_of(other) == before
    load(tmp_path / "run.npz", build(labels=np.where(KEEP, TURNED, 99)))  # which nobody looks at


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("twin", [deepcopy, lambda run: pickle.loads(pickle.dumps(run))])
def test_a_copied_run_goes_on_as_the_run_itself_and_apart_from_it(twin, workers):
    training = build(dropout=0.2, workers=workers)
    training.run(9)
    other = twin(training)
    before = training.theta.copy()
    history = other.run(10)
    assert (training.theta == before).all()
    assert training.run(10).tobytes() == history.tobytes()


@needs_timer
@pytest.mark.parametrize(("workers", "trials"), [(1, 12), (2, 3)])
def test_an_interrupted_fit_is_not_torn_and_can_be_called_again(workers, trials):
    rng, sizes = np.random.default_rng(0), {"batch_size": 8, "seed": 5, "workers": workers}
    for _ in range(trials):
        model = Reverser()
        optimizer = RULES["Adam"](parameter_vector(model)[0])
        data = softmax_cross_entropy, optimizer, sequences.X, TURNED
        call = partial(fit, model, *data, keep=KEEP, progress=False, **sizes)
        with no_thread_left(patience=60):
            assert interrupted(rng.uniform(0.002, 0.1), partial(call, epochs=10**6))
        state = optimizer.state() | {"theta": optimizer.theta, "steps": optimizer.t}
        state = {name: np.asarray(value).tobytes() for name, value in state.items()}
        assert state == replayed(optimizer.t, workers=workers)
        assert len(call(epochs=1)) == 7


@each_rule
@pytest.mark.parametrize("workers", [1, 2])
def test_fits_in_a_row_are_one_fit_bit_for_bit(rule, workers):
    def fits(*epochs):
        model = Reverser(dropout=DROPOUT)
        optimizer = RULES[rule](parameter_vector(model)[0])
        data = softmax_cross_entropy, optimizer, sequences.X, TURNED
        options = {"batch_size": 8, "seed": 5, "schedule": SCHEDULE, "progress": False}
        options |= {"keep": KEEP, "workers": workers}
        histories = [fit(model, *data, epochs=n, **options) for n in epochs]
        return np.concatenate(histories).tobytes(), optimizer.theta.tobytes()

    assert fits(1, 2) == fits(3)


# -- accuracy ------------------------------------------------------------------------------------


def test_accuracy_counts_what_is_kept_batch_by_batch():
    model = Reverser()
    right = model(**sequences.X)[0].argmax(axis=-1) == TURNED
    keep = KEEP.copy()
    keep[10:30] = False  # whole batches without any
    for batch_size in (1, 7, 50, 4096):
        got = accuracy(model, sequences.X, TURNED, keep=keep, batch_size=batch_size)
        assert got == right[keep].mean()
        assert type(got) is float


def test_accuracy_is_taken_with_dropout_off():
    want = accuracy(Reverser(), sequences.X, TURNED, keep=KEEP)
    assert accuracy(Reverser(dropout=0.9), sequences.X, TURNED, keep=KEEP) == want


# -- runs that diverge ---------------------------------------------------------------------------


def test_the_named_array_that_is_not_scaled_is_told():
    model = Listener("float64")
    optimizer = GradientDescent(parameter_vector(model)[0], lr=0.1)
    named = {"ids": np.full(50, 999), "x": np.abs(FLOATS) * 255, "flags": FLOATS > 0}
    named["x"][0, 0] = 1000
    training = Training(model, mse, optimizer, named, FLOATS[:, :2], batch_size=8, seed=0)
    with pytest.raises(FloatingPointError) as raised:
        training.run(10_000)
    cause = r"Likely cause: x\['x'\] reaches 1000 \(scale it, for example by 1/1000\), or a learn"
    assert re.search(cause, str(raised.value))
    assert np.isfinite(training.theta).all()


def test_a_rate_that_is_too_large_is_named_and_the_last_good_step_kept():
    training, replay = (build("GradientDescent") for _ in range(2))
    for run in (training, replay):
        run.run(5)
        run.optimizer.lr = 1e200
    with pytest.raises(FloatingPointError, match=r"Likely cause: a learning rate of 1e\+200 is"):
        training.run(100)
    replay.run(training.steps - 5)
    assert state_of(training) == state_of(replay)


# -- mistakes ------------------------------------------------------------------------------------


def case(name, error, sentence, **change):
    """A mistake: what it changes in a call that works, the error, its sentence or part of it."""
    return pytest.param(change, error, sentence, id=name)


def with_x(**named):
    return sequences.X | named


def with_(a, index, value):
    """A copy of an array with one entry changed."""
    a = a.copy()
    a[index] = value
    return a


FEW = KEEP & (np.arange(50) > 1)[:, None]
CASES = [
    case("rows", ValueError, "x['mask'] must have 50 rows as x['ids']; got shape (49, 1, 6).",
         x=with_x(mask=MASK[:49])),
    case("one for all", ValueError, "got shape (6, 6). What is the same for all rows belongs in",
         x=with_x(mask=np.tri(6, dtype=bool))),
    case("no rows", ValueError, "x['mask'] is empty: shape ();", x=with_x(mask=np.True_)),
    case("empty", ValueError, "x['ids'] is empty: shape (0, 6);", x=with_x(ids=IDS[:0])),
    case("labels", ValueError, "x['ids'] has 50 rows but labels has shape (40, 6).",
         labels=TURNED[:40], keep=KEEP[:40]),
    case("text", TypeError, "x['ids'] must be a numeric array; got <U3.", x=with_x(ids=["cat"])),
    case("None", TypeError, "x['mask'] must be an array; got NoneType.", x=with_x(mask=None)),
    case("ragged", TypeError, "x['ids'] must be a numeric array; got list. Do all rows",
         x=with_x(ids=[[1], [1, 2]])),
    case("masked", TypeError, "x['ids'] must be an array; got MaskedArray.",
         x=with_x(ids=np.ma.masked_array(IDS))),
    case("NaN", ValueError, "x['ids'] contains NaN: first at [3, 2], 1 in all.",
         x=with_x(ids=with_(IDS.astype(float), (3, 2), np.nan))),
    case("floats for ids", TypeError, "ids must be integers; got float64.",
         x=with_x(ids=IDS.astype(float))),
    case("numbers for a mask", TypeError, "mask must be a boolean array; got int64.",
         x=with_x(mask=MASK.astype(int))),
    case("unknown", TypeError, "x must name what Reverser takes; got ids, mask, idz: got an unex",
         x=with_x(idz=IDS)),
    case("missing", TypeError, "x must name what Reverser takes; got ids: missing a required",
         x={"ids": IDS}),
    case("nothing", TypeError, "x must name what Reverser takes; got none: missing", x={}),
    case("rng", TypeError, "x must name arrays, rng not among them; got ids, mask, rng.",
         x=with_x(rng=IDS)),
    case("numbered", TypeError, "x must name what Reverser takes; got 1: ", x={1: IDS}),
    case("a list of names", TypeError, "x must be", x=["ids", "mask"]),
    case("keep of ones", TypeError, "keep must be a boolean array; got int64. Use np.asarray(keep",
         keep=KEEP.astype(int)),
    case("keep of text", TypeError, "keep must be an array; got str", keep="ids"),
    case("keep by row", ValueError, "keep must have shape (50, 6) as labels; got (50,).",
         keep=KEEP[:, 0]),
    case("nothing kept", ValueError, "keep must keep a position; got False at all (50, 6).",
         keep=KEEP & False),
    case("a batch", ValueError, "keep must be True somewhere in every batch; got 2 rows without "
         "any, enough for a batch of 2. Take such rows out of the data.", keep=FEW),
    case("label", ValueError, "labels must lie in 0..6; got 7 at index (3, 0).",
         labels=with_(TURNED, (3, 0), 7)),
    case("kept label", ValueError, "labels must lie in 0..6; got -100 at index", keep=KEEP | True),
    case("NaN label", ValueError, "labels contains NaN: first at [3, 0], 1 in all.",
         labels=with_(TURNED.astype(float), (3, 0), np.nan)),
    case("float labels", TypeError, "labels must be integers; got float64. Use labels.astype(int)",
         labels=TURNED.astype(float)),
]  # fmt: skip


@pytest.mark.parametrize("call", [fit, Training])
@pytest.mark.parametrize(("change", "error", "sentence"), CASES)
def test_a_mistake_is_told_before_anything_changes_and_put_right_it_works(
    call, change, error, sentence
):
    model = Reverser()
    optimizer = Adam(parameter_vector(model)[0])
    good = {"model": model, "loss": softmax_cross_entropy, "optimizer": optimizer}
    good |= {"x": sequences.X, "labels": TURNED, "keep": KEEP, "batch_size": 8, "seed": 0}
    good |= {"epochs": 1, "progress": False} if call is fit else {}
    before = optimizer.theta.tobytes(), repr(optimizer.state())
    with pytest.raises(error) as raised:
        call(**good | change)
    assert sentence in str(raised.value)
    assert re.match(r"(fit|Training|softmax_cross_entropy|embedding|\w+): ", str(raised.value))
    assert (optimizer.theta.tobytes(), repr(optimizer.state())) == before
    call(**good)


SPOKEN_OF_BY_TRAINING_ALONE = ("a batch",)


@pytest.mark.parametrize(
    ("change", "error", "sentence"), [c for c in CASES if c.id not in SPOKEN_OF_BY_TRAINING_ALONE]
)
def test_accuracy_refuses_what_training_does(change, error, sentence):
    good = {"x": sequences.X, "labels": TURNED, "keep": KEEP}
    with pytest.raises(error) as raised:
        accuracy(Reverser(), **good | change)
    assert sentence in str(raised.value)
    accuracy(Reverser(), **good)


def test_rows_that_keep_nothing_are_fine_while_they_cannot_fill_a_batch():
    """The last batch of an epoch has two rows: one without any will do, and with ten rows nine."""
    one = KEEP & (np.arange(50) > 0)[:, None]
    assert len(build(keep=one).run(70)) == 70
    nine = KEEP & (np.arange(50) > 8)[:, None]
    assert len(build(keep=nine, batch_size=10).run(50)) == 50
    with pytest.raises(ValueError, match="got 10 rows without any, enough for a batch of 10"):
        build(keep=KEEP & (np.arange(50) > 9)[:, None], batch_size=10)


@pytest.mark.parametrize("call", [fit, Training])
def test_keep_is_for_a_loss_that_takes_it(call):
    model = Linear(6, 3, rng=0)
    optimizer = Adam(parameter_vector(model)[0])
    options = {"batch_size": 8, "seed": 0} | ({"epochs": 1} if call is fit else {})
    sentence = "^Training: keep is for a loss that takes it, as softmax_cross_entropy .* got mse"
    with pytest.raises(TypeError, match=sentence):
        call(model, mse, optimizer, X, X[:, :3], keep=np.ones((50, 3), bool), **options)


def test_a_model_that_takes_one_array_is_given_no_named_ones():
    model = MLP(6, 3, rng=0)
    with pytest.raises(TypeError, match=r"^accuracy: x must be one array for MLP; got .* named x"):
        accuracy(model, {"x": X}, LABELS)


def test_a_sequence_of_layers_with_a_call_of_its_own_may_take_named_arrays():
    class Scaled(Sequential):
        def __call__(self, *, x, scale, rng=None):
            z, pullback = super().__call__(x * scale, rng=rng)
            return z, lambda dz: scale * pullback(dz)

    model, twin = Scaled(Linear(6, 3, rng=0)), Linear(6, 3, rng=0)
    named = {"x": X, "scale": np.full((50, 1), 2.0)}
    assert accuracy(model, named, LABELS) == accuracy(twin, 2 * X, LABELS)
