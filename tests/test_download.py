"""What fetch promises: the right files whoever serves them, or a short reason and nothing wrong."""

import errno
import io
import os
import re
import signal
import socket
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest
from memory import peak_memory
from mirrors import MOST, running
from mnist_files import ARRAYS, NAMES, SIZES, SMALL, fill, is_small_mnist
from runs import python
from threads import no_thread_left

from nnlib import data, download

MIB = 1 << 20


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with running(tmp_path_factory.mktemp("tls")) as both:
        yield both


@pytest.fixture
def mirror(servers, cache, official, monkeypatch):
    """The address of a mirror that behaves as its name says."""
    secure, plain = servers
    for server in servers:
        server.requests.clear()
        server.sent = 0
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(secure.pem))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return lambda how: f"https://127.0.0.1:{secure.server_port}/{how}/"


def assert_only_right_files(folder):
    """Whatever is there has a name of the four and the bytes that belong to it."""
    for path in folder.rglob("*") if folder.exists() else ():
        assert path.name in SMALL
        assert path.read_bytes() == SMALL[path.name]


def test_fetch_brings_the_four_files_that_load_mnist_then_finds(mirror, cache, servers, capsys):
    with no_thread_left(patience=60):  # the server's own end by themselves
        assert data.fetch(mirrors=[mirror("good")]) == cache
    assert sorted(path.name for path in cache.iterdir()) == sorted(NAMES)
    assert_only_right_files(cache)
    assert is_small_mnist(data.load_mnist())
    assert servers[0].requests == [f"/good/{name}" for name in NAMES]
    said = capsys.readouterr()
    assert said.out == ""
    assert all(name in said.err for name in NAMES)  # the progress bars


def test_what_is_there_is_not_downloaded_again(mirror, cache, servers):
    data.fetch(mirrors=[mirror("good")])
    servers[0].requests.clear()
    data.fetch(mirrors=[mirror("error")])
    data.fetch(cache, mirrors=[mirror("error")])
    assert servers[0].requests == []


