"""What the server lacks of a session, found out by comparing listings with the inventory.

An instance is recognised by its file name, which our uploads make of its UID; else by its MD5, else
(anonymized data that another client sent under its own names) by the number of files of the series.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping

from xnat_core.errors import UploadError
from xnat_core.imports import HeldFile
from xnat_core.journal import Accepted
from xnat_core.wording import counted
from xnat_upload.comparison import Comparison
from xnat_upload.content import Digests
from xnat_upload.inventory import (
    BY_COUNT,
    BY_DIGEST,
    BY_NAME,
    CHANGED,
    NOT_TAKEN,
    TAKEN,
    Amount,
    Instance,
    Inventory,
    Series,
    Study,
    name_of,
)


class Difference:
    """The instances of some studies against what the server holds of them."""

    def __init__(self, inventory: Inventory, studies: Iterable[Study]) -> None:
        self.inventory = inventory
        self.studies = tuple(studies)
        self._ours = f"study IN ({','.join(str(study.id) for study in self.studies)})"
        self._session = self.studies[0].id
        self.looks_alike = False
        """A session of another study has a scan of a number, and of as many files, as one here."""
        self._md5_of = Digests()
        self._missing = f"{self._ours} AND NOT held AND left_out IS NULL"
        self.comparison = Comparison(inventory, self._ours, self._md5_of)
        """Of what the server has: whether it is what was sent."""

    @property
    def series(self) -> Iterator[Series]:
        """All series that are known; more may be found meanwhile."""
        for study in self.studies:
            yield from self.inventory.series_of(study)

    @property
    def is_mixed(self) -> bool:
        """Whether there are several modalities, of which the server makes the session's type: a
        part of the files may be a session of another type than the whole."""
        return len({one.modality for one in self.series}) > 1

    @property
    def lacks_modality(self) -> bool:
        """Whether nothing of one of several modalities has been taken: what there is would become
        a session of another type, which does not take the rest."""
        rows = self.inventory.rows(
            f"SELECT DISTINCT series FROM instance WHERE {self._ours} AND (held OR taken={TAKEN})"
        )
        there = {series for (series,) in rows}
        found = {one.modality for one in self.series if one.id in there}
        return found != {one.modality for one in self.series}

    # --- what is known beforehand -------------------------------------------------------------

    def concerns(self, one: Accepted) -> bool:
        """Whether what a journal remembers is of these studies."""
        if one.study:
            return any(study.uid == one.study for study in self.studies)
        return self.has_named(one.name)

    def recall(self, accepted: Iterable[Accepted]) -> None:
        """Take note of what the journal says, the last line on a file counting."""
        for one in accepted:
            self.inventory.change(
                f"UPDATE instance SET digest=?, taken=CASE WHEN size=? AND mtime_ns=?"
                f" THEN {TAKEN} ELSE {CHANGED} END WHERE name=? AND {self._ours}",
                (one.digest, one.size, one.mtime_ns, one.name),
            )
        self.inventory.change(f"UPDATE instance SET digest='' WHERE taken={CHANGED}")

    def left_out(self) -> Iterator[tuple[Instance, str]]:
        """What is not sent, and why."""
        rows = self.inventory.rows(
            f"SELECT id, left_out FROM instance WHERE {self._ours} AND left_out IS NOT NULL"
        )
        for id, reason in rows:
            yield self.inventory.get(id), reason

    # --- what the server has ------------------------------------------------------------------

    def forget_listings(self) -> None:
        """Nothing is known of the server yet."""
        self.inventory.change(
            "UPDATE instance SET held=0, held_as='', held_digest='', held_size=NULL, archived=0"
            f" WHERE {self._ours}"
        )
        self.inventory.change("DELETE FROM other WHERE session=?", (self._session,))

    def hold(self, files: Iterable[HeldFile], *, archived: bool = False) -> int:
        """Take note of a listing; returns how many of our instances are in it by name."""
        known = 0
        for file in files:
            found = self.inventory.change(
                f"UPDATE instance SET held={BY_NAME}, held_digest=?, held_size=?, archived="
                f"MAX(archived, ?), mends=NULLIF(mends, ?) WHERE name=? AND {self._ours}",
                (file.digest, file.size, archived, (archived and file.digest) or None, file.name),
            )
            known += found
            if not found:
                self.inventory.change(
                    "INSERT INTO other (session, scan, name, size, digest) VALUES (?,?,?,?,?)",
                    (self._session, file.scan, file.name, file.size, file.digest),
                )
        return known

    def hold_taken(self) -> None:
        """A session that cannot be listed yet holds what the journal says was taken."""
        self.inventory.change(
            f"UPDATE instance SET held={BY_NAME} WHERE taken={TAKEN} AND {self._ours}"
        )

    def match_others(
        self,
        uid_of_scan: Mapping[str, str],
        sample: Callable[[str], str] = lambda scan: "",
        *,
        foreign: bool = False,
    ) -> None:
        """Recognise instances under other names, by MD5 and by count.

        `uid_of_scan` has the series UIDs of the server's scans, `sample` the UID of some instance
        of a scan, where they are known. What seems `foreign`, a session of another study, has scans
        of the same numbers: those say nothing then. Raises UploadError when a series is there in
        part and cannot be told apart: to send it again would double it.
        """
        if not self.has_others:
            return
        self._match_by_digest()
        self._match_by_count(uid_of_scan, sample, by_number=not foreign or self.recognised > 0)

    def demand(self, *, everything: bool, replaces: bool) -> None:
        """Decide what is sent although it is there: files changed since they were taken.

        With `everything`, all that this upload has not brought there itself; without `replaces`,
        nothing that is in the archive, where it could only be in conflict, unless it came damaged.
        What the server has altered is not sent again for that: where it anonymizes, that is all.
        Raises UploadError for what is known by its number only, for beside it it would be doubled.
        """
        levels = (NOT_TAKEN, CHANGED) if everything else (CHANGED,)
        wanted = f"{self._ours} AND taken IN ({','.join(map(str, levels))})"
        if not replaces:
            wanted += " AND (NOT archived OR mends IS NOT NULL)"
        if by_number := self.inventory.amount(f"{wanted} AND held={BY_COUNT}").files:
            # With `append`, too, files are sent that have changed since they were taken.
            instead = ", or use --overwrite append, for which they count as there"
            remedy = f"delete their scans first{instead if everything else ''}"
            raise UploadError(
                f"{counted(by_number, 'file is', 'files are')} there under other names and with "
                f"other bytes, so that none can be replaced by its own: {remedy}"
            )
        self.inventory.change(f"UPDATE instance SET held=0 WHERE {wanted}")

    def demand_one_of(self, modality: str) -> bool:
        """Have a file of this modality sent although it is there, over itself; whether there is
        one that would not be doubled by that."""
        series = ",".join(str(one.id) for one in self.series if one.modality == modality)
        return bool(
            self.inventory.change(
                "UPDATE instance SET held=0 WHERE id IN (SELECT id FROM instance WHERE"
                f" {self._ours} AND held IN ({BY_NAME},{BY_DIGEST}) AND series IN ({series})"
                " ORDER BY id LIMIT 1)"
            )
        )

    def _match_by_digest(self) -> None:
        others = f"FROM other WHERE session={self._session} AND digest != ''"
        # Only what can be one of them is read; where sizes are not told, that is everything.
        candidates = (
            f"{self._missing} AND (size IN (SELECT size {others})"
            f" OR EXISTS (SELECT 1 {others} AND size IS NULL))"
        )
        for instance in self.inventory.instances(candidates):
            digest = instance.digest or self._md5_of(instance)
            row = self.inventory.rows(
                "SELECT id, name FROM other WHERE session=? AND digest=? LIMIT 1",
                (self._session, digest),
            )
            self.inventory.change("UPDATE instance SET digest=? WHERE id=?", (digest, instance.id))
            for other, name in row:
                self.inventory.change("DELETE FROM other WHERE id=?", (other,))
                self.inventory.change(
                    f"UPDATE instance SET held={BY_DIGEST}, held_as=?, held_digest=? WHERE id=?",
                    (name, digest, instance.id),
                )

    def _match_by_count(
        self, uid_of_scan: Mapping[str, str], sample: Callable[[str], str], *, by_number: bool
    ) -> None:
        rows = self.inventory.rows(
            "SELECT scan, COUNT(*) FROM other WHERE session=? GROUP BY scan", (self._session,)
        )
        for scan, there in rows:
            uid = uid_of_scan.get(scan, "")
            series = ",".join(str(one.id) for one in self._series_of(scan, uid))
            of_scan = f"{self._missing} AND series IN ({series})"
            here = self.inventory.amount(of_scan).files
            if not (uid or by_number):
                self.looks_alike |= here == there
                continue
            if here and uid and self._is_foreign(sample(scan)):
                # UIDs are kept there, so these are other instances of the same series.
                continue
            if here == there:
                self.inventory.change(f"UPDATE instance SET held={BY_COUNT} WHERE {of_scan}")
            elif here:
                raise UploadError(
                    f"scan {scan} holds {counted(there, 'file')} under names that cannot be told "
                    f"from the {here} here; to send them would double some: delete the scan "
                    "first, or choose another session label"
                )

    def _is_foreign(self, uid: str) -> bool:
        return bool(uid) and self.inventory.by_name(name_of(uid)) is None

    def _series_of(self, scan: str, uid: str) -> Iterator[Series]:
        """Those that a scan may hold: by UID, else by number, which several may have."""
        for series in self.series:
            if series.uid == uid if uid else series.number == scan:
                yield series

    # --- what is left -------------------------------------------------------------------------

    @property
    def wanted(self) -> Amount:
        """All that is to be on the server in the end."""
        return self.inventory.amount(f"{self._ours} AND left_out IS NULL")

    @property
    def missing(self) -> Amount:
        """What the server lacks."""
        return self.inventory.amount(self._missing)

    @property
    def sent(self) -> Amount:
        """What the server has taken in this run, each time that it was sent."""
        ((files, size),) = self.inventory.rows(
            "SELECT COALESCE(SUM(sent), 0), COALESCE(SUM(sent * size), 0) FROM instance"
            f" WHERE {self._ours}"
        )
        return Amount(files, size)

    @property
    def unlisted(self) -> Amount:
        """What the server has taken of this upload and does not list."""
        return self.inventory.amount(f"{self._missing} AND taken={TAKEN}")

    @property
    def has_others(self) -> bool:
        """Whether the server lists files that are not known by their names or their bytes."""
        return bool(
            self.inventory.rows("SELECT 1 FROM other WHERE session=? LIMIT 1", (self._session,))
        )

    @property
    def untaken(self) -> Amount:
        """What the server has not taken of this upload, whatever it lists."""
        return self.inventory.amount(f"{self._ours} AND left_out IS NULL AND taken != {TAKEN}")

    @property
    def counted(self) -> int:
        """How many instances are known to be there by their number only."""
        return self.inventory.amount(f"{self._ours} AND held={BY_COUNT}").files

    @property
    def recognised(self) -> int:
        """How many instances are known to be there although they have other names there."""
        return self.inventory.amount(f"{self._ours} AND held IN ({BY_DIGEST},{BY_COUNT})").files

    def has_named(self, name: str) -> bool:
        """Whether an instance goes by that name."""
        return bool(
            self.inventory.rows(f"SELECT 1 FROM instance WHERE name=? AND {self._ours}", (name,))
        )

    def has_taken(self, name: str) -> bool:
        """Whether the server has taken an instance of that name of this upload."""
        condition = f"name=? AND taken={TAKEN} AND {self._ours}"
        return bool(self.inventory.rows(f"SELECT 1 FROM instance WHERE {condition}", (name,)))

    def take_back(self) -> None:
        """Forget of what the server has taken and does not list that it was taken."""
        self.inventory.change(
            f"UPDATE instance SET taken={NOT_TAKEN}, sent=MAX(sent-1, 0)"
            f" WHERE {self._missing} AND taken={TAKEN}"
        )

    def first_missing(self) -> Instance | None:
        """An instance that the server lacks, for a message."""
        return next(self.inventory.instances(self._missing), None)

    def missing_by_series(self) -> list[tuple[int, Amount]]:
        """The series of which files are missing, those inside archives not counted."""
        rows = self.inventory.rows(
            f"SELECT series, COUNT(*), SUM(size) FROM instance WHERE {self._missing}"
            " AND member IS NULL GROUP BY series ORDER BY series"
        )
        return [(series, Amount(files, size)) for series, files, size in rows]

    def missing_in_series(self, series: Iterable[int]) -> list[tuple[int, int]]:
        """Number and size of the missing files of some series, series by series."""
        marks = ",".join(map(str, series))
        rows = self.inventory.rows(
            f"SELECT id, size FROM instance WHERE {self._missing} AND member IS NULL"
            f" AND series IN ({marks}) ORDER BY series, id"
        )
        return [(id, size) for id, size in rows]

    def missing_in_turns(self) -> array[int]:
        """Numbers of what is missing, the series taking turns, members of archives last."""
        return self.inventory.numbers(
            "SELECT id FROM (SELECT id, series, member, ROW_NUMBER() OVER"
            f" (PARTITION BY series ORDER BY id) AS turn FROM instance WHERE {self._missing})"
            " ORDER BY member IS NOT NULL, CASE WHEN member IS NULL THEN turn ELSE 0 END,"
            " CASE WHEN member IS NULL THEN series ELSE 0 END, id"
        )

    def missing_in_archives(self) -> list[tuple[int, int, int, bytes]]:
        """Number, size and archive (folder, file) of missing members, in their order there."""
        rows = self.inventory.rows(
            f"SELECT id, size, folder, file FROM instance WHERE {self._missing}"
            " AND member IS NOT NULL ORDER BY folder, file, member"
        )
        return [(id, size, folder, file) for id, size, folder, file in rows]

    def took(self, instance: Instance, digest: str) -> None:
        """The server has taken an instance with this MD5."""
        self.inventory.change(
            f"UPDATE instance SET held={BY_NAME}, taken={TAKEN}, sent=sent+1, digest=?,"
            " mends=CASE WHEN mends IS NOT NULL THEN ? END WHERE id=?",
            (digest, digest, instance.id),
        )
