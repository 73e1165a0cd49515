"""How far a transfer is, and how it ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, cast


class OperationPhase(str, Enum):
    """What a long operation is doing."""

    PREPARING = "preparing"
    ARCHIVING = "archiving"
    UPLOADING = "uploading"
    DOWNLOADING = "downloading"
    PROCESSING = "processing"
    COMPLETE = "complete"
    ERROR = "error"

    def __str__(self) -> str:
        return self.value


class _Told:
    def to_dict(self) -> dict[str, Any]:
        """Return the fields; paths as texts, so that JSON can be made of it."""
        found = asdict(cast(Any, self))
        return {key: str(one) if isinstance(one, Path) else one for key, one in found.items()}


@dataclass(frozen=True)
class Progress(_Told):
    """One report of a running operation; `current` and `total` count its parts."""

    phase: OperationPhase = OperationPhase.PREPARING
    current: int = 0
    total: int = 0
    message: str = ""
    success: bool = True
    errors: tuple[str, ...] = ()

    @property
    def percent(self) -> float:
        """How far, 0 to 100; zero while the total is unknown."""
        return _percent(self.current, self.total)


@dataclass(frozen=True)
class UploadProgress(Progress):
    """A report of a running upload."""

    batch_id: int | None = None
    bytes_sent: int = 0
    total_bytes: int = 0

    @property
    def bytes_percent(self) -> float:
        """How far in bytes, 0 to 100; zero while the total is unknown."""
        return _percent(self.bytes_sent, self.total_bytes)


@dataclass(frozen=True)
class DownloadProgress(Progress):
    """A report of a running download."""

    file_path: str = ""
    bytes_received: int = 0
    total_bytes: int = 0

    @property
    def bytes_percent(self) -> float:
        """How far in bytes, 0 to 100; zero while the total is unknown."""
        return _percent(self.bytes_received, self.total_bytes)


@dataclass(frozen=True)
class Summary(_Told):
    """How an operation ended; `duration` in seconds, sizes in MiB."""

    success: bool
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    duration: float = 0.0
    errors: list[str] = field(default_factory=list)
    total_files: int = 0
    total_size_mb: float = 0.0
    session_id: str = ""

    @property
    def success_rate(self) -> float:
        """Share of the parts that succeeded, 0 to 100."""
        return _percent(self.succeeded, self.total)

    @property
    def throughput_mbps(self) -> float:
        """MiB per second."""
        return self.total_size_mb / self.duration if self.duration > 0 else 0.0


@dataclass(frozen=True)
class UploadSummary(Summary):
    """How an upload ended."""

    batches_total: int = 0
    batches_succeeded: int = 0
    batches_failed: int = 0


@dataclass(frozen=True)
class DownloadSummary(Summary):
    """How a download ended; `verified` only when every file was compared with the server."""

    output_path: Path | None = None
    verified: bool = False


@dataclass(frozen=True)
class DICOMStoreSummary(_Told):
    """How sending by DICOM ended; `log_dir` is kept only when something failed."""

    total_files: int
    sent: int
    failed: int
    log_dir: Path | None = None
    workspace: Path | None = None
    success: bool = True


def _percent(part: int, whole: int) -> float:
    # What frames files in an archive travels as well, and is in no total.
    return min(100.0, 100.0 * part / whole) if whole else 0.0
