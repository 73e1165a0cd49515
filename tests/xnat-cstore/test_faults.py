"""Receivers that fail, refuse, fall silent or go away."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom.dataset import Dataset

from support.ports import free_port
from support.receivers import Scripted, at, sample, wait_until
from xnat_sandbox.samples import write_series

if TYPE_CHECKING:
    from conftest import MakeSCP, MakeStoreSCP, Run


def status_of(code: int, comment: str) -> Dataset:
    status = Dataset()
    status.Status, status.ErrorComment = code, comment
    return status


def test_a_refusal_is_a_record_with_status_and_comment(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp()
    scp.answer = lambda event: status_of(0xC123, "no, really") if len(scp.received) == 3 else 0
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert status == 1
    refused, study = records
    assert (refused["kind"], refused["path"]) == ("dicom", str(series[2]))
    assert (refused["status"], refused["comment"]) == ("C123", "no, really")
    assert f"{series[2]}: refused with status C123 (cannot understand): no, really" in err
    # A study that is not whole must not be archived by the next tool.
    assert (study["kind"], study["files"], study["failed"]) == ("upload", 5, 1)
    error = study["error"]
    assert (error["message"], error["exit_status"]) == ("1 of 6 files were not taken", 1)


@pytest.mark.parametrize(
    ("answer", "said"), [(0xB000, "B000 (values were changed)"), (0x0107, "0107")]
)
def test_a_warning_is_a_success_that_says_so(
    run: Run, make_scp: MakeSCP, series: list[Path], answer: int, said: str
) -> None:
    scp = make_scp(answer=lambda event: answer)
    status, records, _ = run("send", series[0].parent, *at(scp.port))
    assert (status, records[0]["outcome"], records[0]["files"]) == (0, "done", 6)
    assert records[0]["warnings"] == [f"6 x {said}"]
    _, records, _ = run("send", series[0], *at(scp.port), "--each", "--resend")
    assert records[0]["warning"] == said


def test_a_lost_association_is_opened_again_and_goes_on(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp()

    def answer(event: Any) -> int:
        if len(scp.received) == 3:
            event.assoc.abort()
        return 0

    scp.answer = answer
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, err, records[0]["files"]) == (0, "", 6)
    assert len(set(scp.uids)) == 6
    assert len(scp.uids) == 7


def test_a_receiver_that_still_works_on_what_was_lost_is_asked_again(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp()

    def answer(event: Any) -> int:
        if len(scp.received) == 3:
            event.assoc.abort()
        # XNAT's word for a file that another association is writing at this moment.
        return 0xC000 if len(scp.received) == 4 else 0

    scp.answer = answer
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, err, records[0]["files"]) == (0, "", 6)
    assert scp.uids.count(scp.uids[2]) == 3


def test_one_file_that_ends_every_association_does_not_stop_the_rest(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp()
    poison = run("send", series[1], *at(scp.port), "--dry-run", "--each")[1][0]
    poisoned: list[str] = []

    def answer(event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        if not poisoned and len(scp.received) == 2:
            poisoned.append(uid)
        if uid in poisoned:
            event.assoc.abort()
        return 0

    scp.answer = answer
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, poison["outcome"]) == (1, "planned")
    assert [r["outcome"] for r in records] == ["failed", "failed"]
    assert (records[1]["files"], records[1]["failed"]) == (5, 1)
    assert "given up, every attempt ended the association" in err
    assert scp.uids.count(poisoned[0]) == 3


def test_a_silent_receiver_is_left_and_its_association_not_used_again(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp()
    silent = threading.Event()

    def answer(event: Any) -> int:
        if len(scp.received) == 2:
            silent.wait(20)
        return 0

    scp.answer = answer
    try:
        words = [*at(scp.port), "-w", "1", "--timeout", "5"]
        status, records, _ = run("send", series[0].parent, *words)
    finally:
        silent.set()
    assert (status, records[0]["files"]) == (0, 6)
    # Echo, the first, the one after the silence.
    assert len(scp.associations) == 3


@pytest.mark.usefixtures("hasty")
def test_a_receiver_that_is_gone_ends_the_run_and_the_next_one_sends_the_rest(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp()

    def answer(event: Any) -> int:
        if len(scp.received) == 3:
            threading.Thread(target=scp.stop).start()
            event.assoc.abort()
        return 0

    scp.answer = answer
    begin = time.monotonic()
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert time.monotonic() - begin < 20
    assert status == 4
    study, failure = records
    assert (study["outcome"], study["files"], failure["kind"]) == ("failed", 2, "failure")
    assert "2 files were taken before, the same command sends the rest" in err
    before = set(scp.uids[:2])
    scp.answer, scp.received = (lambda event: 0), []
    scp.start()
    status, records, _ = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, records[0]["files"], records[0]["known"]) == (0, 4, 2)
    assert len(scp.uids) == 4
    assert not before & set(scp.uids)


def test_a_killed_receiver_that_comes_back_gets_the_rest(
    make_storescp: MakeStoreSCP, tmp_path: Path
) -> None:
    # One process: its death cuts the associations.
    storescp = make_storescp()
    write_series(tmp_path / "sent", instances=400, rows=256)
    program = "import sys; from xnat_cstore.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["send", str(tmp_path / "sent"), *at(storescp.port), "-w", "1"]
    sender = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE)
    wait_until(lambda: len(list(storescp.folder.iterdir())) > 20)
    storescp.kill()
    arrived = len(list(storescp.folder.iterdir()))
    assert arrived < 400
    time.sleep(1)
    assert sender.poll() is None
    storescp.start()
    out, _ = sender.communicate(timeout=60)
    assert sender.returncode == 0, out
    assert b'"files":400' in out
    assert len(list(storescp.folder.iterdir())) == 400


def test_what_is_refused_is_named_by_class_and_transfer_syntax(run: Run, make_scp: MakeSCP) -> None:
    scp = make_scp(syntaxes=["1.2.840.10008.1.2"])
    path = sample("MR_small_jp2klossless.dcm")
    status, _, err = run("send", path, sample("rtplan.dcm"), *at(scp.port))
    assert status == 1
    assert (
        f"{path}: RECEIVER does not take MR Image Storage (1.2.840.10008.5.1.4.1.1.4) in the "
        "transfer syntax JPEG 2000 Image Compression (Lossless Only) (1.2.840.10008.1.2.4.90)"
    ) in err
    assert len(scp.received) == 1


def test_transcode_decompresses_only_what_is_not_taken_compressed(
    run: Run, make_scp: MakeSCP, tmp_path: Path
) -> None:
    np = pytest.importorskip("numpy")
    pytest.importorskip("gdcm")
    from io import BytesIO

    import pydicom
    from pydicom.filereader import read_dataset

    scp = make_scp(syntaxes=["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"])
    # The samples are one instance in several forms.
    other = tmp_path / "MR_small_RLE.dcm"
    uid = str(pydicom.dcmread(sample(other.name)).SOPInstanceUID).encode()
    other.write_bytes(sample(other.name).read_bytes().replace(uid, uid[:-1] + b"0"))
    files = [sample("MR_small_jp2klossless.dcm"), other, sample("image_dfl.dcm")]
    words = [*files, *at(scp.port), "--transcode", "-w", "1"]
    status, _, err = run("send", *words)
    assert (status, err) == (0, "")
    decoded, rle, inflated = (data for _, data in scp.received)
    found = read_dataset(BytesIO(decoded), is_implicit_VR=False, is_little_endian=True)
    plain = pydicom.dcmread(sample("MR_small.dcm"))
    assert np.array_equal(np.frombuffer(found.PixelData, "<u2"), plain.pixel_array.ravel())
    assert found.SOPInstanceUID == scp.uids[0]
    assert rle in other.read_bytes()
    whole = pydicom.dcmread(sample("image_dfl.dcm"))
    again = read_dataset(BytesIO(inflated), is_implicit_VR=False, is_little_endian=True)
    assert again.PixelData == whole.PixelData


def test_a_file_that_becomes_shorter_is_told_and_the_rest_goes_on(
    run: Run, scp: Scripted, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from xnat_cstore.payload import Payload

    read = Payload._read

    def shortened(self: Payload, slots: list[memoryview]) -> int:
        return 0 if self._path == series[2] else read(self, slots)

    monkeypatch.setattr(Payload, "_read", shortened)
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, records[-1]["files"], records[-1]["failed"]) == (1, 5, 1)
    assert f"{series[2]}: became shorter while it was sent" in err


@pytest.fixture
def garbage() -> Iterator[int]:
    """Something that accepts associations of its own kind: it answers with nonsense."""
    listener = socket.create_server(("127.0.0.1", free_port()))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"\x02\x00\x00\x00\x00\x50" + b"\xff" * 80)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_nonsense_is_not_taken_for_an_association(run: Run, garbage: int) -> None:
    status, _, err = run("echo", *at(garbage))
    assert status == 4
    assert "its answer to the request for an association is broken" in err
