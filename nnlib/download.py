"""A file from a server that nobody vouches for: right in size and checksum, or a short reason."""

import hashlib
import os
import secrets
import textwrap
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnlib.idx import pieces
from nnlib.progress import progress_bar

HOUR = 3600  # seconds


def download(url: str, sha256: str, *, most: int, timeout: float) -> bytes:
    """The file that an https address serves, when it has the checksum and at most so many bytes.

    No byte beyond is read. It stays in memory, so that no server can fill a disk, and a download
    that is broken off or killed leaves nothing behind.

    Errors   ConnectionError that says in a few words why not.

    >>> download("http://127.0.0.1/", "", most=100, timeout=1)
    Traceback (most recent call last):
    ...
    ConnectionError: No connection adapters were found for 'http://127.0.0.1/'
    """
    import requests
    from requests.exceptions import BaseHTTPError  # of urllib3, which does the reading

    content, name = bytearray(), url.rpartition("/")[2]
    as_it_is = {"Accept-Encoding": "identity"}
    try:
        with requests.Session() as session:
            https = session.get_adapter("https://")
            session.adapters = {
                "https://": https
            }  # it knows no other way, so no redirect takes one
            session.hooks["response"].append(leave_redirect_unread)
            with session.get(url, headers=as_it_is, stream=True, timeout=timeout) as response:
                response.raise_for_status()
                with progress_bar(total=most, desc=name, unit="B", unit_scale=True) as bar:
                    for piece in pieces(response.raw, most + 1):
                        content += piece
                        bar.update(len(piece))
        if len(content) > most:
            raise ValueError(f"more than {most:,} bytes")
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"{len(content):,} bytes with another SHA-256 hash")
    except (OSError, ValueError, BaseHTTPError) as error:
        raise ConnectionError(in_short(error)) from error
    return bytes(content)


def leave_redirect_unread(response: Any, **_: Any) -> None:
    """Close a redirect before requests reads all that comes with it, which may have no end."""
    if response.is_redirect:
        response.close()


def in_short(error: BaseException) -> str:
    """What lies at the bottom of an error of the network, in a few words on one line."""
    for inner in (error.__cause__, getattr(error, "reason", None), *error.args):
        if isinstance(inner, BaseException):
            return in_short(inner)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    text = "".join(filter(str.isprintable, text.partition(" for url: ")[0]))
    return textwrap.shorten(text, 90, placeholder=" ...")


def put(path: Path, content: bytes) -> None:
    """Write a file, which appears whole or not at all, with the mode that any new file gets."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            file.write(content)
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Delete what a ``put`` of these left when it was killed; one at work does not take an hour."""
    for path in paths:
        for part in path.parent.glob(f"{path.name}.????????.part"):
            with suppress(OSError):  # another process was faster, or it is another user's
                if time.time() - part.stat().st_mtime > HOUR:
                    part.unlink()
