"""Ask a DICOM receiver for a sign of life.

Usage:
  xnat-cstore echo [options]

Options:
  --host=<name>           Host of the receiver (or XNAT_DICOM_HOST).
  --port=<n>              Its port, 104 when not given (or XNAT_DICOM_PORT).
  --called-aet=<title>    Its AE title (or XNAT_DICOM_CALLED_AET).
  --calling-aet=<title>   Ours, XNATCTL when not given (or XNAT_DICOM_CALLING_AET).
  --tls                   Encrypt, and check the receiver's certificate (or XNAT_DICOM_TLS=true).
  --tls-ca-bundle=<path>  Certificates to trust instead of the system's.
  --tls-cert=<path>       A certificate of ours, for receivers that want one.
  --tls-key=<path>        Its key, where the certificate's file has none.
  --timeout=<seconds>     How long to wait for an answer; 120 when not given.

What is wrong is said in one line: no such host, nothing on that port, something that is no DICOM
receiver, another AE title, encryption that one side wants and the other does not.

Example:
  xnat-cstore echo --host xnat.example.org --port 8104 --called-aet XNAT
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done
from xnat_cstore.options import receiver_of, timeout_of
from xnat_cstore.receiver import Receiver


def work(job: Job) -> Iterator[Record]:
    """One record, of the receiver."""
    receiver, timeout = receiver_of(job), timeout_of(job)
    begin = time.monotonic()
    answers = echoed(receiver, timeout)
    seconds = round(time.monotonic() - begin, 3)
    yield done(facts_of(receiver), seconds=seconds, echo=answers)


def echoed(receiver: Receiver, timeout: float) -> bool:
    """Whether the receiver answers a C-ECHO; False when it takes associations, but offers none.

    `timeout` is in seconds. Raises DicomStoreError saying what is wrong.
    """
    from xnat_cstore.association import Association
    from xnat_cstore.negotiation import VERIFICATION
    from xnat_cstore.statuses import explained

    association = Association(receiver, [VERIFICATION], timeout)
    try:
        answer = association.echo() if VERIFICATION in association.contexts else None
    except BaseException:
        association.close()
        raise
    association.release()
    if answer is not None and answer.status:
        raise receiver.error(f"it answers C-ECHO with {explained(answer)}")
    return answer is not None


def facts_of(receiver: Receiver) -> Record:
    """The record of a receiver: how we speak with it."""
    return {
        "kind": "receiver",
        "id": str(receiver),
        "host": receiver.host,
        "port": receiver.port,
        "called_aet": receiver.called_aet,
        "calling_aet": receiver.calling_aet,
        "tls": receiver.tls is not None,
    }
