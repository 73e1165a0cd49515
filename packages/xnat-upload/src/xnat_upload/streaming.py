"""Gradual uploads that begin while the files are still being looked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xnat_core.bounds import UNBOUNDED, Bounds
from xnat_core.errors import OperationError, UploadError, XNATCtlError
from xnat_upload.delivery import Delivery
from xnat_upload.ending import LATE
from xnat_upload.gradual import Gradual, send_each, taking_turns
from xnat_upload.inventory import Instance, Inventory, Study
from xnat_upload.plan import Order, Parcel, Unplannable, single, together
from xnat_upload.scan import Scan
from xnat_upload.survey import Survey
from xnat_upload.terms import Delivered
from xnat_upload.whose import NotOurs

MOST_OPEN = 20
"""So many sessions are sent while files are still found: each has files open, of few that there
may be."""

Open = Callable[[Parcel], contextlib.AbstractContextManager[Delivery]]


@dataclass(slots=True)
class Stream:
    """A session that is being sent; without `gradual` it waits until all files are found.

    It does when the server has something of it already: what is missing is known only then. When
    many are open already, it has no `delivery` until then, either.
    """

    parcel: Parcel
    delivery: Delivery | None = None
    survey: Survey | None = None
    gradual: Gradual | None = None
    error: XNATCtlError | None = None
    late: OperationError | None = None


class Streaming:
    """One order, each of its studies a session that is opened when its first file is met.

    `open` makes the delivery of a session and holds its journal; `bounds` says until when files may
    be sent.
    """

    def __init__(
        self,
        order: Order,
        inventory: Inventory,
        scan: Scan,
        open: Open,
        bounds: Bounds = UNBOUNDED,
    ) -> None:
        self.order = order
        self.inventory = inventory
        self.scan = scan
        self.refused: list[Unplannable] = []
        self._open = open
        self._bounds = bounds
        self._streams: dict[int, Stream] = {}
        self._labels: dict[str, Stream] = {}
        self._unplanned: set[int] = set()

    def run(self, workers: int) -> Iterator[tuple[Parcel, Delivered | XNATCtlError]]:
        """Send; yields what became of each session.

        Raises ValidationError when a second study turns up for one label, and BoundReached.
        """
        with contextlib.ExitStack() as held:
            send_each(self._bounds.in_time(self._tasks(held)), workers)
            for stream in self._streams.values():
                yield stream.parcel, self._ended(stream)

    def _tasks(self, held: contextlib.ExitStack) -> Iterator[tuple[Gradual, Instance]]:
        for instance in taking_turns(self.scan.instances(self.order.paths)):
            stream = self._streams.get(instance.study)
            if stream is None and instance.study not in self._unplanned:
                stream = self._begin(instance.study, held)
            if stream is not None and stream.gradual is not None:
                yield stream.gradual, instance

    def _begin(self, study: int, held: contextlib.ExitStack) -> Stream | None:
        studies = list(self.inventory.studies.values())
        found = self._planned(studies[study - 1], studies)
        if isinstance(found, Unplannable):
            self.refused.append(found)
            self._unplanned.add(study)
            return None
        stream = self._streams[study] = self._labels[found.destination.session] = Stream(found)
        if len(self._streams) > MOST_OPEN:
            return stream
        try:
            stream.delivery = delivery = held.enter_context(self._open(found))
            delivery.recall()
            with contextlib.suppress(UploadError, NotOurs):
                # What cannot be told from the few files that are known yet, all of them may tell.
                stream.survey = delivery.first_look()
            if stream.survey is not None and stream.survey.is_empty:
                delivery.require_permission(stream.survey)
                delivery.begin()
                stream.gradual = Gradual(delivery, delivery.way(stream.survey))
        except LATE as late:
            stream.late = late
        except XNATCtlError as error:
            stream.error = error
        return stream

    def _planned(self, study: Study, studies: list[Study]) -> Parcel | Unplannable:
        if self.order.session is not None:
            return together(self.order, studies, self.inventory)
        found = single(self.order, study, self.inventory)
        if isinstance(found, Parcel) and found.destination.session in self._labels:
            label = found.destination.session
            return Unplannable(
                f"another study has become session {label!r} already: upload each with -E, or all "
                "as one with --merge-studies",
                found.destination.subject,
                label,
            )
        return found

    def _ended(self, stream: Stream) -> Delivered | XNATCtlError:
        if stream.error is not None:
            return stream.error
        try:
            if stream.delivery is None:
                self._bounds.check_time()
                with self._open(stream.parcel) as delivery:
                    return delivery.run()
            if stream.late is not None:
                return stream.delivery.only_late(stream.late)
            if stream.gradual is None:
                return stream.delivery.run()
            assert stream.survey is not None
            return stream.delivery.complete(stream.survey)
        except XNATCtlError as error:
            return error
