"""Make empty sessions.

Usage:
  xnat-edit create session [options] [<session>]...

Options:
  -P --project=<id>    Project; else that of the record, or the default project of the profile.
  -S --subject=<name>  Subject (label or accession ID), which must exist; else that of the record.
  --modality=<name>    MR, PET, CT or EEG; MR when neither this nor --xsi-type is given.
  --xsi-type=<type>    Data type, such as xnat:usSessionData.
  --date=<day>         Day of acquisition, YYYY-MM-DD.
  --time=<time>        Time of acquisition, HH:MM:SS.
  --visit=<id>         Visit.
  --dry-run            Say what would be made, and make nothing.
  -w --workers=<n>     How many at once.

<session> are labels. Without one, session records are read from standard input, and their label,
subject, type, date, time and visit are taken. A session that exists already is an error; the
server would change it. Do not make a session before DICOM of it is uploaded: the upload would wait
for a decision in the prearchive.

Example:
  xnat-edit create session -P NEURO -S NEURO_01 NEURO_01_EEG1 --modality EEG --date 2024-05-02
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record, done, planned


def work(job: Job) -> Iterator[Record]:
    """A record per session."""
    from xnat_core.errors import ResourceExistsError
    from xnat_core.models import MODALITY_TYPES
    from xnat_core.services.base import document
    from xnat_core.services.lookup import find_subject
    from xnat_core.services.sessions import SessionService
    from xnat_core.urls import path
    from xnat_core.validation import validate_session_label
    from xnat_edit.creating import Names, created, fresh, require_stored
    from xnat_edit.objects import words

    labels = [validate_session_label(word) for word in words(job, "<session>")]
    job.args.only_one("--modality", "--xsi-type")
    modality = job.args.choice("--modality", tuple(MODALITY_TYPES))
    if labels and not job.args.text("--subject"):
        raise UsageError("sessions of which subject? -S SUBJECT")
    names = Names()

    def make(record: Record) -> Record:
        client = job.client(record)
        label = validate_session_label(str(record.get("label") or ""))
        project = str(record.get("project") or job.required_project())
        owner = find_subject(client, str(record.get("subject") or ""), project)
        project = str(owner.project)
        wanted = {
            "xsi_type": str(record.get("xsi_type") or MODALITY_TYPES["MR"]),
            "session_date": record.get("date"),
            "time": record.get("time"),
            "visit_id": record.get("visit_id"),
        }
        known = fresh(record, "kind", "server", "uid", "scan_count", "resource_count", "modality")
        known = {"kind": "session", "server": client.base_url, **known, "project": project}
        known = {**known, "subject_id": owner.id, "xsi_type": wanted["xsi_type"]}
        with names.taken("session", project, label):
            if job.args.flag("--dry-run"):
                where = path("data", "projects", project, "experiments", label)
                if document(client, where, ("session", label)) is not None:
                    raise ResourceExistsError("session", f"{project}/{label}")
                return planned(known)
            found = SessionService(client).create(
                project,
                owner.id,
                label,
                str(wanted["xsi_type"]),
                date=wanted["session_date"],
                time=wanted["time"],
                visit_id=wanted["visit_id"],
            )
        require_stored(f"session {project}/{label}", found, wanted)
        return done({**known, **found.to_record(client.base_url)})

    given = {
        "project": job.required_project() if labels else job.args.text("--project"),
        "subject": job.args.text("--subject"),
        "xsi_type": MODALITY_TYPES[modality] if modality else job.args.text("--xsi-type"),
        "date": job.args.text("--date"),
        "time": job.args.text("--time"),
        "visit_id": job.args.text("--visit"),
    }
    yield from created(job, "session", labels, given, make)
