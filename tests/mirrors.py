"""Servers on this machine that serve the small files of MNIST, well or badly."""

import gzip
import http.server
import ssl
import threading
from contextlib import contextmanager

from mnist_files import SMALL

# A key and certificate for 127.0.0.1 and for nothing else, so that the tests speak https too.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCHzRdvTO/svLA4hP
Lf+Q0XB/4h9nqh9DRxKpU0igFhahRANCAATfZqHzPtaAkHuYMUVQ59qUHB1ViyNV
XWG0cXjKw3XkadqwBdiJ4w9mCGnqgUNnPnCJJ+9FT6keZu8vDEhNnjEB
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBbDCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4w
LjEwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN9mofM+1oCQe5gx
RVDn2pQcHVWLI1VdYbRxeMrDdeRp2rAF2InjD2YIaeqBQ2c+cIkn70VPqR5m7y8M
SE2eMQGjUzBRMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMB0GA1Ud
DgQWBBSdxkCr0fzjucU3J+4VNtcIuc/XJjAPBgNVHREECDAGhwR/AAABMAoGCCqG
SM49BAMCA0gAMEUCIDDlQpE7kzkUqCcycGohXQBOI5uoFhFLQrttzfmuYsfpAiEA
qt4+r0RdylVhAtPfsrX6Ox67w9UYSuzRC04nejU8OmA=
-----END CERTIFICATE-----
"""


MOST = 64 << 20  # bytes of an answer that would have no end, did the tests not want to end
BOMB = gzip.compress(bytes(MOST), mtime=0)


class BadServer(http.server.BaseHTTPRequestHandler):
    """Serves the small files, well or badly: the first part of the path says how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        how, name = self.path.strip("/").split("/")
        content = SMALL[name]
        half, flipped = content[: len(content) // 2], content[:-99] + b"!" + content[-98:]
        self.server.requests.append(self.path)
        self.close_connection = True
        if how == "good" or (how in name and how in ("images", "labels")):
            self.answer(content)
        elif how == "cut":
            self.answer(half, length=len(content))
        elif how == "short":  # ends early without having said how long it is
            self.answer(half, length=None)
        elif how == "eager":  # marks the file so that a client which accepts gzip unpacks it
            self.answer(content, "gzip" in self.headers["Accept-Encoding"] and "gzip")
        elif how == "marked":  # marks it whatever the client accepts
            self.answer(content, "gzip")
        elif how == "bomb":  # unpacks to a thousand times as much
            self.answer(BOMB, "gzip")
        elif how == "endless":  # after the right bytes, too
            self.answer(content, length=None)
            self.go_on()
        elif how == "endless-page":
            self.answer(b"<html>", length=None)
            self.go_on()
        elif how == "endless-pieces":
            self.answer(b"", length=None, chunked=True)
            self.go_on(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
        elif how == "endless-as-promised":
            self.answer(content, length=1 << 40)
            self.go_on()
        elif how == "endless-redirect":
            self.send_response(302)
            self.send_header("Location", self.server.targets["moved"] + name)
            self.end_headers()
            self.go_on()
        elif how == "promises-more":
            self.answer(content, length=len(content) + 1)
        elif how == "promises-less":
            self.answer(content, length=len(content) - 1)
        elif how == "promises-nonsense":
            self.answer(content, length="many")
        elif how == "second-thoughts":  # fails the first time that it is asked
            if self.server.requests.count(self.path) == 1:
                self.send_error(503)
            else:
                self.answer(content)
        elif how == "rude":
            self.send_response(500, "\x1b[31m" + "no " * 1000)
            self.end_headers()
        elif how == "corrupt":
            self.answer(flipped)
        elif how == "page":
            self.answer(b"<html>Please log in to the guest network</html>")
        elif how == "stall":
            self.answer(half, length=len(content))
            self.wfile.flush()
            self.server.over.wait(30)
        elif how == "mute":
            self.server.over.wait(30)
        elif how == "nonsense":
            self.wfile.write(b"\x16\x03\x01 what?\r\n\r\n")
        elif how == "error":
            self.send_error(500)
        elif how in ("gone", "images", "labels"):
            self.send_error(404)
        else:
            self.redirect(self.server.targets[how] + name)

    def answer(self, content, encoding=None, length=0, chunked=False):
        self.send_response(200)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Type", "application/x-gzip")
        self.send_header("Content-Disposition", 'attachment; filename="../../evil"')
        if length is not None:
            self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def go_on(self, piece=bytes(1 << 16)):
        """Write until the client has enough, and note how much that was."""
        while self.server.sent < MOST:
            self.wfile.write(piece)
            self.server.sent += len(piece)

    def redirect(self, location):
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    """Keeps to itself that a client broke off."""

    def handle_error(self, request, client_address):
        pass


@contextmanager
def running(folder):
    """A server that speaks https, and one that speaks http and should never be asked."""
    pem = folder / "loopback.pem"
    pem.write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    secure, plain = (QuietServer(("127.0.0.1", 0), BadServer) for _ in range(2))
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    at, plain_at = (f"127.0.0.1:{server.server_port}" for server in (secure, plain))
    threads = [threading.Thread(target=s.serve_forever, args=(0.01,)) for s in (secure, plain)]
    for server in (secure, plain):
        server.requests, server.sent = [], 0
        server.over, server.pem = threading.Event(), pem
        server.targets = {
            "moved": f"https://{at}/good/",
            "moved-twice": f"https://{at}/moved/",
            "downgraded": f"http://{plain_at}/good/",
            "downgraded-later": f"https://{at}/downgraded/",
            "shouted": f"HTTP://{plain_at}/good/",
            "circle": f"https://{at}/circle/",
            "to-a-file": pem.parent.as_uri() + "/",
        }
    for thread in threads:
        thread.start()
    try:
        yield secure, plain
    finally:
        for server, thread in zip((secure, plain), threads):
            server.over.set()
            server.shutdown()
            server.server_close()
            thread.join()
