"""What projects do with data that arrives.

Usage:
  xnat-admin prearchive-setting [options] [<project>]...

Options:
  --set=<name>        manual, auto-archive or auto-archive-overwrite.
  --dry-run           Say what would be changed, and change nothing.
  -w --workers=<n>    How many at once.

'manual' leaves sessions in the prearchive, 'auto-archive' archives them unless they conflict with
what is there, 'auto-archive-overwrite' merges and overwrites. Without --set the present one is
told; 'unknown' is a number that the server keeps without a meaning. Without a name, project records
are read from standard input.

Examples:
  xnat-admin prearchive-setting NEURO --set manual
  xnat-ls projects | xnat-admin prearchive-setting --where prearchive_setting!=manual
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped


def work(job: Job) -> Iterator[Record]:
    """A record per project."""
    from xnat_admin.site import PREARCHIVE, prearchive_code, set_prearchive_code
    from xnat_core.asked_keys import require_all_shown
    from xnat_core.services.projects import ProjectService

    wanted = job.args.choice("--set", tuple(PREARCHIVE))
    if wanted is not None:
        require_all_shown(job.args)
    names = {code: name for name, code in PREARCHIVE.items()}

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        project = ProjectService(client).get(str(record.get("id") or ""))
        code = prearchive_code(client, project.id)
        known = {**record, **project.to_record(client.base_url)}
        told = {"prearchive_code": code, "prearchive_setting": names.get(code, "unknown")}
        if wanted is None:
            return [{**known, **told}]
        changed = {"prearchive_code": PREARCHIVE[wanted], "prearchive_setting": wanted}
        if code == PREARCHIVE[wanted]:
            return [skipped({**known, **told})]
        if job.args.flag("--dry-run"):
            return [planned({**known, **changed})]
        set_prearchive_code(client, project.id, PREARCHIVE[wanted])
        return [done({**known, **changed})]

    words = job.args.texts("<project>")
    records: Iterable[Record] = [{"kind": "project", "id": word} for word in words]
    if job.wants_input(words):
        records = job.records("project")
    yield from job.each(act, records, ordered=True)
