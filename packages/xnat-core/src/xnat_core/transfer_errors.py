"""The errors of a transfer between two servers; all others are in `xnat_core.errors`."""

from __future__ import annotations

from typing import Any

from xnat_core.errors import INTEGRITY, OperationError


class TransferError(OperationError):
    """Something about a transfer between two servers."""

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__("transfer", message, details)


class TransferConflictError(TransferError):
    """The destination has another object under the same name."""

    def __init__(self, entity_type: str, local_id: str, remote_id: str, reason: str) -> None:
        super().__init__(f"{entity_type} {local_id} conflicts with {remote_id}: {reason}")
        self.entity_type = entity_type
        self.local_id = local_id
        self.remote_id = remote_id
        self.reason = reason


class TransferCircuitBreakerError(TransferError):
    """Too many failures one after the other: the run stopped."""

    def __init__(self, failures: int, max_failures: int) -> None:
        super().__init__(f"stopped after {failures} failures in a row (limit {max_failures})")
        self.failures = failures
        self.max_failures = max_failures


class TransferVerificationError(TransferError):
    """The destination does not hold what the source holds."""

    exit_status = INTEGRITY

    def __init__(self, entity_id: str, expected: object, actual: object) -> None:
        super().__init__(f"{entity_id}: expected {expected}, found {actual}")
        self.entity_id = entity_id
        self.expected = expected
        self.actual = actual


class TransferConfigError(TransferError):
    """The transfer configuration is wrong."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
