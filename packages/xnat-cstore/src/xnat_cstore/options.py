"""The words of a command line, typed and checked; XNAT_DICOM_… variables stand in for options."""

from __future__ import annotations

import contextlib
import os

from xnat_core.commandline import Args
from xnat_core.errors import ConfigurationError, UsageError
from xnat_core.job import Job
from xnat_core.user_paths import expanded
from xnat_core.validation import (
    LONGEST_TIMEOUT,
    validate_ae_title,
    validate_port,
    validate_switch,
    validate_workers,
)
from xnat_cstore.receiver import Receiver, Tls

ANSWERING_SECONDS = 120.0


def receiver_of(job: Job) -> Receiver:
    """The receiver that the options and the environment name.

    Raises UsageError naming option and variable, ValidationError, ConfigurationError.
    """
    args = job.args
    tls = _tls(args)
    if tls is not None:
        # A certificate that cannot be used is told before anything else is done.
        tls.context()
    port = validate_port(_given(args, "--port") or 104)
    assert port is not None
    return Receiver(
        host=_needed(args, "--host"),
        port=port,
        called_aet=validate_ae_title(_needed(args, "--called-aet"), "called AE title"),
        calling_aet=validate_ae_title(
            _given(args, "--calling-aet") or "XNATCTL", "calling AE title"
        ),
        tls=tls,
    )


def timeout_of(job: Job) -> float:
    """Seconds to wait for an answer."""
    seconds = job.args.number("--timeout", least=1)
    return ANSWERING_SECONDS if seconds is None else min(seconds, LONGEST_TIMEOUT)


def workers_of(job: Job) -> int:
    """`--workers`, else the profile's where there is one, else 4.

    Raises ConfigurationError for a profile that is named and does not exist.
    """
    from xnat_core.targets import resolve

    if job.args.text("--workers") is not None:
        return job.workers
    named = job.args.text("--profile") or os.environ.get("XNAT_PROFILE")
    # No server is needed to send DICOM, so that having no profile is no error.
    with contextlib.suppress(*(() if named else (ConfigurationError,))):
        return validate_workers(resolve(profile=named).profile.workers)
    return job.workers


def _tls(args: Args) -> Tls | None:
    files = ("--tls-ca-bundle", "--tls-cert", "--tls-key")
    wanted = validate_switch(os.environ.get("XNAT_DICOM_TLS"), "XNAT_DICOM_TLS")
    if not (args.flag("--tls") or wanted):
        for name in files:
            if args.text(name) is not None:
                raise UsageError(f"{name} needs --tls")
        return None
    paths = [_given(args, name) for name in files]
    bundle, certificate, key = (expanded(path) if path else None for path in paths)
    if key is not None and certificate is None:
        raise UsageError("--tls-key needs --tls-cert")
    return Tls(bundle, certificate, key)


def _given(args: Args, option: str) -> str | None:
    return args.text(option) or os.environ.get(_variable(option)) or None


def _needed(args: Args, option: str) -> str:
    value = _given(args, option)
    if value is None:
        raise UsageError(f"{option} is needed, or the variable {_variable(option)}")
    return value


def _variable(option: str) -> str:
    return "XNAT_DICOM_" + option.removeprefix("--").replace("-", "_").upper()
