"""The scans of a session to the import service of the destination, DICOM by DICOM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from xnat_core.archive import Expected, PassingTar, PassingZip
from xnat_core.archive.passing import Arrivals, Open
from xnat_core.bodies import Body, WatchedBody
from xnat_core.bounds import BoundReached
from xnat_core.dicom_files import HEAD, has_magic
from xnat_core.errors import XNATCtlError
from xnat_core.files import Block
from xnat_core.imports import Destination, ImportRefused, Landing, Way, send, zip_params
from xnat_core.parallel import bounded_map
from xnat_transfer.arrivals import Source
from xnat_transfer.difference import Lack
from xnat_transfer.route import Mislanded, Route

# The groups that DICOM without a preamble begins with, in either order of bytes.
_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
# The import service opens files of these names instead of reading them, or refuses the whole.
_OPENED = (".zip", ".zar", ".tar", ".xar", ".tgz", ".gz")


class Scans:
    """Sends scans of one session; they join one row of the prearchive, which nobody builds yet.

    `landed` is told where the destination said that it has put what it took.
    """

    def __init__(
        self,
        route: Route,
        destination: Destination,
        landed: Callable[[Sequence[Landing]], None],
    ) -> None:
        self.route = route
        self.destination = destination
        self.foreign: set[tuple[str, str]] = set()
        """Scan and path of files that are no DICOM, so that the import service passes them over."""
        self._landed = landed

    def send(self, lacks: Sequence[Lack]) -> list[XNATCtlError]:
        """Send the files of some scans; returns what went wrong with any of them.

        A BoundReached comes last, when scans were not begun because the time is over.
        """
        errors: list[XNATCtlError] = []
        workers = self.route.config.scan_workers
        in_time = self.route.bounds.in_time(lacks)
        try:
            for outcome in bounded_map(self._send, in_time, workers=workers, in_flight=workers):
                if outcome.error is not None:
                    errors.append(outcome.error)
        except BoundReached as reached:
            errors.append(reached)
        return errors

    def _send(self, lack: Lack) -> None:
        try:
            self.route.attempts(lambda: self._send_once(lack))
        except ImportRefused:
            # An archive without any DICOM in it is refused; its files go another way.
            if not all((lack.place.owner, path) in self.foreign for path in lack.paths):
                raise

    def _send_once(self, lack: Lack) -> None:
        params = zip_params(self.destination, Way.JOIN_HELD, "append")
        body = WatchedBody(self._body(lack), self.route.progress.advance)
        try:
            landings = send(self.route.dest, params, body)
        except XNATCtlError:
            body.take_back()
            raise
        self._require_project(landings)
        self._landed(landings)

    def _body(self, lack: Lack) -> Body:
        expected = expected_files(lack, folder=lack.place.owner)
        source = Source(self.route.source, lack.holding, expected)
        return body_of(list(expected.values()), lambda: self._looked_at(lack, source.open()))

    def _looked_at(self, lack: Lack, arrivals: Arrivals) -> Arrivals:
        names = {file.origin: path for path, file in expected_files(lack).items()}
        with closing(arrivals):
            for file, content in arrivals:
                key = (lack.place.owner, names[file.origin])
                yield file, self._first_bytes(key, content)

    def _first_bytes(self, key: tuple[str, str], content: Iterable[Block]) -> Iterator[Block]:
        head = b""
        for block in content:
            if len(head) < HEAD:
                head += bytes(block[: HEAD - len(head)])
            yield block
        if not looks_like_dicom(head):
            self.foreign.add(key)

    def _require_project(self, landings: Iterable[Landing]) -> None:
        for landing in landings:
            if landing.project != self.destination.project:
                raise Mislanded(
                    f"{self.destination.session}: the destination filed the data under project "
                    f"{landing.project!r}: {landing.uri}"
                )


def expected_files(lack: Lack, folder: str = "") -> dict[str, Expected]:
    """The files of a lack by their paths; with a folder, named as the import service reads them."""
    found = {}
    for path in lack.paths:
        known = lack.holding.files[path]
        name = f"{folder}/{path}" if folder else path
        if folder and path.lower().endswith(_OPENED):
            name += ".dcm"
            while name.removeprefix(f"{folder}/") in lack.holding.files:
                name += ".dcm"
        origin = f"{lack.place}, file {path}"
        found[path] = Expected(name, known.size, known.digest.hex(), origin)
    return found


def body_of(files: Sequence[Expected], open: Open) -> Body:
    """A tar where all sizes are known, because its length must be announced; else a zip."""
    if all(file.size is not None for file in files):
        return PassingTar(files, open)
    return PassingZip(files, open)


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that begins like this may be DICOM, with its preamble or, as of old, without.

    In doubt it is: what is DICOM must not get past the anonymization of the destination.
    """
    return has_magic(head) or head[:2] in _GROUPS
