"""What `send` reads, prints, remembers and refuses."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.receivers import Archive, Scripted, at, sample, wait_until
from xnat_core.journal import Journal
from xnat_core.user_paths import state_dir
from xnat_cstore.service import upload_dicom_store
from xnat_sandbox.samples import write_series

if TYPE_CHECKING:
    from conftest import MakeSCP, Run


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    """Six slices of one study, in the folder `sent`."""
    return write_series(tmp_path / "sent", instances=6, study_uid="1.2.3")


def test_a_study_is_a_record(run: Run, scp: Scripted, series: list[Path]) -> None:
    status, records, err = run("send", series[0].parent, *at(scp.port))
    assert (status, err) == (0, "")
    (record,) = records
    assert record.pop("seconds") < 20
    assert record == {
        "kind": "upload",
        "path": str(series[0].parent),
        "uid": "1.2.3",
        "files": 6,
        "bytes": sum(len(data) for _, data in scp.received),
        "outcome": "done",
    }


def test_backups_beside_their_files_are_not_sent(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    for path in series[:2]:
        path.with_name(f"{path.name}.bak").write_bytes(path.read_bytes())
    series[1].unlink()
    status, (record,), _ = run("send", series[0].parent, *at(scp.port))
    assert (status, record["files"], len(scp.received)) == (0, 6, 6)


def test_each_file_may_have_its_record(run: Run, scp: Scripted, series: list[Path]) -> None:
    status, records, _ = run("send", *series, *at(scp.port), "--each", "-w", "1")
    assert status == 0
    assert [record["path"] for record in records] == [str(path) for path in series]
    assert {(r["kind"], r["outcome"], r["status"]) for r in records} == {("dicom", "done", "0000")}
    assert [record["instance"] for record in records] == scp.uids


def test_records_on_standard_input_name_files_and_keep_what_they_say(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    known = [{"kind": "dicom", "path": str(path), "mine": n} for n, path in enumerate(series)]
    failed = {"kind": "dicom", "path": "x", "outcome": "failed", "error": {"exit_status": 1}}
    status, records, _ = run("send", *at(scp.port), "--each", records=[*known, failed])
    assert status == 1
    assert failed in records
    assert {r["path"]: r["mine"] for r in records if "mine" in r} == {
        str(path): n for n, path in enumerate(series)
    }
    assert len(scp.received) == 6


def test_a_record_may_name_a_folder_as_a_series_does(
    run: Run, scp: Scripted, series: list[Path], tmp_path: Path
) -> None:
    folder = series[0].parent
    (folder / "notes.txt").write_text("nothing here")
    (folder / f"{series[0].name}.bak").write_bytes(series[0].read_bytes()[:-2] + b"\1\1")
    (tmp_path / "empty").mkdir()
    lines = [{"kind": "dicom", "path": str(path)} for path in (folder, tmp_path / "empty")]
    status, (empty, study), _ = run("send", *at(scp.port), records=lines)
    assert (status, study["outcome"], study["files"], len(scp.received)) == (1, "done", 6, 6)
    assert "no DICOM files in" in empty["error"]["message"]


def test_a_record_without_a_file_is_a_failure(run: Run, scp: Scripted, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"kind": "dicom", "mine": 1},
        {"kind": "dicom", "path": str(tmp_path / "no"), "mine": 2},
        {"kind": "dicom", "path": "a\0b", "mine": 3},
        {"kind": "scan", "id": "1"},
    ]
    status, records, _ = run("send", *at(scp.port), records=lines)
    assert status == 1
    assert {(r["kind"], r.get("mine"), r["outcome"]) for r in records} == {
        ("dicom", 1, "failed"),
        ("dicom", 2, "failed"),
        ("dicom", 3, "failed"),
        ("input", None, "failed"),
    }


def test_what_is_no_dicom_is_passed_over_below_a_directory(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    folder = series[0].parent
    (folder / "notes.txt").write_text("nothing here")
    (folder / "list.json").write_text("{}")
    (folder / "DICOMDIR").write_bytes(
        sample("CT_small.dcm").parent.joinpath("dicomdirtests", "DICOMDIR").read_bytes()
    )
    # No suffix, no preamble: still DICOM.
    (folder / "structures").write_bytes(sample("rtstruct.dcm").read_bytes())
    status, records, err = run("send", folder, *at(scp.port))
    assert (status, err, sum(r["files"] for r in records)) == (0, "", 7)


def test_a_link_that_leads_nowhere_is_passed_over_and_told(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    link = series[0].parent / "0.dcm"
    link.symlink_to("nowhere")
    status, records, err = run("send", link.parent, *at(scp.port))
    assert (status, [record["outcome"] for record in records]) == (0, ["done"])
    assert f"links that lead nowhere (1) were passed over, the first: {link}\n" in err
    assert run("send", link, *at(scp.port))[0] == 1


@pytest.mark.parametrize("content", [b"", b"nothing here", b"\0" * 128 + b"DICM", b"\xff" * 500])
def test_what_is_named_itself_must_be_dicom(
    content: bytes, run: Run, scp: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    status, (record,), _ = run("send", path, *at(scp.port))
    assert (status, record["path"], record["outcome"]) == (1, str(path), "failed")
    assert record["error"]["type"] == "DicomParseError"


@pytest.mark.parametrize("tag", [b"\x08\0\x18\0", b"\x10\0\x20\0", b"\x20\0\x0d\0"])
def test_a_file_that_ends_inside_what_is_looked_at_is_not_sent(
    tag: bytes, run: Run, scp: Scripted, series: list[Path]
) -> None:
    """Half a UID is another UID."""
    content = series[0].read_bytes()
    series[0].write_bytes(content[: content.rindex(tag) + 8 + 3])
    status, (broken, study), _ = run("send", series[0].parent, *at(scp.port))
    assert (status, broken["path"], len(scp.received)) == (1, str(series[0]), 5)
    assert "ends in the middle of (" in broken["error"]["message"]
    assert (study["outcome"], study["files"]) == ("done", 5)


def test_a_transfer_syntax_that_is_none_costs_only_its_file(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    content, syntax = series[0].read_bytes(), b"1.2.840.10008.1.2.1\0"
    series[0].write_bytes(content.replace(syntax, b"1.2.840.10008.1.2.\xff\0", 1))
    status, (broken, study), _ = run("send", series[0].parent, *at(scp.port))
    assert (status, broken["path"], len(scp.received)) == (1, str(series[0]), 5)
    assert "Transfer Syntax UID is no UID" in broken["error"]["message"]
    assert (study["outcome"], study["files"]) == ("done", 5)


def test_a_broken_file_with_a_name_of_dicom_is_told(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    (series[0].parent / "broken.dcm").write_bytes(b"")
    status, records, _ = run("send", series[0].parent, *at(scp.port))
    assert status == 1
    assert [record["outcome"] for record in records] == ["failed", "done"]


def test_a_pipe_that_is_named_is_a_failure(run: Run, scp: Scripted, series: list[Path]) -> None:
    os.mkfifo(series[0].parent / "pipe")
    status, records, _ = run("send", series[0].parent / "pipe", series[0].parent, *at(scp.port))
    assert (status, [record["outcome"] for record in records]) == (1, ["failed", "done"])
    assert "neither a file nor a folder" in records[0]["error"]["message"]


def test_a_directory_without_dicom_is_a_failure(run: Run, scp: Scripted, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, _, err = run("send", tmp_path / "empty", *at(scp.port))
    assert (status, "no DICOM files in" in err) == (1, True)


def test_so_is_one_beside_others(run: Run, scp: Scripted, series: list[Path]) -> None:
    empty = series[0].parent.parent / "empty"
    empty.mkdir()
    status, records, err = run("send", series[0].parent, empty, *at(scp.port))
    assert (status, len(scp.received)) == (1, len(series))
    assert f"no DICOM files in {empty}" in err
    assert {record["outcome"] for record in records} == {"done", "failed"}


def test_a_path_whose_name_is_no_text_is_sent(run: Run, scp: Scripted, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.dcm"))
    path.write_bytes(sample("MR_small.dcm").read_bytes())
    status, records, _ = run("send", path, *at(scp.port), "--each")
    assert (status, records[0]["path"]) == (0, f"{tmp_path}/\\xff.dcm")


def test_a_dry_run_tells_where_and_what_and_connects_to_nothing(
    run: Run, series: list[Path]
) -> None:
    words = ["--host", "nowhere.invalid", "--called-aet", "PACS", "--dry-run", "-P", "P1"]
    status, records, err = run("send", series[0].parent, *words)
    assert (status, err) == (0, "")
    (record,) = records
    assert list(record)[-1] == "outcome"
    assert record["outcome"] == "planned"
    expected = {"host": "nowhere.invalid", "port": 104, "called_aet": "PACS", "project": "P1"}
    assert expected.items() <= record.items()
    assert record["files"] == 6


def test_a_dry_run_plans_the_bytes_of_the_files_that_are_left(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    run("send", *series[:4], *at(scp.port))
    (plan,) = run("send", series[0].parent, *at(scp.port), "--dry-run")[1]
    assert (plan["files"], plan["known"]) == (2, 4)
    assert plan["bytes"] == sum(path.stat().st_size for path in series[4:])


def test_a_file_that_is_written_to_while_it_is_sent_does_not_arrive(
    run: Run, scp: Scripted, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from xnat_cstore.payload import Payload

    read = Payload._read

    def overwritten(self: Payload, slots: list[memoryview]) -> int:
        count = read(self, slots)
        if self._path == series[2]:
            with series[2].open("r+b") as file:
                file.write(b"x")
            os.utime(series[2], ns=(0, 0))
        return count

    monkeypatch.setattr(Payload, "_read", overwritten)
    status, records, err = run("send", series[0].parent, *at(scp.port), "-w", "1")
    assert (status, records[-1]["files"], records[-1]["failed"]) == (1, 5, 1)
    assert f"{series[2]}: was written to while it was sent" in err
    assert len(scp.received) == 5


def test_what_was_acknowledged_is_not_sent_again(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    words = ["send", series[0].parent, *at(scp.port)]
    run(*words)
    status, records, _ = run(*words)
    assert (status, records[0]["outcome"], records[0]["known"]) == (0, "skipped", 6)
    assert len(scp.received) == 6
    series[2].write_bytes(series[2].read_bytes() + b"\0\0")
    assert run(*words)[1][0]["files"] == 1
    assert run(*words, "--resend")[1][0]["files"] == 6
    assert run(*words, "-P", "P1")[1][0]["files"] == 6, "another route is another copy"
    assert run(*words, "--each")[1][0]["outcome"] == "skipped"


def test_a_kill_does_not_lose_what_was_acknowledged(
    run: Run, make_scp: MakeSCP, series: list[Path]
) -> None:
    answered: list[object] = []

    def answer(event: Any) -> int:
        (path,) = (state_dir() / "uploads").glob("*.ndjson")
        wait_until(lambda: path.read_bytes().count(b'"digest"') == len(answered))
        answered.append(event)
        return 0

    scp = make_scp(answer=answer)
    assert run("send", series[0].parent, *at(scp.port), "-w", "1")[0] == 0
    assert len(answered) == 6


def test_another_process_at_the_same_receiver_costs_only_the_memory(
    run: Run, scp: Scripted, series: list[Path]
) -> None:
    words = ["send", series[0].parent, *at(scp.port)]
    with Journal("cstore", "127.0.0.1", str(scp.port), "RECEIVER"):
        status, _, err = run(*words)
    assert (status, "will not be remembered" in err) == (0, True)
    assert run(*words)[1][0]["files"] == 6


def test_as_many_associations_at_once_as_workers(
    run: Run, make_scp: MakeSCP, tmp_path: Path
) -> None:
    write_series(tmp_path / "sent", instances=12)
    together = threading.Barrier(3)

    def answer(event: Any) -> int:
        together.wait(20)
        return 0

    scp = make_scp(answer=answer)
    status, records, _ = run("send", tmp_path / "sent", *at(scp.port), "-w", "3")
    assert (status, records[0]["files"]) == (0, 12)
    # And one for the echo.
    assert len(scp.associations) == 4


def test_workers_come_from_the_profile(run: Run, make_scp: MakeSCP, tmp_path: Path) -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "xnatctl" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("profiles:\n  few:\n    url: https://x.example.org\n    workers: 1\n")
    write_series(tmp_path / "sent", instances=6)
    scp = make_scp()
    run("send", tmp_path / "sent", *at(scp.port), "-p", "few")
    assert len(scp.associations) == 2
    assert run("send", tmp_path / "sent", *at(scp.port), "-p", "none")[0] == 1


def test_the_tools_find_each_other(
    run: Run, archive: Archive, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xnat_prearchive")
    login = {"XNAT_URL": archive.xnat.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"}
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    where = " ".join(at(archive.port, "XNAT"))
    pipeline = (
        f"xnat-cstore send {series[0].parent} {where} -P P1 -S S1 -E E1"
        " | xnat-prearchive wait | xnat-prearchive archive"
    )
    shown = subprocess.run(pipeline, shell=True, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    session = archive.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    assert '"outcome":"done"' in shown.stdout


def test_the_library_function_counts(scp: Scripted, series: list[Path]) -> None:
    summary = upload_dicom_store(series[0].parent, "127.0.0.1", "RECEIVER", port=scp.port)
    assert (summary.total_files, summary.sent, summary.failed) == (6, 6, 0)
    assert (summary.success, summary.log_dir) == (True, None)


def test_the_library_function_keeps_a_log_of_failures(
    make_scp: MakeSCP, series: list[Path]
) -> None:
    scp = make_scp(answer=lambda event: 0xC000)
    summary = upload_dicom_store(series[0].parent, "127.0.0.1", "RECEIVER", port=scp.port)
    assert (summary.success, summary.sent, summary.failed) == (False, 0, 6)
    assert summary.log_dir is not None
    log = (summary.log_dir / "failures.ndjson").read_text()
    assert log.count("refused with status C000") == 6


def test_the_library_function_raises_what_it_says_and_leaves_no_log(
    scp: Scripted, series: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, logs = series[0].parent, tmp_path / "logs"
    logs.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(logs))
    for title, port in (("much-too-long-a-title", 104), ("X", 0)):
        with pytest.raises(ValueError):
            upload_dicom_store(folder, "127.0.0.1", title, port=port)
    with pytest.raises(ValueError):
        upload_dicom_store(series[0], "127.0.0.1", "X")
    with pytest.raises(RuntimeError, match="no application entity there has the title 'X'"):
        upload_dicom_store(folder, "127.0.0.1", "X", port=scp.port)
    assert list(logs.iterdir()) == []