@pytest.mark.parametrize("name", ["with some spaces", "Übung 数字", "~/deep/in the home"])
def test_fetch_makes_the_folder_whatever_it_is_called(mirror, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    data.fetch(name, mirrors=[mirror("good")])
    assert is_small_mnist(data.load_mnist(tmp_path / name.removeprefix("~/")))
    monkeypatch.setenv("NNLIB_CACHE", name)
    assert is_small_mnist(data.load_mnist())


FAULTS = {
    "cut": "IncompleteRead",
    "short": "hash",
    "corrupt": "hash",
    "page": "hash",
    "bomb": "hash",
    "stall": "timed out",
    "mute": "timed out",
    "nonsense": "what\\?",
    "error": "500 Server Error",
    "rude": "500 Server Error",
    "gone": "404 Client Error",
    "downgraded": "No connection adapters",
    "downgraded-later": "No connection adapters",
    "shouted": "No connection adapters",
    "circle": "30 redirects",
    "to-a-file": "No connection adapters",
    "endless": "more than [0-9,]+ bytes",
    "endless-page": "more than [0-9,]+ bytes",
    "endless-pieces": "more than [0-9,]+ bytes",
    "endless-as-promised": "more than [0-9,]+ bytes",
    "promises-more": "IncompleteRead",
    "promises-less": "hash",
}
REQUESTS = {"circle": 31}  # for one try


def patience(fault):
    """Seconds: few where they are waited for, many where only a busy machine would need them."""
    return 0.5 if fault in ("stall", "mute") else 60


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_mirror_is_tried_twice_and_leaves_nothing_wrong(mirror, cache, servers, fault):
    with pytest.raises(OSError, match=FAULTS[fault]) as caught:
        data.fetch(mirrors=[mirror(fault)], timeout=patience(fault))
    message = str(caught.value)
    assert not isinstance(caught.value, PermissionError)
    assert message.startswith("fetch: a mirror must serve the files; got none from ")
    assert all(name in message for name in [*NAMES, mirror(fault), str(cache)])
    assert message.isprintable()
    assert len(re.search(rf"{NAMES[0]} \((.*)\)\. Put ", message)[1]) <= 90
    assert list(cache.iterdir()) == []
    assert servers[0].requests.count(f"/{fault}/{NAMES[0]}") == 2 * REQUESTS.get(fault, 1)
    assert servers[0].sent < MOST  # it was broken off
    assert servers[1].requests == []  # not one byte went without encryption


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_bad_mirror_comes_the_next(mirror, cache, servers, fault):
    # a good mirror that is slow for once is asked again, so little patience is enough
    data.fetch(mirrors=[mirror(fault), mirror("good")], timeout=max(5, patience(fault)))
    assert is_small_mnist(data.load_mnist())
    assert_only_right_files(cache)
    assert servers[0].sent < MOST


def test_a_server_without_end_fills_neither_disk_nor_memory(mirror):
    import requests  # noqa: F401 - its own memory does not count

    def fetch():
        with pytest.raises(OSError, match="hash|more than"):
            data.fetch(mirrors=[mirror("endless"), mirror("bomb")])

    disk = []
    with mock.patch.object(data, "put", lambda path, content: disk.append(content)):
        assert peak_memory(fetch) < 16 * MIB
    assert disk == []


def test_nothing_is_read_beyond_one_byte_more_than_the_file_has(mirror, monkeypatch):
    taken, pieces = [], download.pieces

    def counted(file, most):
        for piece in pieces(file, most):
            taken.append(len(piece))
            yield piece

    monkeypatch.setattr(download, "pieces", counted)
    with pytest.raises(OSError, match=f"more than {SIZES[NAMES[0]]:,} bytes"):
        data.fetch(mirrors=[mirror("endless")])
    assert sum(taken) == 2 * (SIZES[NAMES[0]] + 1)


def test_a_mirror_that_failed_is_tried_once_more_after_all_the_others(mirror, servers, cache):
    names = ["second-thoughts", "error", "gone"]
    data.fetch(mirrors=[mirror(name) for name in names])
    assert_only_right_files(cache)
    asked = [path.split("/")[1] for path in servers[0].requests if NAMES[0] in path]
    assert asked == [*names, names[0]]


def test_a_mirror_that_serves_is_asked_for_the_other_files_too(mirror, servers):
    data.fetch(mirrors=[mirror("error"), mirror("good")])
    assert servers[0].requests == [f"/error/{NAMES[0]}", *(f"/good/{name}" for name in NAMES)]


def test_one_mirror_may_have_what_another_lacks(mirror, servers, cache):
    data.fetch(mirrors=[mirror("images"), mirror("labels")])
    assert_only_right_files(cache)
    assert is_small_mnist(data.load_mnist())


def test_an_address_may_end_without_a_slash(mirror, servers):
    data.fetch(mirrors=[mirror("good").rstrip("/")])
    assert servers[0].requests == [f"/good/{name}" for name in NAMES]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mirrors": "https://127.0.0.1/"}, TypeError, "mirrors must be a list of .* got str"),
        ({"mirrors": []}, ValueError, "mirrors must be a list of addresses; got none"),
        ({"timeout": 0}, ValueError, r"timeout must be a number in \(0, inf\); got 0"),
        ({"timeout": None}, TypeError, "timeout must be a number"),
    ],
)
def test_arguments_are_refused_before_anything_is_made(cache, options, error, message):
    with pytest.raises(error, match=f"^fetch: {message}"):
        data.fetch(**options)
    assert not cache.exists()


def test_a_mirror_has_ten_seconds_for_its_next_byte():
    assert data.fetch.__kwdefaults__["timeout"] == 10


WAYS = ["moved", "moved-twice", "eager", "marked", "endless-redirect", "promises-nonsense"]


@pytest.mark.parametrize("way", WAYS)
def test_redirects_within_https_and_odd_headers_make_no_difference(mirror, servers, way):
    data.fetch(mirrors=[mirror(way)])
    assert is_small_mnist(data.load_mnist())
    assert servers[0].sent < MOST


def test_a_mirror_without_encryption_is_not_even_asked(mirror, servers, cache):
    plain = f"http://127.0.0.1:{servers[1].server_port}/good/"
    with pytest.raises(OSError, match="No connection adapters"):
        data.fetch(mirrors=[plain])
    assert servers[1].requests == []
    assert list(cache.iterdir()) == []


def test_a_mirror_that_cannot_prove_who_it_is_is_refused(mirror, servers, cache, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        data.fetch(mirrors=[mirror("good")])
    assert servers[0].requests == []


def test_every_mirror_is_named_when_all_fail(mirror):
    with pytest.raises(OSError, match=r"500 Server Error.* nor from .*404 Client Error") as caught:
        data.fetch(mirrors=[mirror("error"), mirror("gone")])
    assert "by hand" in str(caught.value)
    assert "NNLIB_MNIST" in str(caught.value)


def test_unplugged_the_error_says_which_files_to_put_where(unplugged, tmp_path):
    with pytest.raises(OSError, match=r"^fetch: .*unreachable") as caught:
        data.fetch(tmp_path / "mnist")
    assert all(word in str(caught.value) for word in [*NAMES, *data.MIRRORS, str(tmp_path)])
    assert str(caught.value).isprintable()
    assert len(unplugged) == 2 * len(data.MIRRORS)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), OSError()])
