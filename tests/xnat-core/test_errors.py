"""Errors keep what they were made of, also on their way between processes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from support.ports import free_port
from xnat_core import errors, transfer_errors
from xnat_core.client import XNATClient
from xnat_core.errors import RetryExhaustedError, ServerUnreachableError, XNATCtlError

MADE = [
    ("XNATCtlError", ("m", {"a": 1}), {"message": "m", "details": {"a": 1}}),
    ("ConfigurationError", ("m", "workers", "many"), {"field": "workers", "value": "many"}),
    ("ProfileNotFoundError", ("prod",), {"profile": "prod"}),
    ("ValidationError", ("m", "f", 3), {"field": "f", "value": 3}),
    ("InvalidURLError", ("u", "why"), {"url": "u", "reason": "why"}),
    ("InvalidPortError", (0,), {"port": 0}),
    (
        "InvalidIdentifierError",
        ("scan", "a b", "why"),
        {"identifier_type": "scan", "value": "a b", "reason": "why"},
    ),
    ("PathValidationError", ("p", "why"), {"path": "p", "reason": "why"}),
    ("ConnectionError", ("m", "u"), {"url": "u"}),
    ("NetworkError", ("u",), {"url": "u", "cause": None}),
    ("ServerUnreachableError", ("u",), {"url": "u"}),
    ("TimeoutError", ("u", 3), {"url": "u", "timeout": 3}),
    ("RetryExhaustedError", ("get", 3), {"operation": "get", "attempts": 3, "last_error": None}),
    ("AuthenticationError", ("u", "why"), {"url": "u", "reason": "why"}),
    ("SessionExpiredError", ("u",), {"url": "u"}),
    (
        "PermissionDeniedError",
        ("P1", "delete", "u"),
        {"resource": "P1", "operation": "delete", "url": "u"},
    ),
    ("ResourceError", ("m", "scan", "4"), {"resource_type": "scan", "resource_id": "4"}),
    ("ResourceNotFoundError", ("scan", "4"), {"resource_type": "scan", "resource_id": "4"}),
    ("ResourceExistsError", ("scan", "4"), {"resource_type": "scan", "resource_id": "4"}),
    ("OperationError", ("merge", "m", {"a": 1}), {"operation": "merge", "details": {"a": 1}}),
    ("UploadError", ("m", "f", {"a": 1}), {"file_path": "f", "details": {"a": 1}}),
    ("DownloadError", ("m", "r", {"a": 1}), {"resource": "r", "details": {"a": 1}}),
    (
        "BatchOperationError",
        ("delete", 1, 2, ["why"]),
        {"operation": "delete", "succeeded": 1, "failed": 2, "errors": ["why"]},
    ),
    ("DicomError", ("m", "f"), {"file_path": "f"}),
    ("DicomParseError", ("f", "why"), {"file_path": "f", "reason": "why"}),
    ("DicomStoreError", ("m", "h", 104), {"host": "h", "port": 104}),
    ("TransferError", ("m", {"a": 1}), {"details": {"a": 1}}),
    (
        "TransferConflictError",
        ("subject", "S1", "S2", "why"),
        {"entity_type": "subject", "local_id": "S1", "remote_id": "S2", "reason": "why"},
    ),
    ("TransferCircuitBreakerError", (5, 5), {"failures": 5, "max_failures": 5}),
    (
        "TransferVerificationError",
        ("E1", 3, 2),
        {"entity_id": "E1", "expected": 3, "actual": 2},
    ),
    ("TransferConfigError", ("m", "workers"), {"field": "workers"}),
]


@pytest.mark.parametrize(("name", "given", "kept"), MADE, ids=[name for name, *_ in MADE])
def test_an_error_keeps_what_it_was_made_of(
    name: str, given: tuple[Any, ...], kept: dict[str, Any]
) -> None:
    module = transfer_errors if name.startswith("Transfer") else errors
    made: XNATCtlError = getattr(module, name)(*given)
    for error in (made, pickled(made), copy.copy(made)):
        assert type(error) is type(made)
        assert str(error) == str(made)
        assert {key: getattr(error, key) for key in kept} == kept


def test_what_an_answer_has_added_is_kept_too() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with XNATClient(nobody) as client, pytest.raises(ServerUnreachableError) as caught:
        client.get("/data/projects")
    caught.value.details["status_code"] = 404
    again = pickled(caught.value)
    assert (again.message, again.details) == (caught.value.message, caught.value.details)


def test_exhausted_retries_without_a_last_error_say_nothing_of_one() -> None:
    assert str(RetryExhaustedError("get", 3)) == "get: failed after 3 attempts"
    assert str(RetryExhaustedError("get", 3, "no")) == "get: failed after 3 attempts: no"


def pickled(error: XNATCtlError) -> Any:
    return pickle.loads(pickle.dumps(error))
