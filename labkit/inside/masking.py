"""What must not be shown of a conversation: passwords, tokens, keys; in headers, in JSON, in environments.

Sources: Engine API, *Authentication* (``X-Registry-Auth``, ``X-Registry-Config``), ``AuthConfig``, ``SwarmInspect``
(``JoinTokens``), ``SecretCreate`` (``Data``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MASK = "<masked>"

HEADERS = {"x-registry-auth", "x-registry-config", "authorization", "proxy-authorization", "cookie", "set-cookie"}

FIELDS = {
    *("auth", "password", "passwd", "identitytoken", "registrytoken", "secret", "token", "accesskey", "secretkey"),
    *("jointoken", "jointokens", "unlockkey", "signingcakey"),
}
"""Names of JSON fields, in lower case and without ``_`` and ``-``, whose value is nobody's business."""

SMELLS = re.compile(r"(?i)passw|pwd$|secret|token|credential|(api|access|private|signing|auth)_?key|^auth$|_auth$")
"""A name of an environment variable, or a build argument, whose value is probably a secret."""


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the value of those that carry credentials masked."""
    return {name: MASK if name in HEADERS else value for name, value in headers.items()}


def mask_query(query: Mapping[str, str]) -> dict[str, str]:
    """Return the query with the values of build arguments masked whose names smell of a secret."""
    return {name: _mask_argument(name, value) for name, value in query.items()}


def _mask_argument(name: str, value: str) -> str:
    if name not in ("buildargs", "labels"):
        return value
    try:
        arguments = json.loads(value)
    except ValueError:
        return MASK
    if not isinstance(arguments, dict):
        return value
    masked = {key: MASK if SMELLS.search(key) and word else word for key, word in arguments.items()}
    return value if masked == arguments else json.dumps(masked, separators=(",", ":"))


def mask_json(value: object, *, path: str = "") -> object:
    """Return a JSON value with everything masked that is a secret by its name.

    Args:
        value: what ``json.loads`` gave.
        path: that of the request: the field ``Data`` is a secret below ``/secrets`` alone.
    """
    if isinstance(value, dict):
        return {name: _mask_field(name, inner, path) for name, inner in value.items()}
    if isinstance(value, list):
        return [mask_json(inner, path=path) for inner in value]
    return _mask_variable(value) if isinstance(value, str) else value


def _mask_field(name: str, value: object, path: str) -> object:
    plain = re.sub(r"[_-]", "", name.lower())
    if value and (plain in FIELDS or (plain == "data" and path.startswith("/secrets"))):
        return MASK if isinstance(value, str) else mask_all(value)
    if value and isinstance(value, str) and SMELLS.search(name):
        return MASK
    return mask_json(value, path=path)


def mask_all(value: object) -> object:
    """Return a JSON value of the same shape with every text in it masked."""
    if isinstance(value, dict):
        return {name: mask_all(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [mask_all(inner) for inner in value]
    return MASK if isinstance(value, str) else value


def _mask_variable(text: str) -> str:
    """``NAME=value`` of an environment, where the name smells of a secret."""
    name, equals, value = text.partition("=")
    return f"{name}={MASK}" if equals and value and name.isidentifier() and SMELLS.search(name) else text
