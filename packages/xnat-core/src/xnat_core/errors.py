"""Every error that the tools and the library raise, each with the exit status it stands for.

The text of an error is one line: what happened, to which object, what to do. `details` holds
facts for programs (`status_code`, `method`, `path` for answers of the server). Secrets never enter
either. The errors of a transfer between two servers are in `xnat_core.transfer_errors`.
"""

from __future__ import annotations

import copyreg
from pathlib import Path
from typing import Any, ClassVar

DONE = 0
GENERAL = 1
USAGE = 2
AUTHENTICATION = 3
NETWORK = 4
NOT_FOUND = 5
PERMISSION = 6
CANCELLED = 7
INTEGRITY = 8
UNFINISHED = 75
NO_SUCH_TOOL = 127
INTERRUPTED = 130
READER_GONE = 141
TERMINATED = 143

# The question to a user whose request something other than XNAT seems to have answered.
DOUBT = "is this the URL of an XNAT?"


class XNATCtlError(Exception):
    """The root of all errors that a user or a server can cause."""

    exit_status: ClassVar[int] = GENERAL
    not_done = False
    """It came on the way to a login: nothing of what was asked for has been done, nor will be."""

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details or {}

    def __reduce__(self) -> tuple[Any, ...]:
        # So that an error can come back from a worker process. By default its class would be called
        # with the message alone, which fails for those that take more.
        # The stubs of copyreg leave it out; it is what object.__reduce_ex__ names.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __str__(self) -> str:
        facts = ", ".join(f"{key}={value}" for key, value in self.details.items())
        return f"{self.message} [{facts}]" if facts else self.message


class UsageError(XNATCtlError):
    """The command line cannot be understood."""

    exit_status = USAGE


class CancelledError(XNATCtlError):
    """The answer at a prompt was no."""

    exit_status = CANCELLED


class IntegrityError(XNATCtlError):
    """Bytes differ from what they should be."""

    exit_status = INTEGRITY


class UnfinishedError(XNATCtlError):
    """Stopped before the end, with nothing wrong: the same command takes up what is left.

    The status is EX_TEMPFAIL of sysexits.h, which mail systems and batch schedulers read so.
    """

    exit_status = UNFINISHED


