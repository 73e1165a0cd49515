"""What is sent once more so that what is added to a session is of the session's modality.

A CT series that comes later is, by itself, a session of another modality, and the archive adds it
to no other. Together with a file of the session's own modality it is one of that.
"""

from __future__ import annotations

from xnat_core.models import Session
from xnat_core.prearchive_rows import ArchiveRefused
from xnat_transfer.contents import DICOM, SCANS, Contents, Place
from xnat_transfer.difference import Difference, Lack, is_named_like_dicom


def companion(wanted: Contents, difference: Difference, there: Session) -> Lack | None:
    """A file of the modality of `there`, which has it already; None where there is none.

    It replaces itself: what is there under another name would be doubled.
    """
    if difference.counted:
        return None
    kind = (there.xsi_type or "").removesuffix("SessionData")
    lacking = {lack.place: set(lack.paths) for lack in difference.lacks}
    for id, scan in wanted.scans.items():
        place = Place(SCANS, id, DICOM)
        holding = wanted.holdings.get(place)
        if holding is None or scan.xsi_type != f"{kind}ScanData":
            continue
        for path in holding.files:
            if path not in lacking.get(place, ()) and is_named_like_dicom(path):
                return Lack(place, holding, (path,))
    return None


def advise(refused: ArchiveRefused) -> ArchiveRefused:
    """The refusal, with what a person can do about it."""
    refused.message = (
        f"{refused.message.rstrip('.')}: alone these scans are a session of another modality; "
        "delete the session on the destination, and transfer it whole"
    )
    return refused
