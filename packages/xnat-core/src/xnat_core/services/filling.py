"""Putting files into a resource, and looking that they are there.

The server answers 200 for what it stored, for what it did not store because a file of that name
exists, and for what it ignored for want of permission. So the listing before decides what is sent,
and the listing afterwards what was.

A request that breaks off may leave the beginning of a file under its name. What is such a beginning
of ours is completed without `overwrite`, and so is replaced once what the server says it has stored
and lists with other content: nobody else's data are lost by that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.archive.members import Member
from xnat_core.archive.zip_writer import ZipStream
from xnat_core.bodies import Body, FileBody, WatchedBody
from xnat_core.bounds import UNBOUNDED, Begin, Bounds
from xnat_core.errors import IntegrityError, ResourceExistsError
from xnat_core.files import md5_of
from xnat_core.http.answers import error_of
from xnat_core.lagging import look_until
from xnat_core.models import ResourceFile
from xnat_core.services.homes import Home
from xnat_core.services.local_members import (
    contents_of_archive,
    members_below,
    name_to_unpack,
    plain_path,
    require_kept,
)
from xnat_core.services.once import GAVE_UP, LONGEST_WAIT
from xnat_core.services.stored import (
    differs,
    holds,
    is_as_sent,
    is_same,
    is_torn,
    not_stored,
    require_as_sent,
    stored_files,
)
from xnat_core.urls import is_plain, path

if TYPE_CHECKING:
    from requests import Response

    from xnat_core.client import XNATClient

# A retry must stay cheap, and proxies cap bodies.
_LARGEST_BODY = 1 << 30

Watch = Callable[[int], None]


@dataclass(frozen=True)
class Filled:
    """What came of filling a resource: numbers of files, and bytes of those that were sent.

    `unverifiable` counts files of which the server has no digest; their sizes were compared.
    """

    sent: int = 0
    skipped: int = 0
    bytes: int = 0
    unverifiable: int = 0


@dataclass(frozen=True)
class Plan:
    """What has to be sent, and how many files the resource holds already as they should be.

    `torn` names those of `missing` whose beginning is there, `unverifiable` counts those that are
    there without a digest, so that only their sizes were compared.
    """

    missing: tuple[Member, ...]
    there: int
    torn: frozenset[str] = frozenset()
    unverifiable: int = 0

    @property
    def bytes(self) -> int:
        """How much has to be sent."""
        return sum(member.size for member in self.missing)


def plan_fill(
    client: XNATClient, home: Home, label: str, members: Sequence[Member], *, overwrite: bool
) -> Plan:
    """Compare local files with those of a resource, which need not exist.

    With `overwrite` what has no digest there is sent: an image that was computed anew is as large
    as the one before. Raises ResourceExistsError for a file that is there with other content,
    unless `overwrite`; UploadError for one that the server would not keep.
    """
    require_kept(member.name for member in members)
    stored = stored_files(client, home, label)
    missing, torn, unverifiable = [], set(), 0
    for member in members:
        file = stored.get(member.name)
        if file is not None and is_same(member, file) and (file.digest or not overwrite):
            unverifiable += not file.digest
            continue
        if file is not None and not overwrite:
            if not is_torn(member, file):
                raise differs(label, member.name)
            torn.add(member.name)
        missing.append(member)
    return Plan(tuple(missing), len(members) - len(missing), frozenset(torn), unverifiable)


def fill(
    client: XNATClient,
    home: Home,
    label: str,
    plan: Plan,
    *,
    overwrite: bool = False,
    fields: Mapping[str, str | None] | None = None,
    watch: Watch | None = None,
    bounds: Bounds = UNBOUNDED,
) -> Filled:
    """Send what a plan says and compare it with what the server holds then.

    One request at a time: the server locks the catalog of a resource. `fields` are `format`,
    `content`, `tags`, `description` of the files; `watch` is told the bytes of each block.
    Raises UploadError for what the server did not store, ResourceExistsError for what it had
    otherwise, IntegrityError for what arrived otherwise, BoundReached before a request for which
    `bounds` leave no time.
    """
    digests: dict[str, str] = {}
    refused: set[str] = set()

    def send(members: Sequence[Member], overwrite: bool) -> None:
        for batch in bounds.in_time(_batches(members)):
            lone = batch[0] if len(batch) == 1 else None
            body: Body
            if lone is not None and is_plain(lone.name):
                digests[lone.name] = md5_of(lone.path)
                name, body, extract = lone.name, FileBody(lone.path), False
            else:
                name, extract = "upload.zip", True
                body = ZipStream(batch, on_digest=lambda m, md5: digests.update({m.name: md5}))
            body = WatchedBody(body, watch) if watch else body
            answer = _put(
                client, home, label, name, body, extract=extract, overwrite=overwrite, fields=fields
            )
            refused.update(_last(name) for name in _duplicates(answer))

    if not plan.missing:
        return Filled(0, plan.there, 0, plan.unverifiable)
    send([member for member in plan.missing if member.name not in plan.torn], overwrite)
    send([member for member in plan.missing if member.name in plan.torn], True)

    def torn_in(stored: Mapping[str, ResourceFile]) -> list[Member]:
        return [m for m in plan.missing if m.name in stored and is_torn(m, stored[m.name])]

    def damaged_in(stored: Mapping[str, ResourceFile]) -> list[Member]:
        return [
            member
            for member in plan.missing
            if (file := stored.get(member.name)) is not None
            and _last(member.name) not in refused
            and not is_as_sent(file, *sent[member.name])
        ]

    def look() -> dict[str, ResourceFile]:
        return stored_files(client, home, label)

    sent = {member.name: (member.size, digests[member.name]) for member in plan.missing}
    stored = look_until(look, lambda seen: holds(seen, sent) or bool(torn_in(seen)))
    # The request that came after one that broke off did not replace what that had left.
    if torn := torn_in(stored):
        send(torn, True)
        stored = look_until(look, lambda seen: holds(seen, sent))
    if damaged := damaged_in(stored):
        send(damaged, True)
        stored = look_until(look, lambda seen: holds(seen, sent))
        if damaged := damaged_in(stored):
            raise IntegrityError(
                f"{label}/{damaged[0].name} arrived otherwise than it was sent, twice; "
                "--overwrite replaces it"
            )
    unverifiable = plan.unverifiable + require_as_sent(stored, home, label, sent)
    return Filled(len(plan.missing), plan.there, plan.bytes, unverifiable)


def send_file(
    client: XNATClient, home: Home, label: str, local: Path, *, extract: bool, overwrite: bool
) -> dict[str, Any]:
    """Send one file; see `ResourceService.upload_file`."""
    size = local.stat().st_size
    facts = {"success": True, "file": str(local), "size": size, "extracted": extract}
    if extract:
        unpack(client, home, label, local, overwrite=overwrite)
    else:
        members = [Member.of(local, local.name)]
        plan = plan_fill(client, home, label, members, overwrite=overwrite)
        fill(client, home, label, plan, overwrite=overwrite)
    return facts


def send_folder(
    client: XNATClient, home: Home, label: str, local: Path, *, overwrite: bool
) -> dict[str, Any]:
    """Send a folder; see `ResourceService.upload_directory`."""
    members = members_below(local)
    plan = plan_fill(client, home, label, members, overwrite=overwrite)
    fill(client, home, label, plan, overwrite=overwrite)
    return {
        "success": True,
        "file": str(local),
        "files": len(members),
        "size": sum(member.size for member in members),
        "extracted": True,
    }


def unpack(
    client: XNATClient,
    home: Home,
    label: str,
    archive: Path,
    *,
    overwrite: bool,
    fields: Mapping[str, str | None] | None = None,
    begin: Begin = lambda: None,
) -> Filled:
    """Send an archive for the server to unpack into a resource, unless all of it is there.

    What the resource holds then is compared with what the archive has. One that cannot be read here
    (`.gz`, `.zar`, `.xar`) counts as one file that is `unverifiable`. Raises UploadError for what
    the server did not store, ResourceExistsError for what is there with other content. `begin` is
    called before anything is sent.
    """

    def look() -> dict[str, ResourceFile]:
        # A server may keep the './' of a tar in its names.
        return {plain_path(name): file for name, file in stored_files(client, home, label).items()}

    name = name_to_unpack(archive)
    wanted = contents_of_archive(archive)
    before = look()
    if wanted and holds(before, wanted):
        unverifiable = require_as_sent(before, home, label, wanted)
        if not (overwrite and unverifiable):
            return Filled(0, len(wanted), 0, unverifiable)
    begin()
    answer = _put(
        client,
        home,
        label,
        name,
        FileBody(archive),
        extract=True,
        overwrite=overwrite,
        fields=fields,
        # To send the archive again would unpack it twice at the same time.
        accept={GAVE_UP},
    )
    size = archive.stat().st_size
    if answer.status_code == GAVE_UP and not (
        wanted and holds(look_until(look, lambda now: holds(now, wanted), LONGEST_WAIT), wanted)
    ):
        raise error_of(answer, "PUT", home.path, home.about)
    if wanted:
        # Of what is said to be a duplicate the content decides: the answer to a request that
        # stored it may have been lost.
        stored = look_until(look, lambda now: holds(now, wanted))
        return Filled(len(wanted), 0, size, require_as_sent(stored, home, label, wanted))
    duplicates = _duplicates(answer)
    if duplicates:
        raise ResourceExistsError("file", ", ".join(duplicates[:5]))
    known = () if overwrite else before.keys()
    if not look_until(lambda: look().keys() - known, bool):
        raise not_stored(home, label)
    return Filled(1, 0, size, 1)


def _batches(members: Sequence[Member]) -> Iterator[list[Member]]:
    batch: list[Member] = []
    size = 0
    for member in members:
        if batch and size + member.size > _LARGEST_BODY:
            yield batch
            batch, size = [], 0
        batch.append(member)
        size += member.size
    if batch:
        yield batch


def _put(
    client: XNATClient,
    home: Home,
    label: str,
    name: str,
    body: Body,
    *,
    extract: bool,
    overwrite: bool,
    fields: Mapping[str, str | None] | None,
    accept: Collection[int] = (),
) -> Response:
    params = {
        "inbody": "true",
        "extract": "true" if extract else None,
        "overwrite": "true" if overwrite else None,
        **(fields or {}),
    }
    where = home.path + path("resources", label, "files", *name.split("/"))
    # A file that arrived the first time is found by the second one, which changes nothing then.
    return client.put(
        where,
        params=params,
        body=body,
        about=home.about,
        accept=accept,
        repeatable=True,
    )


def _duplicates(answer: Response) -> list[str]:
    try:
        found = json.loads(answer.text or "{}")
    except ValueError:
        return []
    return list(found.get("duplicates") or []) if isinstance(found, dict) else []


def _last(name: str) -> str:
    return name.rpartition("/")[2]
