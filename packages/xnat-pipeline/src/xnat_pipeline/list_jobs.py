"""List the jobs there have been, newest first.

Usage:
  xnat-pipeline jobs [options]

Options:
  -P --project=<id>       Jobs of this project; or of the default project of the profile.
  -E --experiment=<name>  Jobs of this session: accession ID, or label with a project.
  -e <name>               The same.
  --status=<text>         Only those whose status begins so, in any case: running, failed …
  -w --workers=<n>        How many requests at once.

Without --limit, --where and --filter at most 100 are printed. Without a project and a session these
are the containers that the server shows you. No server lists all jobs: classic pipelines leave a
trace on their sessions only, which takes a request for each session of the project.

Examples:
  xnat-pipeline jobs -P NEURO --status failed
  xnat-pipeline jobs -E XNAT_E00034 --where pipeline~dcm2niix
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from xnat_core.job import Job
from xnat_core.models import PipelineJob, Session
from xnat_core.parallel import bounded_map
from xnat_core.records import Record
from xnat_core.services.lookup import find_session
from xnat_pipeline.history import jobs_of_project, jobs_of_session, jobs_of_user

LIMIT = 100


def work(job: Job) -> Iterator[Record]:
    """A record per job."""
    args = job.args
    args.only_one("-e", "--experiment")
    experiment, project = args.text("-e") or args.text("--experiment"), job.project()
    wanted = (args.text("--status") or "").lower()
    client = job.client()
    if experiment:
        session = find_session(client, experiment, project)
        found = jobs_of_session(client, session)
    elif project:
        found = jobs_of_project(client, project, lambda f, items: _parallel(job, f, items))
    else:
        found = jobs_of_user(client)
    kept = [one for one in found if (one.status or "").lower().startswith(wanted)]
    # What is looked for may be older than these.
    all_of_them = args.text("--limit") or args.texts("--where") or args.texts("--filter")
    if not all_of_them and len(kept) > LIMIT:
        job.console.info(f"{len(kept)} jobs, the newest {LIMIT} are printed; --limit prints more")
        kept = kept[:LIMIT]
    for one in kept:
        yield one.to_record(client.base_url)


def _parallel(
    job: Job,
    function: Callable[[Session], Iterable[PipelineJob]],
    sessions: Iterable[Session],
) -> Iterator[PipelineJob]:
    for outcome in bounded_map(function, sessions, workers=job.workers):
        yield from outcome.result()
