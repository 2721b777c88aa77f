"""No secret is shown, and nothing else is hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.inside.masking import MASK, mask_headers, mask_json, mask_query

SECRET = "hunter2"


@pytest.mark.parametrize("name", ["x-registry-auth", "x-registry-config", "authorization", "proxy-authorization"])
def test_credentials_in_headers_are_masked(name: str) -> None:
    """The headers in which clients send credentials keep their names and lose their values."""
    headers = {name: SECRET, "content-type": "application/json", "user-agent": "Docker-Client/28"}
    assert mask_headers(headers) == headers | {name: MASK}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/auth", {"username": "ada", "password": SECRET, "serveraddress": "registry.example.org"}),
        ("/auth", {"IdentityToken": SECRET, "Status": "Login Succeeded"}),
        ("/auth", {"auth": SECRET}),
        ("/auth", {"registrytoken": SECRET}),
        ("/secrets/create", {"Name": "db", "Data": SECRET}),
        ("/swarm", {"JoinTokens": {"Worker": SECRET, "Manager": SECRET}}),
        ("/swarm/unlockkey", {"UnlockKey": SECRET}),
        ("/swarm/join", {"JoinToken": SECRET}),
        ("/containers/create", {"Env": [f"DB_PASSWORD={SECRET}", f"API_KEY={SECRET}"]}),
        ("/containers/x/json", {"Config": {"Env": [f"GITHUB_TOKEN={SECRET}"]}}),
        ("/containers/create", {"Labels": {"my.secret": SECRET}}),
        ("/plugins", [{"nested": [{"secret": [SECRET, {"x": SECRET}]}]}]),
    ],
)
def test_secrets_in_json_are_masked(path: str, value: Any) -> None:
    """A field that is a secret by its name is masked, however deep it is."""
    masked = json.dumps(mask_json(value, path=path))
    assert MASK in masked
    assert SECRET not in masked


@pytest.mark.parametrize(
    "value",
    [
        {"Env": ["PATH=/usr/bin", "EMPTY_PASSWORD=", "KEYBOARD=de", "AUTHOR=ada", "=x", "no equals"]},
        {"Name": "db", "Data": {"MergedDir": "/merged"}},
        {"Id": "4f1c", "Image": "labkit/busybox", "HostConfig": {"AutoRemove": True, "Memory": 0}},
        {"auths": {}, "password": ""},
        [1, 2.5, None, True, "text", "a=b"],
    ],
)
def test_the_rest_is_shown(value: Any) -> None:
    """What is no secret by its name is as it was, and so is a secret that is empty."""
    assert mask_json(value, path="/containers/create") == value


def test_data_is_a_secret_only_there() -> None:
    """``Data`` is a secret's content below /secrets, and anything else elsewhere."""
    assert mask_json({"Data": SECRET}, path="/configs/create") == {"Data": SECRET}


def test_build_arguments_are_masked() -> None:
    """In a query, the values of build arguments are masked whose names smell of a secret."""
    query = {"t": "web", "buildargs": json.dumps({"TOKEN": SECRET, "VERSION": "3"})}
    masked = mask_query(query)
    assert json.loads(masked["buildargs"]) == {"TOKEN": MASK, "VERSION": "3"}
    assert masked["t"] == "web"


def test_harmless_queries_stay() -> None:
    """A query without secrets stays letter by letter."""
    query = {"filters": '{"label":{"a=b":true}}', "buildargs": '{ "VERSION": "3" }', "labels": "{}"}
    assert mask_query(query) == query


def test_what_is_no_json_where_it_should_be_is_masked() -> None:
    """Build arguments that cannot be read are masked as a whole."""
    assert mask_query({"buildargs": f"TOKEN={SECRET}"}) == {"buildargs": MASK}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["password", "Env"]), inner),
)


@given(json_values)
def test_masking_twice_is_masking_once(value: object) -> None:
    """Any JSON can be masked, and what is masked stays as it is."""
    masked = mask_json(value)
    assert mask_json(masked) == masked
    assert type(masked) is type(value)
