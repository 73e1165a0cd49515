"""What is to be said of a session when its delivery is over: is all there, and as it was sent?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.errors import IntegrityError, UploadError, XNATCtlError
from xnat_core.wording import counted
from xnat_upload.terms import Delivered, Incomplete

if TYPE_CHECKING:
    from xnat_upload.delivery import Delivery


def judged(delivery: Delivery, done: Delivered) -> Delivered:
    """Add to `done` what was sent and whether it is all there. Raises when it is not."""
    difference, session = delivery.difference, delivery.destination.session
    done.sent, done.wanted, done.missing = difference.sent, difference.wanted, difference.missing
    done.batches, done.batches_failed = delivery.batches.total(), delivery.batches[False]
    if mended := difference.comparison.came_out_otherwise().files:
        done.notes.append(
            f"{session}: {counted(mended, 'file')} had another MD5 on the server than was sent; "
            "sent again"
        )
    done.notes += delivery.requests.notes()
    if done.missing.files:
        raise Incomplete(_why_incomplete(delivery, done), done)
    if done.late is not None:
        return done
    if done.session is None and done.entry is None:
        raise UploadError(f"{session}: none of its files could be uploaded")
    difference.comparison.digest(everything=delivery.manner.verify)
    delivery.damage.require_none(strictly=delivery.manner.verify)
    # All is there; what another upload has brought otherwise is for a new one to replace.
    delivery.journal.forget()
    _compare(delivery, done)
    _note_other_names(delivery, done)
    return done


def _why_incomplete(delivery: Delivery, done: Delivered) -> XNATCtlError:
    if delivery.errors:
        return delivery.errors[0]
    example = delivery.difference.first_missing()
    return UploadError(
        f"{delivery.destination.session}: the server does not list {done.missing.files} of "
        f"{counted(done.wanted.files, 'file')}, {example.where if example else ''} among them; "
        "its anonymization may reject them"
    )


def _compare(delivery: Delivery, done: Delivered) -> None:
    """Say whether the bytes are those of here. With `verify` raises IntegrityError if not."""
    difference, session = delivery.difference, delivery.destination.session
    altered, identical = difference.comparison.altered(), difference.comparison.identical()
    uncompared, resized = difference.comparison.uncompared(), difference.comparison.resized()
    # What this very upload has sent cannot have changed here since.
    sent_so = altered == difference.comparison.damaged()
    is_rewritten = (
        bool(altered.files)
        and not identical.files
        and (sent_so or delivery.damage.may_be_rewriting)
    )
    done.verified = not uncompared.files and (not altered.files or is_rewritten)
    if is_rewritten:
        done.notes.append(
            f"{session}: the server changed all that could be compared "
            f"({counted(altered.files, 'file')}, anonymization), so the number was compared"
        )
    elif altered.files:
        text = (
            f"{session}: {counted(altered.files, 'file has', 'files have')} another MD5 "
            "on the server than here"
        )
        if delivery.manner.verify:
            raise IntegrityError(text)
        done.notes.append(text)
    if resized.files and not delivery.damage.may_be_rewriting:
        done.notes.append(
            f"{session}: {counted(resized.files, 'file has', 'files have')} another size on the "
            "server than here; --overwrite delete replaces that"
        )
    if by_number := difference.counted:
        done.notes.append(
            f"{session}: {counted(by_number, 'file is', 'files are')} there under other names and "
            "with other bytes; the number was compared"
        )


def _note_other_names(delivery: Delivery, done: Delivered) -> None:
    """Say when another study had the name of the session, or the subject has another label."""
    session, subject = delivery.destination.session, delivery.destination.subject
    if delivery.permission.added_to is not None:
        done.notes.append(
            f"{session} has the UID of another study "
            f"({delivery.permission.added_to}): this one was added to it"
        )
    found = done.session
    if found and found.subject_label and subject not in (found.subject_label, found.subject_id):
        done.notes.append(
            f"{found.label}: the server takes subject {subject!r} for {found.subject_label!r}"
        )
