"""Printing for scripts."""

from xnat_core.output import (
    OutputFormat,
    OutputFormatter,
    create_progress,
    create_spinner,
    print_error,
    print_info,
    print_json,
    print_key_value,
    print_output,
    print_success,
    print_table,
    print_warning,
)

__all__ = [
    "OutputFormat",
    "OutputFormatter",
    "create_progress",
    "create_spinner",
    "print_error",
    "print_info",
    "print_json",
    "print_key_value",
    "print_output",
    "print_success",
    "print_table",
    "print_warning",
]
