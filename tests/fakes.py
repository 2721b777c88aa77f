"""Stand-ins for what the tests of finding a daemon need: servers of every temper, places, papers, another user."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import parse_headers
from pathlib import Path
from typing import Any

import pytest
import trustme

Conversation = Callable[[socket.socket, threading.Event], None]
"""What a server does with one connection; the event is set when the test is over."""

# --- Servers ----------------------------------------------------------------------------------------------


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def server(conversation: Conversation, *, at: Path | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Listen at a socket file, or on a free port of this computer; yield the address as in ``DOCKER_HOST``."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(30)
            with contextlib.suppress(OSError):  # the other side went away, or does not speak TLS
                if not at:  # as dockerd does: what it writes in two pieces would wait for an acknowledgement
                    self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                with sock:
                    conversation(sock, over)

    listener: socketserver.TCPServer = _UnixServer(str(at), Handler) if at else _TcpServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"unix://{at}" if at else f"tcp://127.0.0.1:{listener.socket.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def docker(api: str = "1.43", *, info: object = None, status: str = "200 OK") -> Conversation:
    """Answer ``/_ping`` and ``/info`` as a daemon does; ``status`` is that of ``/info``."""
    if info is None:
        info = {"ServerVersion": "25.0.3", "Name": "fake", "Driver": "overlay2"}

    def converse(sock: socket.socket, over: threading.Event) -> None:
        asked = request(sock).endswith("/info")
        body = json.dumps(info if asked else "OK")
        first = f"HTTP/1.1 {status if asked else '200 OK'}\r\nApi-Version: {api}\r\n"
        head = f"{first}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        sock.sendall((head + body).encode())

    return converse


def pings_only(sock: socket.socket, over: threading.Event) -> None:
    """Answer the ping, and keep silent at everything else."""
    if request(sock) == "/_ping":
        sock.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 0\r\n\r\n")
    else:
        over.wait()


def silent(sock: socket.socket, over: threading.Event) -> None:
    """Accept, and never say a word."""
    over.wait()


def hang_up(sock: socket.socket, over: threading.Event) -> None:
    """Read the question, and close without an answer."""
    request(sock)


def slam(sock: socket.socket, over: threading.Event) -> None:
    """Close with the question unread, which the kernel tells the other side as a reset: ``tcp(7)``, ``unix(7)``."""
    sock.recv(1)


def says(answer: bytes) -> Conversation:
    """Give one answer to every question, and close."""

    def converse(sock: socket.socket, over: threading.Event) -> None:
        sock.recv(65536)
        sock.sendall(answer)

    return converse


def drips(pause: float) -> Conversation:
    """Begin a good answer, one byte every ``pause`` seconds, and never come to its end."""

    def converse(sock: socket.socket, over: threading.Event) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Patience: ":
            sock.sendall(bytes([byte]))
            if over.wait(pause):
                return
        while not over.wait(pause):
            sock.sendall(b".")

    return converse


def never_ends(line: bytes) -> Conversation:
    """Answer with headers, as fast as the other side takes them, without end."""

    def converse(sock: socket.socket, over: threading.Event) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set():
            sock.sendall(line)

    return converse


def forwards(dial: Callable[[], socket.socket], calls: list[str]) -> Conversation:
    """Pass every byte on to another server and back; note each connection in ``calls``."""

    def converse(sock: socket.socket, over: threading.Event) -> None:
        with dial() as other:
            calls.append("call")
            while not over.is_set():
                ready, _, _ = select.select([sock, other], [], [], 0.05)
                for one, another in ((sock, other), (other, sock)):
                    if one in ready:
                        if not (data := one.recv(65536)):
                            return
                        another.sendall(data)

    return converse


def request(sock: socket.socket) -> str:
    """Read one request to its end, or the other side would hear a reset; return its path, or ``""`` if none came."""
    with sock.makefile("rb") as file:
        words = file.readline().decode("latin-1").split()
        file.read(int(parse_headers(file).get("Content-Length", 0)))
    return words[1] if len(words) > 1 else ""


# --- Places, papers, people -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """The usual places of sockets, and the CLI's folder, all below one short path and all empty at first."""

    folder: Path

    @property
    def usual(self) -> Path:
        """What ``/var/run/docker.sock`` is otherwise."""
        return self.folder / "usual.sock"

    @property
    def rootless(self) -> Path:
        """The socket of a rootless daemon, in ``XDG_RUNTIME_DIR``."""
        return self.folder / "run" / "docker.sock"

    @property
    def home(self) -> Path:
        """The user's home directory."""
        return self.folder / "home"

    @property
    def desktop(self) -> Path:
        """The socket of Docker Desktop, in the home directory."""
        return self.home / ".docker" / "run" / "docker.sock"

    @property
    def config(self) -> Path:
        """The CLI's folder, ``DOCKER_CONFIG``."""
        return self.folder / "config"

    def make(self) -> None:
        """Make the folders, such that another user may enter them."""
        self.folder.chmod(0o755)
        for folder in (self.rootless.parent, self.desktop.parent, self.config):
            folder.mkdir(parents=True)

    def write_context(self, name: str, endpoint: Any) -> Path:
        """Write a context as the CLI does; return the folder where its certificates belong."""
        key = hashlib.sha256(name.encode()).hexdigest()
        meta = self.config / "contexts" / "meta" / key / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
        return self.config / "contexts" / "tls" / key / "docker"

    def choose_context(self, name: object) -> None:
        """Make ``name`` the current context, as ``docker context use`` does."""
        (self.config / "config.json").write_text(json.dumps({"currentContext": name}))


def issue(ca: trustme.CA, folder: Path, *names: str, **dates: Any) -> ssl.SSLContext:
    """Write a client's three files into ``folder``; return the TLS of a server that is called ``names``."""
    folder.mkdir(parents=True, exist_ok=True)
    client = ca.issue_cert("learner@example.org")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    client.private_key_pem.write_to_path(str(folder / "key.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.configure_trust(context)
    ca.issue_cert(*(names or ("127.0.0.1",)), **dates).configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Be somebody whom permission bits stop: root becomes user and group 65534 for a while, others stay."""
    if os.geteuid() != 0:
        yield
        return
    for name in ("docker", "grp", "pwd"):
        importlib.import_module(name)  # now, for the other user may not be able to read Python's own folders
    groups, group = os.getgroups(), os.getegid()
    try:
        try:
            os.setgroups([])
            os.setegid(65534)
            os.seteuid(65534)
        except OSError as error:  # a user namespace with one user in it
            pytest.skip(f"root cannot become somebody else here: {error}")
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
