"""One file by one request, taken up where an attempt before broke off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xnat_core.behind import Behind
from xnat_core.errors import (
    ConnectionError,
    IntegrityError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.http.answers import is_html
from xnat_core.http.retries import pause
from xnat_core.parallel import check_stop, rest
from xnat_core.services.base import document
from xnat_core.urls import path
from xnat_download.inventory import File, Group
from xnat_download.partial import Partial
from xnat_download.records import file_uri
from xnat_download.trouble import DiskError, Interrupted, stops_the_run

if TYPE_CHECKING:
    from xnat_core.http.streams import Stream
    from xnat_download.download import Download

# Attempts that bring no byte, before a file is given up. Any byte begins the count anew.
IDLE_ATTEMPTS = 5
# How often a file that came whole but wrong is asked for again.
WRONG_ATTEMPTS = 2

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _Wrong(IntegrityError):
    """The bytes so far are not the beginning of the listed file."""


def fetch_one(download: Download, group: Group, file: File) -> None:
    """Fetch a file, or say why it cannot be had. Raises only what stops the run."""
    partial: Partial | None = None
    try:
        uri = file_uri(group, file.path)
        final = download.engine.tree.path_of(group, file)
        with download.engine.streaming(), Behind() as behind:
            late = behind if download.engine.hashes_behind(file.size) else None
            partial = Partial(final, resume=file.part, behind=late)
            _attempts(download, group, file, uri, partial)
    except (IntegrityError, DiskError) as error:
        if partial is not None:
            partial.discard()
        if stops_the_run(error):
            raise
        download.lost(group, file, error)
    except XNATCtlError as error:
        if stops_the_run(error):
            raise
        download.lost(group, file, _as_missing(download, group, error))
    finally:
        if partial is not None:
            partial.leave(provable=file.digest is not None)


def _as_missing(download: Download, group: Group, error: XNATCtlError) -> XNATCtlError:
    """What a 500 means below a session that is gone; the server does not say it."""
    session = group.place.session_id
    if not isinstance(error, ServerError) or session is None:
        return error
    about = ("session", group.place.session or session)
    try:
        found = document(download.client, path("data", "experiments", session), about)
    except XNATCtlError:
        return error
    return error if found is not None else ResourceNotFoundError(*about)


def _attempts(download: Download, group: Group, file: File, uri: str, partial: Partial) -> None:
    idle = wrong = 0
    progress = download.engine.progress
    progress.advance(bytes=partial.size)
    while True:
        check_stop()
        had = partial.size
        try:
            if partial.size != file.size or not partial.size:
                _get(download, file, uri, partial)
            if file.size is not None and partial.size < file.size:
                short = f"{uri}: {partial.size} of {file.size} bytes came, and no more"
                raise Interrupted(ConnectionError(short))
            download.fetched(group, file, partial)
            return
        except IntegrityError:
            wrong += 1
            if wrong > WRONG_ATTEMPTS:
                raise
            progress.advance(bytes=-partial.size)
            partial.restart()
        except Interrupted as interruption:
            idle = 0 if partial.size > had else idle + 1
            if idle >= IDLE_ATTEMPTS:
                raise interruption.error from None
            if idle:
                rest(pause(idle - 1, None))


def _get(download: Download, file: File, uri: str, partial: Partial) -> None:
    """One request; what it brings is appended."""
    headers = {"Range": f"bytes={partial.size}-"} if partial.size else {}
    accept, about = {416} if headers else (), ("file", file.path)
    opened = False
    try:
        with download.client.stream(uri, headers=headers, accept=accept, about=about) as answer:
            opened = True
            _require_file(answer, file)
            _place(download, answer, file, partial)
            # Some servers mark a file that ends in .gz as compressed; then it comes as it is.
            as_it_is = answer.length == (file.size or 0) - partial.size
            unpack = bool(answer.compression) and not as_it_is
            for block in answer.blocks(unpack=unpack):
                check_stop()
                partial.write(block)
                download.engine.progress.advance(bytes=len(block))
    except ConnectionError as error:
        if opened:
            raise Interrupted(error) from error
        raise
    except ServerError as error:
        # Some servers trip over a range; without one the whole file comes.
        if headers:
            raise _Wrong(error.message) from error
        raise


def _require_file(answer: Stream, file: File) -> None:
    """A page for people is no file, unless it is one: size or digest will tell, or the name."""
    knows = file.size is not None or file.digest is not None
    if not knows and is_html(answer) and not file.path.lower().endswith((".html", ".htm")):
        raise IntegrityError(f"{file.path}: the server answered a web page")


def _place(download: Download, answer: Stream, file: File, partial: Partial) -> None:
    """See to it that what comes belongs where the file so far ends, and is of the same file."""
    before, partial.version = partial.version, answer.headers.get("Last-Modified")
    if not partial.size:
        return
    if answer.status_code == 416:
        raise _Wrong(f"{file.path}: the server has fewer bytes than came before")
    if answer.status_code != 206:
        download.engine.progress.advance(bytes=-partial.size)
        partial.restart()
        return
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != partial.size:
        raise _Wrong(f"{file.path}: the server sent another part of it than asked for")
    changed = file.size is not None and found[2] not in ("*", str(file.size))
    if changed or (file.digest is None and before != partial.version):
        raise _Wrong(f"{file.path}: it has changed on the server")