def test_unplugged_the_sentence_is_short(monkeypatch, cache, error):
    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(ConnectionError) as caught:
        data.fetch()
    causes = " nor from ".join(
        f"{mirror}{NAMES[0]} ({error.strerror or 'OSError'})" for mirror in data.MIRRORS
    )
    due = f"fetch: a mirror must serve the files; got none from {causes}. Put {data.MNIST_FILES} "
    assert str(caught.value).startswith(due + f"into {cache} by hand, or set NNLIB_MNIST to ")


def test_an_error_that_the_caller_was_handling_is_not_taken_for_the_cause(mirror):
    try:
        data.load_mnist("nowhere")
    except FileNotFoundError:
        with pytest.raises(ConnectionError, match=r"hash") as caught:
            data.fetch(mirrors=[mirror("page")])
    assert "nowhere" not in str(caught.value)


def test_a_certificate_that_is_not_there_is_not_the_folders_fault(mirror, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConnectionError, match=r"TLS CA certificate bundle"):
        data.fetch(mirrors=[mirror("good")])


def test_a_wrong_file_is_replaced_in_the_cache(mirror, cache):
    cache.mkdir()
    (cache / NAMES[1]).write_bytes(b"half a downl")
    data.fetch(mirrors=[mirror("good")])
    assert_only_right_files(cache)
    assert is_small_mnist(data.load_mnist())


def test_a_wrong_file_in_the_cache_outlives_a_bad_mirror_no_worse(mirror, cache):
    cache.mkdir()
    (cache / NAMES[0]).write_bytes(b"half a downl")
    with pytest.raises(OSError, match="hash"):
        data.fetch(mirrors=[mirror("corrupt")])
    assert [path.name for path in cache.iterdir()] == [NAMES[0]]


