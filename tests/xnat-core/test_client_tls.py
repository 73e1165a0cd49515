"""Certificates are checked, by what is trusted here or named."""

from __future__ import annotations

import datetime
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from pytest_httpserver import HTTPServer

from support.clients import client_of
from xnat_core.client import XNATClient
from xnat_core.errors import ConfigurationError, ConnectionError, NetworkError, XNATCtlError

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_server(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer("localhost", 0, ssl_context=context) as running:
        yield running


@pytest.fixture
def tls(tls_server: HTTPServer) -> HTTPServer:
    tls_server.clear()
    tls_server.expect_request("/data/x").respond_with_data("safe")
    return tls_server


@pytest.mark.parametrize("verify", [True, None, ""])
def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(
    tls: HTTPServer, verify: object
) -> None:
    with (
        client_of(tls, verify_ssl=verify) as client,
        pytest.raises(NetworkError, match="ca_bundle"),
    ):
        client.get("/data/x")
    assert tls.log == []


def test_a_ca_bundle_is_trusted(tls: HTTPServer, authority: trustme.CA, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with client_of(tls, ca_bundle=str(bundle)) as client:
        assert client.get("/data/x").text == "safe"


def test_a_certificate_of_another_host_is_refused(
    tls: HTTPServer, authority: trustme.CA, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    url = f"https://127.0.0.1:{tls.port}"
    with XNATClient(url, ca_bundle=str(bundle)) as client, pytest.raises(NetworkError):
        client.get("/data/x")


def test_an_expired_certificate_is_refused_and_says_so(
    authority: trustme.CA, tmp_path: Path
) -> None:
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=long_ago).configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with HTTPServer("localhost", 0, ssl_context=context) as running:
        with pytest.raises(NetworkError, match="expired"):
            client_of(running, ca_bundle=str(bundle)).get("/data/projects")
        assert running.log == []


def test_without_verification_there_is_no_noise(tls: HTTPServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with client_of(tls, verify_ssl=False) as client:
            assert client.get("/data/x").text == "safe"


def test_the_environment_does_not_turn_verification_on_again(
    tls: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with client_of(tls, verify_ssl=False) as client:
        assert client.get("/data/x").text == "safe"


def test_a_bundle_that_does_not_exist_is_told_before_anything_is_sent(tls: HTTPServer) -> None:
    with (
        client_of(tls, ca_bundle="/nowhere/ca.pem") as client,
        pytest.raises(ConfigurationError, match="ca_bundle: /nowhere/ca"),
    ):
        client.get("/data/x")
    assert tls.log == []


def test_a_bundle_of_the_environment_that_does_not_exist_is_told_by_its_variable(
    tls: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    told = pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE: /nowhere/ca")
    with client_of(tls) as client, told:
        client.get("/data/x")


def test_a_bundle_that_is_none_is_an_error_of_this_project(tls: HTTPServer, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nonsense")
    with (
        client_of(tls, ca_bundle=str(bundle), max_retries=0) as client,
        pytest.raises(XNATCtlError),
    ):
        client.get("/data/x")


def test_https_to_a_server_without_tls_is_an_error_of_this_project(server: HTTPServer) -> None:
    with (
        XNATClient(f"https://127.0.0.1:{server.port}", max_retries=0) as client,
        pytest.raises(ConnectionError, match="TLS"),
    ):
        client.get("/data/x")