class ConfigurationError(XNATCtlError):
    """The configuration file, the environment or a setting is wrong."""

    def __init__(self, message: str, field: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class ProfileNotFoundError(ConfigurationError):
    """The configuration file has no profile of that name."""

    def __init__(self, profile: str) -> None:
        super().__init__(
            f"profile {profile!r} not found: 'xnat-auth profile show' lists the profiles, "
            f"'xnat-auth profile add {profile} --url URL' makes one"
        )
        self.profile = profile


class ValidationError(XNATCtlError):
    """A value given by the user breaks a rule; nothing was sent."""

    exit_status = USAGE

    def __init__(self, message: str, field: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class ArgumentError(ValidationError, TypeError):
    """An argument of the library is of a type that it cannot be."""


class InvalidURLError(ValidationError):
    """Not the URL of a server."""

    def __init__(self, url: str, reason: str = "") -> None:
        super().__init__(f"invalid URL {url!r}{_because(reason)}", "url", url)
        self.url = url
        self.reason = reason


class InvalidPortError(ValidationError):
    """Not a port number from 1 to 65535."""

    def __init__(self, port: object) -> None:
        super().__init__(f"invalid port {port!r}: must be a number from 1 to 65535", "port", port)
        self.port = port


class InvalidIdentifierError(ValidationError):
    """An identifier, label, AE title or list that XNAT or DICOM does not allow."""

    def __init__(self, identifier_type: str, value: object, reason: str = "") -> None:
        super().__init__(
            f"invalid {identifier_type} {value!r}{_because(reason)}", identifier_type, value
        )
        self.identifier_type = identifier_type
        self.reason = reason


class PathValidationError(ValidationError):
    """A local path that cannot be used."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}", "path", str(path))
        self.path = path
        self.reason = reason


class ConnectionError(XNATCtlError):
    """The server could not be spoken with."""

    exit_status = NETWORK

    def __init__(self, message: str, url: str | None = None) -> None:
        super().__init__(message)
        self.url = url


class NetworkError(ConnectionError):
    """The conversation with the server broke; `cause` tells how."""

    def __init__(self, url: str, cause: object = None) -> None:
        super().__init__(f"{url}: {cause or 'network error'}", url)
        self.cause = cause


class ServerUnreachableError(NetworkError):
    """No connection: unknown host, refused port, no route."""

    def __init__(self, url: str, cause: object = None) -> None:
        super().__init__(url, cause or "server unreachable: check the URL and the network")


class TimeoutError(NetworkError):
    """The server did not answer in time (seconds)."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url, f"no answer within {timeout:g} seconds")
        self.timeout = timeout


class RetryExhaustedError(NetworkError):
    """Every attempt failed; `last_error` is the failure of the last one."""

    def __init__(self, operation: str, attempts: int, last_error: object = None) -> None:
        why = f": {last_error}" if last_error else ""
        super().__init__(operation, f"failed after {attempts} attempts{why}")
        self.url = None
        self.operation = operation
        self.attempts = attempts
        self.last_error = last_error


class AuthenticationError(XNATCtlError):
    """The server does not know who is asking."""

    exit_status = AUTHENTICATION

    def __init__(self, url: str | None = None, reason: str = "") -> None:
        where = f"{url}: " if url else ""
        super().__init__(f"{where}{reason or 'authentication failed'}")
        self.url = url
        self.reason = reason


class SessionExpiredError(AuthenticationError):
    """The login has ended and could not be renewed."""

    def __init__(self, url: str | None = None, reason: str = "") -> None:
        super().__init__(url, reason or "the login has expired: run 'xnat-auth login'")


class PermissionDeniedError(AuthenticationError):
    """The server knows who is asking, and refuses."""

    exit_status = PERMISSION

    def __init__(self, resource: str, operation: str = "access", url: str | None = None) -> None:
        super().__init__(None, f"no permission to {operation} {resource}")
        self.resource = resource
        self.operation = operation
        self.url = url


class ResourceError(XNATCtlError):
    """Something about one object on the server."""

    def __init__(
        self, message: str, resource_type: str | None = None, resource_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.resource_type = resource_type
        self.resource_id = resource_id


class ResourceNotFoundError(ResourceError):
    """The object does not exist, or may not be seen."""

    exit_status = NOT_FOUND

    def __init__(self, resource_type: str, resource_id: str) -> None:
        super().__init__(f"{resource_type} {resource_id!r} not found", resource_type, resource_id)


class ResourceExistsError(ResourceError):
    """The object is there already."""

    def __init__(self, resource_type: str, resource_id: str) -> None:
        super().__init__(
            f"{resource_type} {resource_id!r} already exists", resource_type, resource_id
        )


class OperationError(XNATCtlError):
    """The server or the disk could not do what was asked."""

    def __init__(self, operation: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{operation}: {message}" if operation else message, details)
        self.operation = operation


class ServerError(OperationError):
    """The server failed (5xx) in a way that repeating did not, or must not, mend."""


class ClientRequestError(OperationError):
    """The server refused the request (4xx other than 401, 403, 404)."""


class UploadError(OperationError):
    """Data could not be brought to the server."""

    def __init__(
        self,
        message: str,
        file_path: str | Path | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__("upload", message, details)
        self.file_path = file_path


class DownloadError(OperationError):
    """Data could not be brought from the server."""

    def __init__(
        self, message: str, resource: str | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__("download", message, details)
        self.resource = resource


class BatchOperationError(OperationError):
    """Some parts of a batch failed; `errors` says how."""

    def __init__(self, operation: str, succeeded: int, failed: int, errors: list[Any]) -> None:
        first = f": {errors[0]}" if errors else ""
        super().__init__(operation, f"{failed} of {succeeded + failed} failed{first}")
        self.succeeded = succeeded
        self.failed = failed
        self.errors = errors


class DicomError(XNATCtlError):
    """Something about a DICOM file or a DICOM conversation."""

    def __init__(self, message: str, file_path: str | Path | None = None) -> None:
        super().__init__(message)
        self.file_path = file_path


class DicomParseError(DicomError):
    """A file that cannot be read as DICOM."""

    def __init__(self, file_path: str | Path, reason: str = "") -> None:
        super().__init__(f"{file_path}: not readable as DICOM{_because(reason)}", file_path)
        self.reason = reason


class DicomStoreError(DicomError):
    """A DICOM receiver could not be spoken with or refused."""

    exit_status = NETWORK

    def __init__(self, message: str, host: str | None = None, port: int | None = None) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def explain(error: OSError) -> XNATCtlError:
    """A system error as one line: which file, what happened."""
    # What is missing and has no name can only be the current directory.
    here = "the current directory: " if isinstance(error, FileNotFoundError) else ""
    where = f"{error.filename}: " if error.filename is not None else here
    return XNATCtlError(f"{where}{error.strerror or type(error).__name__}")