def test_files_of_the_users_own_are_never_replaced(mirror, tmp_path, servers):
    fashion = fill(tmp_path / "fashion", [ARRAYS[0] // 2, *ARRAYS[1:]])
    before = {path.name: path.read_bytes() for path in fashion.iterdir()}
    with pytest.raises(ValueError, match=f"^fetch: .*{NAMES[0]} must have SHA-256 .*; got "):
        data.fetch(fashion, mirrors=[mirror("good")])
    assert {path.name: path.read_bytes() for path in fashion.iterdir()} == before
    assert servers[0].requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="chmod does not protect a folder there")
def test_a_folder_that_cannot_be_written_is_named(mirror, tmp_path):
    folder = tmp_path / "read only"
    folder.mkdir()
    folder.chmod(0o500)
    if os.geteuid() == 0:  # root may write anywhere, but for what the kernel keeps to itself
        folder = Path("/sys/nnlib")
    if not folder.parent.exists():
        pytest.skip("root, and no /sys")
    with pytest.raises(PermissionError, match=r"^fetch: folder must be writable") as caught:
        data.fetch(folder, mirrors=[mirror("good")])
    assert str(folder) in str(caught.value)


def break_off(monkeypatch, error):
    """Let every file break off half-way as it is written."""

    class Breaking(io.FileIO):
        def write(self, content):
            super().write(content[:1000])
            raise error

    monkeypatch.setattr(download, "open", Breaking, raising=False)


def test_a_read_only_disk_is_a_permission_error_too(mirror, cache, monkeypatch):
    break_off(monkeypatch, OSError(errno.EROFS, os.strerror(errno.EROFS)))
    with pytest.raises(PermissionError, match=f"got {re.escape(str(cache))}"):
        data.fetch(mirrors=[mirror("good")])


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_stands_where_a_folder_or_a_file_is_due_is_named(mirror, tmp_path, what):
    folder = tmp_path / "mnist"
    if what == "folder":
        folder.write_bytes(b"")
    else:
        (folder / NAMES[0]).mkdir(parents=True)
    with pytest.raises(OSError, match=f"^(fetch|.*{NAMES[0]})"):
        data.fetch(folder, mirrors=[mirror("good")])


def test_a_full_disk_leaves_no_partial_file(mirror, cache, servers, monkeypatch):
    resource = pytest.importorskip("resource", reason="Unix only")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the first file is longer
    try:
        with pytest.raises(
            OSError, match=r"^fetch: folder must be .* 12 MB to spare; got "
        ) as caught:
            data.fetch(mirrors=[mirror("good"), mirror("good")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(cache) in str(caught.value)
    assert list(cache.iterdir()) == []
    assert len(servers[0].requests) == 1  # another mirror would not help


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_writing_that_breaks_off_leaves_no_partial_file(mirror, cache, monkeypatch, error):
    break_off(monkeypatch, error)
    with pytest.raises(type(error)):
        data.fetch(mirrors=[mirror("good")])
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Unix only")
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002, 0o077])
def test_files_and_folders_have_the_mode_of_any_new_one(mirror, tmp_path, umask):
    before = os.umask(umask)
    try:
        folder = data.fetch(tmp_path / "deep" / "mnist", mirrors=[mirror("good")])
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep").rglob("*")}
    due = {folder / name: 0o666 & ~umask for name in NAMES} | {folder: 0o777 & ~umask}
    assert modes == due


def test_a_file_replaced_in_the_cache_has_the_mode_of_any_new_one(mirror, cache):
    cache.mkdir()
    (cache / NAMES[0]).write_bytes(b"half a downl")
    (cache / NAMES[0]).chmod(0o600)
    (cache / "new").write_bytes(b"")
    data.fetch(mirrors=[mirror("good")])
    assert len({path.stat().st_mode for path in cache.iterdir()}) == 1


KILLED = """
import os, signal, sys
import mnist_files
from nnlib import data, download
data.MNIST_SHA256 = mnist_files.SHA256
moment, address = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
if moment == "reading":
    download.pieces = die
else:
    os.replace = die
data.fetch(mirrors=[address])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Unix only")
@pytest.mark.parametrize("moment", ["reading", "writing"])
def test_what_a_killed_fetch_leaves_is_cleaned_up_when_it_is_old(mirror, cache, moment):
    killed = python(KILLED, moment, mirror("good"))
    killed.communicate()
    assert killed.returncode == -signal.SIGTERM
    left = list(cache.iterdir())
    assert [path.suffix for path in left] == [".part"] * (moment == "writing")
    data.fetch(mirrors=[mirror("good")])
    assert set(left) <= set(cache.iterdir())  # it may be that of a fetch which runs still
    for path in left:
        hours_ago(path, 1.1)
    data.fetch(mirrors=[mirror("good")])
    assert_only_right_files(cache)


def hours_ago(path, hours):
    """Make a file that old."""
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def test_only_its_own_old_parts_are_cleaned_up(mirror, cache):
    cache.mkdir()
    names = {
        f"{NAMES[0]}.0123abcd.part": True,
        f"{NAMES[3]}.ffffffff.part": True,
        f"{NAMES[0]}.0123abcd.part.txt": False,
        f"my-{NAMES[0]}.0123abcd.part": False,
        f"{NAMES[0]}.part": False,
        "film.0123abcd.part": False,
        "tmpabcd1234": False,
    }
    for name in names:
        (cache / name).write_bytes(b"")
        hours_ago(cache / name, 30)
    young = cache / f"{NAMES[0]}.89abcdef.part"
    young.write_bytes(b"")
    (cache / f"{NAMES[1]}.89abcdef.part").mkdir()  # and what cannot be deleted stays
    hours_ago(cache / f"{NAMES[1]}.89abcdef.part", 30)
    data.fetch(mirrors=[mirror("good")])
    left = {path.name for path in cache.iterdir()} - set(NAMES)
    kept = {name for name, cleaned in names.items() if not cleaned}
    assert left == kept | {young.name, f"{NAMES[1]}.89abcdef.part"}


def test_fetches_at_once_do_not_disturb_each_other(mirror, cache):
    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(data.fetch, mirrors=[mirror("good")]) for _ in range(6)]
    assert {run.result() for run in runs} == {cache}
    assert_only_right_files(cache)
    assert is_small_mnist(data.load_mnist())


def test_the_command_line_fetches(mirror, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(data.fetch.__kwdefaults__, "mirrors", [mirror("good")])
    data.main(["fetch", str(tmp_path / "mnist")])
    assert capsys.readouterr().out == f"MNIST is in {tmp_path / 'mnist'}\n"
    assert is_small_mnist(data.load_mnist(tmp_path / "mnist"))
    monkeypatch.setitem(data.fetch.__kwdefaults__, "mirrors", [mirror("gone")])
    with pytest.raises(SystemExit, match=r"^fetch: .*404 Client Error"):
        data.main(["fetch"])


@pytest.mark.parametrize("given", ["no network", KeyboardInterrupt()])
def test_the_command_line_ends_without_a_traceback(unplugged, cache, monkeypatch, given):
    if given != "no network":
        monkeypatch.setattr(data, "download", mock.Mock(side_effect=given))
    with pytest.raises(SystemExit) as caught:
        data.main(["fetch"])
    assert caught.value.code == 130 if given != "no network" else len(caught.value.code) < 600
