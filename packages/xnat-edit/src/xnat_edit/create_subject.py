"""Make subjects.

Usage:
  xnat-edit create subject [options] [<subject>]...

Options:
  -P --project=<id>   Project; else that of the record, or the default project of the profile.
  --group=<name>      Group within the study.
  --gender=<word>     male, female, other or unknown.
  --yob=<year>        Year of birth.
  --dry-run           Say what would be made, and make nothing.
  -w --workers=<n>    How many at once.

<subject> are labels. Without one, subject records are read from standard input, and their label,
group, gender and year of birth are taken. A subject that exists already is an error; the server
would change it. One whose label differs from another's in case alone is warned of: the server takes
both for the same when it archives.

Examples:
  xnat-edit create subject -P NEURO NEURO_04 --gender female
  xnat-ls subjects -P PILOT | xnat-edit create subject -P NEURO
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned

GENDERS = ("male", "female", "other", "unknown")


def work(job: Job) -> Iterator[Record]:
    """A record per subject."""
    from xnat_core.errors import ResourceExistsError
    from xnat_core.services.base import document
    from xnat_core.services.projects import ProjectService
    from xnat_core.services.subjects import SubjectService
    from xnat_core.urls import path
    from xnat_core.validation import validate_subject_label
    from xnat_edit.alike import Subjects, warn
    from xnat_edit.creating import Names, created, fresh, require_stored
    from xnat_edit.objects import words

    labels = [validate_subject_label(word) for word in words(job, "<subject>")]
    job.args.choice("--gender", GENDERS)
    job.args.whole("--yob", least=1)
    names, subjects = Names(), Subjects()

    def make(record: Record) -> Record:
        client = job.client(record)
        label = validate_subject_label(str(record.get("label") or ""))
        project = ProjectService(client).get(record.get("project") or job.required_project()).id
        where = path("data", "projects", project, "subjects", label)
        wanted = {key: record.get(key) for key in ("group", "gender", "yob")}
        known = fresh(record, "kind", "server", "primary_project", "session_count")
        known = {"kind": "subject", "server": client.base_url, **known, "project": project}
        with names.taken("subject", project, label):
            if document(client, where, ("subject", label)) is not None:
                raise ResourceExistsError("subject", f"{project}/{label}")
            warn(job, project, {label, *subjects.like(client, project, label)})
            if job.args.flag("--dry-run"):
                return planned(known)
            found = SubjectService(client).create(project, label, **wanted)
        require_stored(f"subject {project}/{label}", found, wanted)
        return done({**known, **found.to_record(client.base_url)})

    options = ("--project", "--group", "--gender", "--yob")
    given = {option.removeprefix("--"): job.args.text(option) for option in options}
    if labels:
        given["project"] = job.required_project()
    yield from created(job, "subject", labels, given, make)
