"""Pipelines and their jobs, as the documented library has them: `xnatctl.services.pipelines`."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from typing import Any, cast

from xnat_core import arguments
from xnat_core.arguments import named
from xnat_core.errors import ArgumentError
from xnat_core.models import PipelineJob
from xnat_core.services.base import BaseService, first
from xnat_core.services.lookup import find_session
from xnat_pipeline.history import jobs_of_project, jobs_of_session, jobs_of_user
from xnat_pipeline.jobs import Jobs, is_over
from xnat_pipeline.launching import Launcher, Target
from xnat_pipeline.offers import offered, offers
from xnat_pipeline.stopping import stop

JobId = str | int | Mapping[str, Any]


class Launched(dict[str, Any]):
    """What `run` returns; it stands for the job wherever a job is asked for."""

    def __str__(self) -> str:
        return str(self["job_id"])


class PipelineService(BaseService):
    """List and run pipelines, follow and cancel their jobs.

    A pipeline is a wrapper of the Container Service or a pipeline of the classic engine. A job is
    named by the number of its workflow, or by what `run` returned.
    """

    def list(self, project: str | None = None) -> builtins.list[dict[str, Any]]:
        """What can be run in a project, or anywhere."""
        return [pipeline.to_dict() for pipeline in offers(self.client, project)]

    def get(self, pipeline_name: str, project: str | None = None) -> dict[str, Any]:
        """One pipeline. Raises ResourceNotFoundError."""
        return offered(self.client, pipeline_name, project).to_dict()

    def run(
        self,
        pipeline_name: str | None = None,
        experiment_id: str | None = None,
        project: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        pipeline: str | None = None,
        session: str | None = None,
    ) -> Launched:
        """Launch a pipeline on a session, an accession ID or with a project its label.

        Returns when the job has appeared: `success`, `pipeline`, `experiment`, `job_id`, `result`.
        Raises ResourceNotFoundError, and OperationError when the server refuses or nothing begins.
        """
        arguments.mapping(params or {}, "params")
        name = named(pipeline_name, pipeline, "pipeline_name", "pipeline")
        experiment = named(experiment_id, session, "experiment_id", "session")
        found = find_session(self.client, experiment, project)
        target = Target(found.project or project or "", found.id, found.label)
        texts = {key: str(value) for key, value in (params or {}).items()}
        what = offered(self.client, name, target.project)
        job = Launcher(self.client).launch(what, target, texts)
        return Launched(
            success=True,
            pipeline=what.name,
            experiment=found.id,
            job_id=job.id,
            result=job.to_dict(),
        )

    def status(
        self,
        job_id: JobId | None = None,
        *,
        run_id: JobId | None = None,
        project: str | None = None,
    ) -> dict[str, Any]:
        """The job as it is now; a number is enough to find it. Raises ResourceNotFoundError."""
        number = _number(cast(JobId, named(job_id, run_id, "job_id", "run_id")))
        return Jobs(self.client).get(number).to_dict()

    def wait(
        self,
        job_id: JobId,
        timeout: float = 3600,
        poll_interval: float = 30,
        progress_callback: Callable[[dict[str, Any]], object] | None = None,
    ) -> dict[str, Any]:
        """The job when it is complete; the callback gets it whenever it has changed.

        Raises OperationError when it fails, is killed, or goes on after `timeout` seconds.
        """

        arguments.callback(progress_callback)
        for number, name in ((timeout, "timeout"), (poll_interval, "poll_interval")):
            if number != 0:
                arguments.seconds(number, name)

        def tell(job: PipelineJob) -> None:
            if progress_callback is not None:
                progress_callback(job.to_dict())

        return Jobs(self.client).wait(_number(job_id), timeout, poll_interval, tell).to_dict()

    def cancel(self, job_id: JobId) -> bool:
        """Stop a job; False when it was over already. Raises OperationError when it goes on."""
        job = Jobs(self.client).get(_number(job_id))
        if is_over(job.status):
            return False
        stop(self.client, job)
        return True

    def list_jobs(
        self,
        experiment_id: str | None = None,
        project: str | None = None,
        status: str | None = None,
        limit: int | None = 100,
    ) -> builtins.list[dict[str, Any]]:
        """The jobs of a session, of a project, or the containers of the user, newest first."""
        if experiment_id is not None:
            session = find_session(self.client, experiment_id, project)
            jobs = jobs_of_session(self.client, session)
        elif project is not None:
            jobs = jobs_of_project(self.client, project)
        else:
            jobs = jobs_of_user(self.client)
        wanted = "" if status is None else arguments.text(status, "status").lower()
        kept = (job for job in jobs if (job.status or "").lower().startswith(wanted))
        return [job.to_dict() for job in first(limit, kept)]


def _number(job: JobId) -> str:
    if not isinstance(job, Mapping):
        return str(job)
    if "job_id" not in job:
        raise ArgumentError("a job is named by its job_id, which is not there", "job_id")
    return str(job["job_id"])
