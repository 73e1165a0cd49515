"""Where DICOM goes: the receiver, how to reach it, and what can go wrong on the way."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from xnat_core.errors import GENERAL, ConfigurationError, DicomStoreError


@dataclass(frozen=True, slots=True)
class Tls:
    """How to encrypt: certificates to trust instead of the system's, and our own."""

    ca_bundle: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Settings that check the certificate and the name of the receiver.

        Raises ConfigurationError for a file that cannot be used.
        """
        try:
            context = ssl.create_default_context()
            if self.ca_bundle is not None:
                context = ssl.create_default_context(
                    cafile=None if self.ca_bundle.is_dir() else str(self.ca_bundle),
                    capath=str(self.ca_bundle) if self.ca_bundle.is_dir() else None,
                )
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"{self.ca_bundle}: {_reason(error)}") from None
        if self.certificate is not None:
            try:
                # An empty password: a key that has one is refused instead of asked about.
                context.load_cert_chain(self.certificate, self.key, password="")
            except (OSError, ssl.SSLError) as error:
                files = " and ".join(str(path) for path in (self.certificate, self.key) if path)
                raise ConfigurationError(f"{files}: {_reason(error)}") from None
        return context


@dataclass(frozen=True, slots=True)
class Receiver:
    """An application entity that takes DICOM, and what we call ourselves before it."""

    host: str
    port: int
    called_aet: str
    calling_aet: str = "XNATCTL"
    tls: Tls | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.called_aet} at {host}:{self.port}"

    def error(self, what: str) -> DicomStoreError:
        """Something that concerns the whole receiver."""
        return DicomStoreError(f"{self}: {what}", self.host, self.port)


class Rejected(DicomStoreError):
    """The receiver wants no association, with `permanent` not for a while only."""

    def __init__(self, receiver: Receiver, what: str, *, permanent: bool) -> None:
        super().__init__(f"{receiver}: {what}", receiver.host, receiver.port)
        self.permanent = permanent


class Unanswered(DicomStoreError):
    """The receiver takes connections, and has not answered the request for an association."""

    def __init__(self, receiver: Receiver, what: str) -> None:
        super().__init__(f"{receiver}: {what}", receiver.host, receiver.port)


class Lost(DicomStoreError):
    """The association ended in the middle; a new one may do better."""

    def __init__(self, receiver: Receiver, what: str) -> None:
        super().__init__(f"{receiver}: {what}", receiver.host, receiver.port)


class Silent(Lost):
    """The receiver has not answered in time."""


class InstanceRefused(DicomStoreError):
    """The receiver is well, but does not take this file."""

    exit_status = GENERAL


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no usable certificate or key ({error.reason or error})"
    return error.strerror or str(error)
