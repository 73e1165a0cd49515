"""What is wrong with a connection is told in one line, and which of the things it is."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from pydicom.dataset import Dataset
from pynetdicom import evt

from support.ports import free_port
from support.receivers import Archive, Scripted, StoreSCP, at

if TYPE_CHECKING:
    from conftest import MakeSCP, MakeStoreSCP, Run


def told(run: Run, *words: object) -> str:
    """The one line that an echo which fails says; the exit status is that of the network."""
    status, records, err = run("echo", *words)
    assert status == 4
    assert [record["kind"] for record in records] == ["failure"]
    assert err.count("\n") == 1
    return err


def test_an_echo_is_a_record_of_the_receiver(run: Run, scp: Scripted) -> None:
    status, records, err = run("echo", *at(scp.port), "--calling-aet", "ME")
    assert (status, err) == (0, "")
    (record,) = records
    assert record.pop("seconds") < 10
    assert record == {
        "kind": "receiver",
        "id": f"RECEIVER at 127.0.0.1:{scp.port}",
        "host": "127.0.0.1",
        "port": scp.port,
        "called_aet": "RECEIVER",
        "calling_aet": "ME",
        "tls": False,
        "echo": True,
        "outcome": "done",
    }


def test_an_echo_may_have_a_comment(run: Run, scp: Scripted) -> None:
    def answer(event: Any) -> Dataset:
        status = Dataset()
        status.Status, status.ErrorComment = 0, "welcome"
        return status

    assert scp.server is not None
    scp.server.bind(evt.EVT_C_ECHO, answer)
    status, (record,), _ = run("echo", *at(scp.port))
    assert (status, record["echo"]) == (0, True)


@pytest.mark.parametrize("seconds", ["1e12", "inf"])
def test_any_patience_will_do(seconds: str, run: Run, scp: Scripted) -> None:
    """More than the clock of the system can hold."""
    assert run("echo", *at(scp.port), "--timeout", seconds)[0] == 0


def test_the_environment_stands_in_for_options(
    run: Run, scp: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"HOST": "127.0.0.1", "PORT": str(scp.port), "CALLED_AET": "RECEIVER"}
    for name, value in {**values, "CALLING_AET": "VARIABLE"}.items():
        monkeypatch.setenv(f"XNAT_DICOM_{name}", value)
    status, records, _ = run("echo")
    assert (status, records[0]["calling_aet"]) == (0, "VARIABLE")


def test_the_sandbox_answers(run: Run, archive: Archive) -> None:
    assert run("echo", *at(archive.port, "XNAT"))[0] == 0


def test_storescp_answers(run: Run, storescp: StoreSCP) -> None:
    assert run("echo", *at(storescp.port))[0] == 0


def test_missing_options_are_named_with_their_variables(run: Run) -> None:
    status, _, err = run("echo", "--host", "h")
    assert status == 2
    assert "--called-aet is needed, or the variable XNAT_DICOM_CALLED_AET" in err
    assert run("echo", *at(0))[0] == 2
    assert run("echo", *at(104, "back\\slash"))[0] == 2


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64, "h\udcff"])
def test_an_unknown_host(run: Run, host: str) -> None:
    err = told(run, "--host", host, "--called-aet", "X")
    assert f"unknown host {host!r}" in err
    assert "codec" not in err


def test_a_closed_port(run: Run) -> None:
    port = free_port()
    assert f"RECEIVER at 127.0.0.1:{port}: nothing listens on port {port}" in told(run, *at(port))


def test_a_wrong_title(run: Run, archive: Archive) -> None:
    said = told(run, *at(archive.port, "NOBODY"))
    assert "no application entity there has the title 'NOBODY'" in said


def test_a_wrong_calling_title(run: Run, make_scp: MakeSCP) -> None:
    def requested(event: object) -> None:
        event.assoc.acse.send_reject(1, 1, 3)  # type: ignore[attr-defined]
        event.assoc.kill()  # type: ignore[attr-defined]

    scp = make_scp(requested=requested)
    said = told(run, *at(scp.port), "--calling-aet", "STRANGER")
    assert "it does not listen to the calling title 'STRANGER'" in said


@pytest.fixture
def web() -> Iterator[int]:
    """A web server."""

    class Silent(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Keep standard error for the tool."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_web_server(run: Run, web: int) -> None:
    assert "this is a web server" in told(run, *at(web), "--timeout", "2")


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that only these tests trust."""
    return trustme.CA()


