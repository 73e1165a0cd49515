"""What a raw answer looks like on standard output."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

from xnat_core.errors import AuthenticationError, IntegrityError
from xnat_core.http.answers import REDIRECTS, asks_to_log_in, refused_redirect
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.redaction import one_line
from xnat_core.tables import safe_json

_BLOCK = 1 << 20
# A list or an item, which some servers call text.
_ENVELOPE = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:ResultSet|items)"\s*:')
_OWN_PLACE = re.compile(r"/data/(?:archive|prearchive)/")


class Answer(Protocol):
    """What the server said, its body read or still to be read."""

    status_code: int
    reason: str
    url: str
    headers: Any

    @property
    def content(self) -> Any:
        """The whole body."""

    def iter_content(self, chunk_size: int) -> Iterator[bytes]:
        """The body in blocks."""


def show(
    job: Job, answer: Answer, as_it_travels: Iterator[bytes] | None = None
) -> Iterator[Record]:
    """Yield the rows of a listing, or write the answer as it is; its status goes to stderr.

    `as_it_travels` are the blocks of a body that is not to be uncompressed.
    """
    place = _place_of(answer)
    job.console.info(f"{answer.status_code} {answer.reason or ''} {place}".strip())
    raw = job.args.has("--raw") and job.args.flag("--raw")
    if raw or "json" not in answer.headers.get("Content-Type", "").lower():
        blocks = as_it_travels or answer.iter_content(_BLOCK)
        first = next(blocks, b"")
        if raw or as_it_travels or not _ENVELOPE.match(first):
            if not raw and job.args.text("--output") == "json":
                job.console.warning("the answer is not JSON; it follows as it is")
            _require_no_sign_in(answer, first)
            for block in itertools.chain([first], blocks):
                job.write_bytes(block)
            return
        content = first + b"".join(blocks)
    else:
        content = answer.content
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        # Cut short, mostly: the server ends an answer properly when it fails in the middle.
        job.write_bytes(content)
        if not content.strip():
            return
        raise IntegrityError("the answer says it is JSON, but cannot be read") from None
    if job.args.text("--output") == "json":
        text = safe_json(json.dumps(document, indent=2, ensure_ascii=False))
        job.write_bytes(text.encode() + b"\n")
    else:
        yield from _rows(document)


def _place_of(answer: Answer) -> str:
    """Where the server put what was sent, if it answers so.

    Raises AuthenticationError for a redirect to another place than the archive or prearchive.
    """
    target = answer.headers.get("Location", "") if answer.status_code in REDIRECTS else ""
    where = urlsplit(answer.url)
    if target and not _OWN_PLACE.search(urlsplit(target).path):
        raise refused_redirect(f"{where.scheme}://{where.netloc}", where.path, target)
    return one_line(target)


def _require_no_sign_in(answer: Answer, first: bytes) -> None:
    """Raise AuthenticationError for the page that asks to log in; a file may well look like it."""
    is_page = "html" in answer.headers.get("Content-Type", "")
    if is_page and "/files/" not in answer.url and asks_to_log_in(first):
        where = urlsplit(answer.url)
        server = f"{where.scheme}://{where.netloc}"
        raise AuthenticationError(
            server, f"{where.path} was answered by the page that asks to log in"
        )


def _rows(document: Any) -> Iterator[Record]:
    if isinstance(document, dict):
        result = document.get("ResultSet")
        if isinstance(result, dict) and isinstance(result.get("Result"), list):
            document = result["Result"]
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        yield from document
    elif isinstance(document, dict):
        yield document
    else:
        yield {"value": document}
