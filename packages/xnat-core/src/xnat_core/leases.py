"""Leases: who may do something, across processes and hosts, until it has not been heard of.

For file systems where locks are not to be trusted, NFS for one. A lease is a folder of numbered
files, and the highest number holds it. Whoever wants it makes the next number, by `link`, which
succeeds once on any file system; nothing is removed that could be held. Time is that of the file
system: the clocks of two hosts are never compared.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xnat_core.errors import XNATCtlError
from xnat_core.parallel import check_stop

SECONDS = 60.0
_PAUSE = 0.05
_WORTH_TELLING = 1.0
_RELEASED = 0
_SPACE = Path("/proc/self/ns/pid")
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class LeaseLost(XNATCtlError):
    """Somebody else has taken the lease, because this process had stood still for too long."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease, and the seconds after its last sign of life when it ends.

    `space` names the process numbers that `pid` belongs to: containers have their own, and so have
    two machines that are called alike.
    """

    host: str
    pid: int
    space: str
    seconds: float
    seen: float = 0.0

    def is_dead(self) -> bool:
        """Whether it was a process of this machine that no longer exists."""
        if (self.host, self.space) != (socket.gethostname(), _process_space()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False


class Lease:
    """One lease; not to be shared by threads. Methods raise OSError where nothing can be written.

    `seconds` is how long after the last `renew` others may take it. `kept` renews it by itself.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder = folder
        self.seconds = seconds
        self._held: Path | None = None

    def take(self) -> bool:
        """Take it if nobody has it; never waits."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        offer = self._offer()
        try:
            top = self._top()
            if top and not self._is_free(top, now=offer.stat().st_mtime):
                return False
            mine = self._named(top + 1)
            if not _create(offer, mine):
                return False
        finally:
            with contextlib.suppress(OSError):
                offer.unlink()
        return self._settle(top + 1)

    def wait(self, seconds: float) -> bool:
        """Take it, waiting for at most so long; see `take_one`."""
        return take_one([self], seconds) is not None

    def renew(self) -> None:
        """Give a sign of life. Raises LeaseLost."""
        try:
            if self._held is None or self._top() != int(self._held.name):
                raise LeaseLost(f"{self.folder}: the lease was lost")
            os.utime(self._held)
        except FileNotFoundError:
            raise LeaseLost(f"{self.folder}: the lease is gone") from None

    def release(self) -> None:
        """Let others have it at once."""
        # Not removed: somebody who has looked a moment ago must not make the same number again.
        if self._held is not None:
            with contextlib.suppress(OSError):
                os.utime(self._held, (_RELEASED, _RELEASED))
            self._held = None

    def holder(self) -> Holder | None:
        """Who has it now, as far as can be seen."""
        with contextlib.suppress(OSError):
            top = self._top()
            offer = self._offer() if top else None
            if offer is not None:
                now = offer.stat().st_mtime
                offer.unlink()
                return None if self._is_free(top, now) else self._read(top)
        return None

    @contextlib.contextmanager
    def kept(self) -> Iterator[threading.Event]:
        """Renew a lease that was taken until the block ends, then release it.

        The event is set when it was lost.
        """
        lost, over, turn = threading.Event(), threading.Event(), threading.Lock()

        def beat() -> None:
            while not over.wait(self.seconds / 4):
                try:
                    with turn:
                        if not over.is_set():
                            self.renew()
                except LeaseLost:
                    lost.set()
                    return
                except OSError:
                    continue  # A file server that is away for a moment.

        threading.Thread(target=beat, daemon=True).start()
        try:
            yield lost
        finally:
            over.set()
            # A sign of life that comes after the release would keep others waiting for nobody.
            with turn:
                self.release()

    def _offer(self) -> Path:
        """A file of our own that says who we are; its time is the present of the file system."""
        offer = self.folder / f".{os.getpid()}-{secrets.token_hex(6)}"
        facts = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "space": _process_space(),
            "seconds": self.seconds,
        }
        descriptor = os.open(offer, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, json.dumps(facts).encode())
            os.utime(offer)
        except OSError:
            offer.unlink()  # A full disk keeps empty files; each attempt would leave one more.
            raise
        finally:
            os.close(descriptor)
        return offer

    def _settle(self, number: int) -> bool:
        """Make sure that this is the highest number, and clear the lower ones away."""
        mine = self._named(number)
        if self._top() != number:
            with contextlib.suppress(OSError):
                mine.unlink()
            return False
        self._held = mine
        for name in os.listdir(self.folder):  # noqa: PTH208 - names are all that is wanted
            if name.isdecimal() and int(name) < number:
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()
        return True

    def _top(self) -> int:
        names = os.listdir(self.folder)  # noqa: PTH208 - names are all that is wanted
        return max((int(name) for name in names if name.isdecimal()), default=0)

    def _named(self, number: int) -> Path:
        return self.folder / f"{number:08d}"

    def _is_free(self, number: int, now: float) -> bool:
        held = self._read(number)
        if held is None:
            return False
        # One of a time to come has been given before the clock was set right: who lives gives
        # another one, and the rest would be waited for until then.
        return held.seen == _RELEASED or abs(now - held.seen) > held.seconds or held.is_dead()

    def _read(self, number: int) -> Holder | None:
        """What that number says; None when it is gone, so that another one is the highest."""
        # Opened, not looked at: NFS answers a bare stat from memory.
        try:
            with self._named(number).open("rb") as file:
                seen = os.fstat(file.fileno()).st_mtime
                text = file.read()
        except FileNotFoundError:
            return None
        try:
            facts = json.loads(text)
            return Holder(
                str(facts["host"]),
                int(facts["pid"]),
                str(facts["space"]),
                float(facts["seconds"]),
                seen,
            )
        except (ValueError, KeyError, TypeError):
            return Holder("?", 0, "?", self.seconds, seen)


def take_one(
    leases: Sequence[Lease], seconds: float, waiting: Callable[[], None] | None = None
) -> Lease | None:
    """Take whichever of these is free first; None when none has been for so many seconds.

    `waiting` is called once, after a second without success. Raises OSError where they cannot be
    looked at, and could not for as long as somebody who was seen to hold them may; and Stopped when
    the map that runs this thread has been closed.
    """
    begin = time.monotonic()
    looked = -math.inf
    while True:
        check_stop()
        try:
            for lease in random.sample(leases, len(leases)):
                if lease.take():
                    return lease
            looked = time.monotonic()
        except OSError:
            # A file server that is away for a moment: nobody has let go for that.
            if time.monotonic() - looked > max(lease.seconds for lease in leases):
                raise
        waited = time.monotonic() - begin
        if waited >= seconds:
            return None
        if waiting and waited >= _WORTH_TELLING:
            waiting()
            waiting = None
        # Uneven, so that many who wait do not come at the same moment.
        time.sleep(_PAUSE * random.uniform(0.5, 1.5))


def _create(offer: Path, name: Path) -> bool:
    """Give the offer this name as well; False when the name is taken."""
    try:
        os.link(offer, name)
    except FileExistsError:
        # An answer that was lost on the way makes the second attempt find the first one's work.
        return offer.stat().st_nlink == 2
    except OSError as error:
        return _create_without_links(offer, name, error)
    return True


def _create_without_links(offer: Path, name: Path, error: OSError) -> bool:
    """The same for a file system that has no links."""
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    except OSError:
        raise error from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(offer.read_bytes())
    return True


def _process_space() -> str:
    known = []
    with contextlib.suppress(OSError):
        known.append(_BOOT.read_text().strip())
    with contextlib.suppress(OSError):
        known.append(os.readlink(_SPACE))  # noqa: PTH115 - what it points to is no path
    return " ".join(known)
