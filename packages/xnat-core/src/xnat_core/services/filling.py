"""Putting files into a resource, and looking that they are there.

The server answers 200 for what it stored, for what it did not store because a file of that name
exists, and for what it ignored for want of permission. So the listing before decides what is sent,
and the listing afterwards what was.

A request that breaks off may leave the beginning of a file under its name. What is such a beginning
of ours is completed without `overwrite`, and so is replaced once what the server says it has stored
and lists with other content: nobody else's data are lost by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

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
    inside_gz,
    name_to_unpack,
    plain_path,
    require_kept,
)
from xnat_core.services.once import GAVE_UP, LONGEST_WAIT
from xnat_core.services.putting import duplicates_in, put
from xnat_core.services.reading_back import told
from xnat_core.services.stored import (
    comes_out,
    differs,
    holds,
    is_as_sent,
    is_same,
    is_torn,
    not_stored,
    require_as_sent,
    stored_files,
)
from xnat_core.urls import is_plain

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
    stored = told(client, stored, _names(members))
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
    if not plan.missing:
        return Filled(0, plan.there, 0, plan.unverifiable)
    filling = _Filling(client, home, label, plan.missing, fields, watch, bounds)
    filling.send([one for one in plan.missing if one.name not in plan.torn], overwrite=overwrite)
    filling.send([one for one in plan.missing if one.name in plan.torn], overwrite=True)
    stored = filling.look(enough=lambda seen: bool(filling.torn_in(seen)))
    # The request that came after one that broke off did not replace what that had left.
    if torn := filling.torn_in(stored):
        filling.send(torn, overwrite=True)
        stored = filling.look()
    if damaged := filling.damaged_in(stored):
        filling.send(damaged, overwrite=True)
        stored = filling.look()
        if damaged := filling.damaged_in(stored):
            raise IntegrityError(
                f"{label}/{damaged[0].name} arrived otherwise than it was sent, twice; "
                "--overwrite replaces it"
            )
    unverifiable = plan.unverifiable + require_as_sent(stored, home, label, filling.sent)
    return Filled(len(plan.missing), plan.there, plan.bytes, unverifiable)


class _Filling:
    """Some files on their way into a resource."""

    def __init__(
        self,
        client: XNATClient,
        home: Home,
        label: str,
        members: Sequence[Member],
        fields: Mapping[str, str | None] | None,
        watch: Watch | None,
        bounds: Bounds,
    ) -> None:
        self._client = client
        self._home = home
        self._label = label
        self._members = members
        self._fields = fields
        self._watch = watch
        self._bounds = bounds
        self._digests: dict[str, str] = {}
        self._refused: set[str] = set()

    def send(self, members: Sequence[Member], *, overwrite: bool) -> None:
        """Send files, several in one zip, and remember their MD5s and which were refused."""
        for batch in self._bounds.in_time(_batches(members)):
            answer = self._put(batch, overwrite)
            self._refused.update(_last(name) for name in duplicates_in(answer))

    def _put(self, batch: Sequence[Member], overwrite: bool) -> Response:
        """Send one request; a zip that a proxy gave up while the server unpacks it is waited for:
        sent again, it would be unpacked twice at the same time."""
        lone = batch[0] if len(batch) == 1 else None
        body: Body
        zipped = lone is None or not is_plain(lone.name)
        if lone is None or zipped:
            name, body = "upload.zip", ZipStream(batch, on_digest=self._note_digest)
        else:
            self._digests[lone.name] = md5_of(lone.path)
            name, body = lone.name, FileBody(lone.path)
        ask = partial(
            put,
            *(self._client, self._home, self._label, name),
            WatchedBody(body, self._watch) if self._watch else body,
            extract=zipped,
            overwrite=overwrite,
            fields=self._fields,
        )
        answer = ask(accept={GAVE_UP} if zipped else ())
        if answer.status_code != GAVE_UP:
            return answer
        if any(one.name not in self._digests for one in batch):
            return ask()  # It was answered before all had left.
        if not comes_out(partial(self._stored, batch), self._sent_of(batch), LONGEST_WAIT):
            raise error_of(answer, "PUT", self._home.path, self._home.about)
        return answer

    def _note_digest(self, member: Member, md5: str) -> None:
        self._digests[member.name] = md5

    @cached_property
    def sent(self) -> dict[str, tuple[int, str]]:
        """Size and MD5 of every file, as it was sent the first time."""
        return self._sent_of(self._members)

    def _sent_of(self, members: Sequence[Member]) -> dict[str, tuple[int, str]]:
        return {one.name: (one.size, self._digests[one.name]) for one in members}

    def _stored(self, members: Sequence[Member]) -> dict[str, ResourceFile]:
        files, names = stored_files(self._client, self._home, self._label), _names(members)
        # While some are not listed yet there will be another look.
        return told(self._client, files, names) if files.keys() >= names else files

    def look(
        self, enough: Callable[[dict[str, ResourceFile]], bool] = lambda seen: False
    ) -> dict[str, ResourceFile]:
        """The files of the resource, once all that was sent is there or `enough` is true."""
        look = partial(self._stored, self._members)
        return look_until(look, lambda seen: holds(seen, self.sent) or enough(seen))

    def torn_in(self, stored: Mapping[str, ResourceFile]) -> list[Member]:
        """Files of which the server holds the beginning only."""
        found = ((one, stored.get(one.name)) for one in self._members)
        return [one for one, file in found if file is not None and is_torn(one, file)]

    def damaged_in(self, stored: Mapping[str, ResourceFile]) -> list[Member]:
        """Files that the server says it has stored, and lists with other content."""
        return [
            one
            for one in self._members
            if (file := stored.get(one.name)) is not None
            and _last(one.name) not in self._refused
            and not is_as_sent(file, *self.sent[one.name])
        ]


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
        files = stored_files(client, home, label).items()
        return told(client, {plain_path(name): file for name, file in files}, wanted)

    name = name_to_unpack(archive)
    wanted, inside = contents_of_archive(archive), inside_gz(archive)
    before = look()
    if wanted and holds(before, wanted):
        unverifiable = require_as_sent(before, home, label, wanted)
        if not (overwrite and unverifiable):
            return Filled(0, len(wanted), 0, unverifiable)
    begin()
    answer = put(
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
    if answer.status_code == GAVE_UP and not comes_out(look, wanted, LONGEST_WAIT):
        raise error_of(answer, "PUT", home.path, home.about)
    if wanted:
        # Of what is said to be a duplicate the content decides: the answer to a request that
        # stored it may have been lost.
        stored = look_until(look, lambda now: holds(now, wanted))
        return Filled(len(wanted), 0, size, require_as_sent(stored, home, label, wanted))
    duplicates = duplicates_in(answer)
    if duplicates:
        raise ResourceExistsError("file", ", ".join(duplicates[:5]))

    def has_come(now: Mapping[str, ResourceFile]) -> bool:
        if not overwrite or now.keys() - before.keys():
            return bool(now.keys() - before.keys())
        # What was replaced by the same is as it was before.
        same = inside is None or any(
            is_as_sent(file, *inside) for file in now.values() if file.digest or len(now) == 1
        )
        return bool(now) and (same or any(before[name] != file for name, file in now.items()))

    if not look_until(lambda: has_come(look()), bool):
        raise not_stored(home, label)
    return Filled(1, 0, size, 1)


def _names(members: Iterable[Member]) -> set[str]:
    return {member.name for member in members}


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


def _last(name: str) -> str:
    return name.rpartition("/")[2]
