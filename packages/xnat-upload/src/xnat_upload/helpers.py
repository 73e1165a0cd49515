"""Functions that programs which upload by themselves have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from xnat_core.arguments import count
from xnat_core.dicom_files import LostLinks, is_named_dicom, may_be_dicom, walk
from xnat_core.errors import AuthenticationError, XNATCtlError
from xnat_core.user_paths import expanded

T = TypeVar("T")


class Answer(Protocol):
    """What an upload was answered."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""


AnswerT = TypeVar("AnswerT", bound=Answer)
RETRYABLE = frozenset({400, 429, 500, 502, 503, 504})


def collect_dicom_files(root: str | Path, *, include_extensionless: bool = True) -> list[Path]:
    """The files below a folder that have a DICOM suffix or begin like DICOM, sorted.

    Without `include_extensionless` only names count. Raises ValueError when `root` is no folder,
    UploadError for what cannot be read: a part must not be taken for the whole. Links that lead
    nowhere are passed over.
    """
    folder = expanded(root)
    if not folder.is_dir():
        raise ValueError(f"{folder}: not a directory")

    def wanted(path: Path) -> bool:
        return may_be_dicom(path) if include_extensionless else is_named_dicom(path.name)

    def stop(error: XNATCtlError) -> None:
        raise error

    files = walk([folder], stop, LostLinks())
    return sorted({file.identity: file.path for file in files if wanted(file.path)}.values())


def split_into_batches(files: Sequence[T], batch_size: int) -> list[list[T]]:
    """Consecutive batches of at most `batch_size`; one of all for zero and less."""
    items = list(files)
    if batch_size <= 0:
        return [items] if items else []
    return [items[start : start + batch_size] for start in range(0, len(items), batch_size)]


def split_into_n_batches(files: Sequence[T], num_batches: int) -> list[list[T]]:
    """As many batches, dealt out in turns; fewer when there are fewer files."""
    items = list(files)
    count = min(max(1, num_batches), len(items))
    return [items[start::count] for start in range(count)]


def is_retryable_status(status_code: int) -> bool:
    """Whether an upload that was answered so may be repeated."""
    return status_code in RETRYABLE


def upload_with_retry(
    upload_fn: Callable[[], AnswerT],
    *,
    max_retries: int = 5,
    backoff_base: float = 2,
    label: str = "upload",
) -> AnswerT:
    """Call `upload_fn` until its answer is no reason to repeat it, or it has been repeated enough.

    Pauses of `backoff_base` ** 1, 2, 3 … seconds lie between. Returns the last answer, or raises
    the last exception, with `label` in its details; one of authentication is the last one.
    """
    for attempt in range(count(max_retries, "max_retries", 0) + 1):
        last = attempt == max_retries
        try:
            response = upload_fn()
        except (XNATCtlError, OSError) as error:
            if isinstance(error, XNATCtlError):
                error.details.setdefault("upload", label)
            if last or isinstance(error, AuthenticationError):
                raise
        else:
            if last or not is_retryable_status(response.status_code):
                return response
        time.sleep(backoff_base ** (attempt + 1))
    raise AssertionError("the last attempt returns or raises")
