"""Requests that bring instances: archives of many, or single ones."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from xnat_core.archive import Member, TarStream, ZipStream
from xnat_core.bodies import Body, WatchedBody
from xnat_core.client import XNATClient
from xnat_core.errors import UploadError, XNATCtlError
from xnat_core.imports import (
    Destination,
    ImportRefused,
    Landing,
    Way,
    gradual_params,
    send,
    zip_params,
)
from xnat_core.prearchive_rows import UNASSIGNED
from xnat_upload.content import Cursors, members_of
from xnat_upload.difference import Difference
from xnat_upload.form import FormBody
from xnat_upload.inventory import Instance
from xnat_upload.terms import Manner

ONE_SECONDS = 120.0
"""How long the server may take over a single instance."""
MOST_ARCHIVES = 8
"""So many archives are open at once."""

MOST_REFUSED = 10
"""So many files of one request are left out one by one: each costs the whole request again."""

Took = Callable[[Sequence[tuple[Instance, str]], Sequence[Landing]], None]


class ManyRefused(ImportRefused):
    """So many files of a request are refused that the rest is to be sent in requests of their own.

    A server in trouble (a full disk) refuses each of them.
    """


class Requests:
    """Sends archives of instances of one session.

    `watch` is told the bytes as they leave; `gate` lets so many requests through at once.
    """

    def __init__(
        self,
        client: XNATClient,
        destination: Destination,
        manner: Manner,
        difference: Difference,
        watch: Callable[[int], None],
        gate: AbstractContextManager[object],
    ) -> None:
        self.client = client
        self.destination = destination
        self.manner = manner
        self.difference = difference
        self.watch = watch
        self._astray: set[str] = set()
        self._gate = gate
        self._reading = threading.Lock()
        self._cursors = Cursors(MOST_ARCHIVES)

    def send(self, instances: Sequence[Instance], way: Way, took: Took) -> None:
        """Send instances in one archive and tell `took` when the server has answered for them.

        One that the server refuses, or that cannot be read here, is left out, and the rest is sent
        again. Raises what cannot be laid to one of them, and ManyRefused.
        """
        params = zip_params(
            self.destination,
            way,
            self.manner.overwrite,
            # It passes over whatever gives it trouble, and what comes later may come too late.
            ignore_unparsable=self.manner.ignore_unparsable and not self.difference.is_mixed,
        )
        left = list(instances)
        refused = 0
        while left:
            members = list(members_of(left, self._folders))
            digests: dict[Member, str] = {}
            body = WatchedBody(self._body(members, digests), self.watch)
            try:
                landings = self._sent(params, body, self.manner.timeout)
            except UploadError as error:
                body.take_back()
                self._leave_out(left, error)
                if isinstance(error, ImportRefused):
                    refused += 1
                    if refused == MOST_REFUSED and left:
                        raise ManyRefused(error.reason) from error
                continue
            # Not by name: what another client has named may be called alike in every scan.
            sent = [digests.get(member, "") for member in members]
            took(list(zip(left, sent, strict=True)), landings)
            return

    def send_one(self, instance: Instance, way: Way, took: Took) -> None:
        """Send one instance by itself and tell `took` where it went. Raises what happened."""
        params = gradual_params(self.destination, way)
        digests: list[str] = []
        with self._in_turn(instance) as member:
            form = FormBody(member, on_digest=lambda _, digest: digests.append(digest))
            body = WatchedBody(form, self.watch)
            try:
                landings = self._sent(params, body, ONE_SECONDS)
            except XNATCtlError:
                body.take_back()
                raise
        took([(instance, digests[-1] if digests else "")], landings)

    def notes(self) -> Iterator[str]:
        """What is to be told of requests that have been answered."""
        if self._astray:
            yield (
                f"{self.destination.session}: the login had ended, and a copy of some files lies "
                f"in {', '.join(sorted(self._astray))}, for an administrator to delete"
            )

    def _sent(
        self, params: Mapping[str, str], body: Body, timeout: float | None
    ) -> tuple[Landing, ...]:
        """Send a body and return where it went.

        A site open to all takes what comes after the login has ended for a guest's, who may add to
        no project. Then it is sent once more, as ourselves.
        """
        with self._gate, _length_explained():
            login = self.client.login_in_use()
            landings = send(self.client, params, body, timeout=timeout)
            lost = [landing.uri for landing in landings if landing.project == UNASSIGNED]
            if lost and self.client.renew_if_ended(login):
                self._astray.update(lost)
                landings = send(self.client, params, body, timeout=timeout)
        return landings

    @contextmanager
    def _in_turn(self, instance: Instance) -> Iterator[Member]:
        """The member to send; from an archive only one at a time."""
        if instance.member is None:
            yield from members_of([instance], self._folders)
            return
        with self._reading:
            cursor = self._cursors.of(instance.path)
            yield from members_of([instance], self._folders, {instance.path: cursor})

    def _body(self, members: Sequence[Member], digests: dict[Member, str]) -> Body:
        if self.manner.mode == "zip":
            return ZipStream(members, compress=True, on_digest=digests.__setitem__)
        return TarStream(members, on_digest=digests.__setitem__)

    @property
    def _folders(self) -> dict[int, str]:
        """A folder of its own for each series, named by its number; more may be found meanwhile."""
        return {
            series.id: f"{series.id}-{re.sub(r'[^A-Za-z0-9_-]', '_', series.number)[:16]}"
            for series in self.difference.series
        }

    def _leave_out(self, instances: list[Instance], error: UploadError) -> None:
        """Take the one that is to blame out of the list; raises when none of them is."""
        for position, instance in enumerate(instances):
            if isinstance(error, ImportRefused):
                to_blame = error.name == _last(instance)
            else:
                to_blame = instance.member is None and error.file_path == instance.path
            if to_blame:
                self.difference.inventory.leave_out(instance, error.message)
                del instances[position]
                return
        if isinstance(error, ImportRefused):
            more = f" and {len(instances) - 1} more" if len(instances) > 1 else ""
            error.message += f" (of {instances[0].where}{more})"
        raise error


@contextmanager
def _length_explained() -> Iterator[None]:
    """A proxy may take no body whose length it is not told; only that of a zip is not known."""
    try:
        yield
    except XNATCtlError as error:
        if error.details.get("status_code") == 411:
            error.message += (
                ": a proxy takes no zip that is made on the way; a tar has its length beforehand: "
                "'--mode tar', or '--zip-to-tar' for a zip of yours"
            )
        raise


def _last(instance: Instance) -> str:
    return instance.held_as or instance.name
