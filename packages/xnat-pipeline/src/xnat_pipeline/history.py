"""The jobs there have been. No server lists them all: rows are asked for by session, containers by
project; what neither gives is not to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from xnat_core.models import PipelineJob, Session
from xnat_core.services.sessions import iter_sessions
from xnat_pipeline.jobs import Jobs, job_of_container, merged
from xnat_pipeline.offers import CLASSIC, offers

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

Map = Callable[
    [Callable[[Session], Iterable[PipelineJob]], Iterable[Session]], Iterable[PipelineJob]
]


def one_by_one(
    function: Callable[[Session], Iterable[PipelineJob]], sessions: Iterable[Session]
) -> Iterator[PipelineJob]:
    """The plain way to ask about several sessions."""
    for session in sessions:
        yield from function(session)


def jobs_of_session(client: XNATClient, session: Session) -> list[PipelineJob]:
    """The jobs on a session, newest first."""
    found = _containers(client, session.project, lambda job: job.session_id == session.id)
    names = {job.pipeline or "" for job in found.values()}
    names |= {one.path or one.name for one in offers(client, session.project)}
    for row in Jobs(client).of_session(session.id, sorted(names)):
        found[row.id] = merged(row, found[row.id]) if row.id in found else row
    return [replace(job, session=session.label) for job in _newest_first(found.values())]


def jobs_of_project(client: XNATClient, project: str, each: Map = one_by_one) -> list[PipelineJob]:
    """The jobs of a project, newest first: its containers and, where there are classic pipelines,
    their rows on each session, asked for by `each`."""
    found = _containers(client, project)
    classic = [one.path or one.name for one in offers(client, project) if one.engine == CLASSIC]

    def rows(session: Session) -> Iterable[PipelineJob]:
        return Jobs(client).of_session(session.id, classic)

    sessions = list(iter_sessions(client, project))
    for job in each(rows, sessions if classic else ()):
        found.setdefault(job.id, job)
    labels = {session.id: session.label for session in sessions}
    jobs = _newest_first(found.values())
    return [replace(job, session=labels.get(job.session_id or "")) for job in jobs]


def jobs_of_user(client: XNATClient) -> list[PipelineJob]:
    """The containers that the server shows to this user, newest first."""
    return _newest_first(_containers(client, None).values())


def _containers(
    client: XNATClient,
    project: str | None,
    wanted: Callable[[PipelineJob], bool] = lambda job: True,
) -> dict[str, PipelineJob]:
    containers = Jobs(client).containers(project)
    if not containers:
        return {}
    names = {one.id: one.name for one in offers(client) if one.id}
    jobs = (job_of_container(container, names) for container in containers)
    return {job.id: job for job in jobs if job is not None and wanted(job)}


def _newest_first(jobs: Iterable[PipelineJob]) -> list[PipelineJob]:
    return sorted(jobs, key=lambda job: int(job.id), reverse=True)
