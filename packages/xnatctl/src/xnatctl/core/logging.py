"""Logging, with secrets taken out."""

from xnat_core.logging import (
    AuditLogger as AuditLogger,
    LogContext as LogContext,
    get_audit_logger as get_audit_logger,
    get_logger as get_logger,
    log_context as log_context,
    setup_logging as setup_logging,
)
