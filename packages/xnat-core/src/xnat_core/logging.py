"""Logging: one format, on standard error, without secrets and without names of patients."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from xnat_core.redaction import redact

FORMAT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
AUDIT_LOGGER = "xnatctl.audit"

# Their debug messages are about every header, or hold what is in the DICOM data sets.
_CHATTY = ("urllib3", "requests", "charset_normalizer", "filelock", "pydicom", "pynetdicom")
_PATIENT = re.compile(
    r"(?i)\b((?:dcm)?patient(?:'?s)?[ _]?(?:name|birth[ _]?date)['\"]?\s*[:=]\s*['\"]?)"
    r"[^'\",;&}\n]+"
)


class RedactingFormatter(logging.Formatter):
    """Formats a record with its exception, then takes out what must not be read."""

    def format(self, record: logging.LogRecord) -> str:
        """One or, with an exception, several lines of text."""
        return _PATIENT.sub(r"\1***", redact(super().format(record)))


def setup_logging(level: int = logging.INFO, *, quiet: bool = False, verbose: bool = False) -> None:
    """Send log messages to standard error; `quiet` leaves errors only, `verbose` adds debugging."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(FORMAT, TIME_FORMAT))
    root = logging.getLogger()
    root.handlers = [old for old in root.handlers if not _is_ours(old)] + [handler]
    root.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> logging.Logger:
    """The logger of that name."""
    return logging.getLogger(name)


class LogContext:
    """Messages about one operation: each is followed by what is known of it.

    As a context manager it logs the beginning and the end, too, or the error that ended it.
    """

    def __init__(
        self, operation: str, logger: logging.Logger | None = None, **context: Any
    ) -> None:
        self.operation = operation
        self.context = context
        self.logger = logger or get_logger("xnatctl")

    def __enter__(self) -> LogContext:
        self.debug("started")
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            self.error("failed: %s", error)
        elif error is None:
            self.debug("done")

    def log(self, level: int, message: str, *args: Any) -> None:
        """Log `message % args`."""
        facts = "".join(f" {key}={value}" for key, value in self.context.items())
        self.logger.log(level, f"%s: {message}%s", self.operation, *args, facts)

    def debug(self, message: str, *args: Any) -> None:
        """Log for those who look for a defect."""
        self.log(logging.DEBUG, message, *args)

    def info(self, message: str, *args: Any) -> None:
        """Log what is being done."""
        self.log(logging.INFO, message, *args)

    def warning(self, message: str, *args: Any) -> None:
        """Log what may surprise."""
        self.log(logging.WARNING, message, *args)

    def error(self, message: str, *args: Any) -> None:
        """Log what went wrong."""
        self.log(logging.ERROR, message, *args)


@contextmanager
def log_context(
    operation: str, logger: logging.Logger | None = None, **context: Any
) -> Iterator[LogContext]:
    """Log the beginning and the end of an operation, or the error that ended it."""
    with LogContext(operation, logger, **context) as entry:
        yield entry


class AuditLogger:
    """Who changed what, one JSON object a message, under the logger `xnatctl.audit`."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self.logger = logger or get_logger(AUDIT_LOGGER)

    def log_operation(
        self,
        operation: str,
        *,
        project: str | None = None,
        subject: str | None = None,
        session: str | None = None,
        user: str | None = None,
        success: bool = True,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Log one change, at level INFO, or WARNING where it did not succeed."""
        entry = {
            "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "operation": operation,
            "success": success,
            "project": project,
            "subject": subject,
            "session": session,
            "user": user,
            "details": details or {},
        }
        known = {key: value for key, value in entry.items() if value is not None}
        self.logger.log(
            logging.INFO if success else logging.WARNING, "%s", json.dumps(known, default=str)
        )


def get_audit_logger() -> AuditLogger:
    """The audit logger of this process."""
    return AuditLogger()


def _is_ours(handler: logging.Handler) -> bool:
    return isinstance(handler.formatter, RedactingFormatter)
