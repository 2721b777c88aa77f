"""Doors that speak TLS as daemons do: each is met by strangers and by somebody with a certificate."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme

from labkit.course import doors
from labkit.course.doors import Authority, Door, Policy

INSISTS = Policy(asks=True, insists=True, status=203)


@contextlib.contextmanager
def door(policy: Policy) -> Iterator[tuple[Authority, Door]]:
    """One door, and who signs its certificate."""
    authority = Authority()
    one = Door(policy, authority.context(policy))
    try:
        yield authority, one
    finally:
        one.close()


def knock(authority: Authority, one: Door, *, signed_by: trustme.CA | None = None) -> bytes:
    """Ask at a door, as somebody without a certificate unless an authority has signed one; return the first line."""
    context = ssl.create_default_context(cadata=authority.pem)
    if signed_by:
        signed_by.issue_cert("client").configure_cert(context)
    with (
        socket.create_connection(("127.0.0.1", one.port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as tls,
    ):
        tls.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b"".join(iter(lambda: tls.recv(4096), b"")).partition(b"\r\n")[0]


@pytest.mark.parametrize("newest", [2, 3])
def test_who_insists_serves_no_stranger(newest: int) -> None:
    """A door that insists breaks off with somebody without a certificate, and serves one whom it knows."""
    with door(Policy(asks=True, insists=True, newest=newest, status=203)) as (authority, one):
        with pytest.raises(OSError):
            knock(authority, one)
        assert knock(authority, one, signed_by=authority.ours) == b"HTTP/1.1 203 Door"


def test_who_insists_refuses_a_strangers_certificate() -> None:
    """A certificate of another authority is none."""
    with door(INSISTS) as (authority, one), pytest.raises(OSError):
        knock(authority, one, signed_by=authority.strangers)


def test_a_stranger_gets_through_the_handshake_of_tls_1_3() -> None:
    """The trap of the exercise is there: of TLS 1.3 the client's part succeeds, of TLS 1.2 it fails."""
    for newest, through in ((3, True), (2, False)):
        with door(Policy(asks=True, insists=True, newest=newest)) as (authority, one):
            context = ssl.create_default_context(cadata=authority.pem)
            with socket.create_connection(("127.0.0.1", one.port), timeout=10) as sock:
                reached = contextlib.nullcontext() if through else pytest.raises(ssl.SSLError)
                with reached, context.wrap_socket(sock, server_hostname="127.0.0.1") as tls:
                    assert tls.version() == "TLSv1.3"


@pytest.mark.parametrize("policy", [Policy(status=500), Policy(asks=True, status=500), Policy(newest=2, status=500)])
def test_who_does_not_insist_serves_everybody(policy: Policy) -> None:
    """A door that asks for no certificate, or asks and takes none for an answer, serves strangers."""
    with door(policy) as (authority, one):
        assert knock(authority, one) == b"HTTP/1.1 500 Door"


def test_an_impostor_is_not_vouched_for() -> None:
    """The certificate of an impostor is signed by somebody whom the caller does not trust."""
    with door(Policy(impostor=True)) as (authority, one), pytest.raises(ssl.SSLCertVerificationError):
        knock(authority, one)


def test_a_door_survives_callers_of_every_kind() -> None:
    """Plain HTTP, a hang-up and silence do not keep a door from serving the next."""
    with door(Policy()) as (authority, one):
        for said in (b"GET / HTTP/1.0\r\n\r\n", b""):
            with socket.create_connection(("127.0.0.1", one.port)) as sock:
                sock.sendall(said)
        silent = socket.create_connection(("127.0.0.1", one.port))
        assert knock(authority, one) == b"HTTP/1.1 200 Door"
        silent.close()


def test_all_doors_close() -> None:
    """Behind the ``with`` block nobody listens at any of the ports."""
    with doors.doors([Policy(), INSISTS]) as (ca, ports):
        assert "BEGIN CERTIFICATE" in ca
        assert len(set(ports)) == 2
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