def server_side(authority: trustme.CA, name: str, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    if asks:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    """The file that makes the authority trusted."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def test_tls_with_a_trusted_certificate(
    run: Run, make_scp: MakeSCP, authority: trustme.CA, bundle: Path
) -> None:
    scp = make_scp(tls=server_side(authority, "127.0.0.1"))
    status, records, _ = run("echo", *at(scp.port), "--tls", "--tls-ca-bundle", bundle)
    assert (status, records[0]["tls"]) == (0, True)


def test_tls_from_the_environment(
    run: Run,
    make_scp: MakeSCP,
    authority: trustme.CA,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scp = make_scp(tls=server_side(authority, "127.0.0.1"))
    monkeypatch.setenv("XNAT_DICOM_TLS", "yes")
    monkeypatch.setenv("XNAT_DICOM_TLS_CA_BUNDLE", str(bundle))
    assert run("echo", *at(scp.port))[0] == 0


@pytest.mark.parametrize("word", ["on", "ture"])
def test_what_says_neither_tls_nor_none_is_not_taken_for_none(
    word: str, run: Run, make_scp: MakeSCP, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever means to encrypt must not send in the clear."""
    scp = make_scp()
    monkeypatch.setenv("XNAT_DICOM_TLS", word)
    status, records, err = run("echo", *at(scp.port))
    assert (status, scp.associations, records[0]["outcome"]) == (1, [], "failed")
    assert f"XNAT_DICOM_TLS must be true or false, not {word!r}" in err


@pytest.mark.parametrize("word", ["false", "0", "No", ""])
def test_tls_may_be_turned_off_in_the_environment(
    word: str, run: Run, scp: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_DICOM_TLS", word)
    assert run("echo", *at(scp.port))[0] == 0


def test_a_certificate_that_nobody_trusts(
    run: Run, make_scp: MakeSCP, authority: trustme.CA
) -> None:
    scp = make_scp(tls=server_side(authority, "127.0.0.1"))
    said = told(run, *at(scp.port), "--tls")
    assert "its certificate is not trusted" in said
    assert "--tls-ca-bundle" in said


def test_a_certificate_for_another_name(
    run: Run, make_scp: MakeSCP, authority: trustme.CA, bundle: Path
) -> None:
    scp = make_scp(tls=server_side(authority, "elsewhere.example.org"))
    said = told(run, *at(scp.port), "--tls", "--tls-ca-bundle", bundle)
    assert "its certificate is for another name" in said


def test_a_receiver_that_wants_our_certificate(
    run: Run, make_scp: MakeSCP, authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    scp = make_scp(tls=server_side(authority, "127.0.0.1", asks=True))
    words = [*at(scp.port), "--tls", "--tls-ca-bundle", bundle]
    assert "it wants a certificate of ours (--tls-cert, --tls-key)" in told(run, *words)
    ours = authority.issue_cert("client.example.org")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    pair = ["--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem"]
    assert run("echo", *words, *pair)[0] == 0


def test_encryption_where_none_is_wanted(run: Run, storescp: StoreSCP) -> None:
    said = told(run, *at(storescp.port), "--tls", "--timeout", "3")
    assert "it speaks no TLS: without --tls?" in said


def test_no_encryption_where_it_is_wanted(
    run: Run, make_scp: MakeSCP, authority: trustme.CA
) -> None:
    scp = make_scp(tls=server_side(authority, "127.0.0.1"))
    said = told(run, *at(scp.port), "--timeout", "3")
    assert "--tls" in said


def test_storescp_with_tls(
    run: Run, make_storescp: MakeStoreSCP, authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    words = ["+tls", str(tmp_path / "key.pem"), str(tmp_path / "cert.pem"), "-ic"]
    storescp = make_storescp("--fork", *words)
    assert run("echo", *at(storescp.port), "--tls", "--tls-ca-bundle", bundle)[0] == 0
    assert "--tls" in told(run, *at(storescp.port), "--timeout", "3")


def test_a_key_that_is_none_is_named(run: Run, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no key")
    for option in ("--tls-cert", "--tls-ca-bundle"):
        status, _, err = run("echo", *at(104), "--tls", option, nothing)
        assert status == 1
        assert str(nothing) in err


def test_tls_files_need_tls(run: Run, tmp_path: Path) -> None:
    assert run("echo", *at(104), "--tls-cert", tmp_path)[0] == 2
    assert run("echo", *at(104), "--tls", "--tls-key", tmp_path)[0] == 2
