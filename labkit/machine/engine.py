"""Three questions to the guest's daemon over its own door: are you there, take this image, what is published."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote


def version(port: int, context: ssl.SSLContext, *, timeout: float = 3.0) -> str:
    """Return the engine's version, ``GET /version``.

    Raises:
        OSError: if it does not answer (yet).
    """
    return str(json.loads(_ask("GET", "/version", port, context, timeout))["Version"])


def load(port: int, context: ssl.SSLContext, image: Path, *, timeout: float = 60.0) -> None:
    """Have the daemon read an image: ``POST /images/load``.

    Raises:
        OSError: if it refuses.
    """
    said = _ask("POST", "/images/load?quiet=1", port, context, timeout, image.read_bytes())
    if b'"error"' in said:
        raise OSError(f"the daemon did not load {image}: {said.decode(errors='replace')}")


def published(
    port: int, context: ssl.SSLContext, container: str = "", *, timeout: float = 10.0
) -> dict[str, list[dict[str, Any]]]:
    """Return the id of each container that runs, or of one, with its ports: ``GET /containers/json``.

    Raises:
        OSError: if it does not answer.
    """
    only = quote(json.dumps({"id": [container] if container else []}))
    said = json.loads(_ask("GET", f"/containers/json?filters={only}", port, context, timeout))
    return {str(found["Id"]): list(found.get("Ports") or ()) for found in said}


def _ask(
    method: str, path: str, port: int, context: ssl.SSLContext, timeout: float, body: bytes | None = None
) -> bytes:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
    try:
        connection.request(method, path, body, {"Content-Type": "application/x-tar"} if body else {})
        answer = connection.getresponse()
        said = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise OSError(f"{method} {path}: {answer.status} {said.decode(errors='replace').strip()}")
    return said
