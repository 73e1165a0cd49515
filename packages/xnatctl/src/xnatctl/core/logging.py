"""Logging, with secrets taken out."""

from xnat_core.logging import (
    AuditLogger,
    LogContext,
    get_audit_logger,
    get_logger,
    log_context,
    setup_logging,
)

__all__ = [
    "AuditLogger",
    "LogContext",
    "get_audit_logger",
    "get_logger",
    "log_context",
    "setup_logging",
]
