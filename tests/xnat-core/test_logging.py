"""What is logged, in which form, and what never is."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest

from xnat_core.errors import OperationError
from xnat_core.logging import (
    AuditLogger,
    LogContext,
    get_audit_logger,
    get_logger,
    log_context,
    setup_logging,
)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers, level = before
    root.setLevel(level)


def test_a_line_has_time_level_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging()
    get_logger("xnatctl.upload").info("sent %d files", 3)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[INFO\] xnatctl\.upload: sent 3 files\n", err
    )


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({}, ["INFO", "ERROR"]),
        ({"quiet": True}, ["ERROR"]),
        ({"verbose": True}, ["DEBUG", "INFO", "ERROR"]),
        ({"level": logging.WARNING}, ["ERROR"]),
    ],
)
def test_the_level_follows_quiet_and_verbose(
    options: dict[str, int], heard: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging(**options)  # type: ignore[arg-type]
    logger = get_logger("xnatctl")
    logger.debug("a")
    logger.info("b")
    logger.error("c")
    assert re.findall(r"\[(\w+)\]", capsys.readouterr().err) == heard


def test_setting_up_twice_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging()
    setup_logging()
    get_logger("xnatctl").info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_the_http_library_is_heard_only_when_it_warns() -> None:
    setup_logging(verbose=True)
    assert get_logger("urllib3").level == logging.WARNING
    assert get_logger("filelock").level == logging.WARNING


def test_secrets_and_names_of_patients_are_taken_out(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging()
    logger = get_logger("xnatctl")
    logger.info("GET https://bob:hunter2@x/data?password=%s", "hunter2")
    logger.info("PatientName: Doe^Jane, dcmPatientName='Doe^Jane'; Patient's Name = Doe^Jane")
    try:
        raise OperationError("login", "https://bob:hunter2@x refused")
    except OperationError:
        logger.exception("failed")
    err = capsys.readouterr().err
    assert "hunter2" not in err
    assert "Doe" not in err
    assert "OperationError" in err


def test_a_context_is_told_with_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging()
    LogContext("upload", project="P1", session="MR1").warning("%d files missing", 2)
    assert capsys.readouterr().err.endswith(
        "[WARNING] xnatctl: upload: 2 files missing project=P1 session=MR1\n"
    )


def test_a_failing_operation_is_logged_and_goes_on_failing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging()
    with pytest.raises(OperationError), log_context("merge", subject="S1"):
        raise OperationError("merge", "no")
    assert capsys.readouterr().err.endswith("xnatctl: merge: failed: merge: no subject=S1\n")


def test_an_operation_can_be_logged_by_its_class_too(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(verbose=True)
    with LogContext("upload", project="P1") as entry:
        entry.info("half")
    said = [line.partition("xnatctl: ")[2] for line in capsys.readouterr().err.splitlines()]
    assert said == [f"upload: {what} project=P1" for what in ("started", "half", "done")]


def test_an_audit_record_is_one_json_object(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "xnatctl.audit"):
        get_audit_logger().log_operation("delete", project="P1", user="alice", details={"n": 1})
        AuditLogger().log_operation("delete", session="E1", success=False)
    done, failed = caplog.records
    entry = json.loads(done.getMessage())
    assert re.match(r"\d{4}-\d\d-\d\dT", entry.pop("timestamp"))
    assert entry == {
        "operation": "delete",
        "success": True,
        "project": "P1",
        "user": "alice",
        "details": {"n": 1},
    }
    assert json.loads(failed.getMessage())["success"] is False
    assert failed.levelno == logging.WARNING
