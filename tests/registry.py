"""A registry with one image in it, on a free port of this computer: what ``docker pull`` asks, and no more."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from labkit import images


def _blobs(files: Mapping[str, images.Item], architecture: str) -> tuple[dict[str, bytes], str]:
    """The blobs of an image of one layer by digest, and the digest of its manifest."""
    data = images.write("busybox:1", files, architecture=architecture)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
    digest = json.loads(content["index.json"])["manifests"][0]["digest"]
    return {"sha256:" + name.rpartition("/")[2]: blob for name, blob in content.items() if "sha256" in name}, digest


@contextlib.contextmanager
def registry(files: Mapping[str, images.Item], architecture: str) -> Iterator[tuple[str, list[str]]]:
    """Serve an image; yield its name with tag and digest, and the list of paths that will be asked for."""
    blobs, manifest = _blobs(files, architecture)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        # A client that tries TLS first must see "HTTP/" in the answer, to try again without it.
        default_request_version = "HTTP/1.0"

        def do_GET(self) -> None:
            asked.append(self.path)
            digest = self.path.rpartition("/")[2]
            body = b"{}" if self.path == "/v2/" else blobs.get(digest)
            self.send_response(404 if body is None else 200)
            if digest == manifest:
                self.send_header("Content-Type", json.loads(blobs[digest])["mediaType"])
                self.send_header("Docker-Content-Digest", digest)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}/busybox:1@{manifest}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
