"""Ending jobs before their time."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from xnat_core.errors import OperationError
from xnat_core.models import PipelineJob
from xnat_core.parallel import rest
from xnat_core.urls import path
from xnat_pipeline.jobs import FIRST_LOOK, Jobs, is_over, object_of, stem, title
from xnat_pipeline.offers import CLASSIC, offers

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

PATIENCE = 30.0


def stop(client: XNATClient, job: PipelineJob) -> PipelineJob:
    """Stop a job and return it as it is then.

    A container is killed. Of a classic pipeline all jobs on the session are ended: the engine
    knows them by that alone. Raises OperationError when the job is neither, and when it goes on.
    """
    jobs = Jobs(client)
    container = jobs.container_of(job)
    if container is not None:
        client.post(path("xapi", "containers", str(container["id"]), "kill"), about=("job", job.id))
    else:
        _terminate(client, job)
    deadline = time.monotonic() + PATIENCE
    while not is_over((now := jobs.get(job.id)).status):
        if time.monotonic() >= deadline:
            raise OperationError(
                "cancel", f"job {job.id} ({title(job)}) is still {now.status} after it was stopped"
            )
        rest(FIRST_LOOK)
    return now


def _terminate(client: XNATClient, job: PipelineJob) -> None:
    name = stem(job.pipeline or "")
    classic = [one for one in offers(client, job.project) if one.engine == CLASSIC]
    pipeline = next((one for one in classic if name in (one.name, stem(one.path or ""))), None)
    if pipeline is None or not (job.project and job.session_id):
        raise OperationError(
            "cancel",
            f"job {job.id} ({title(job)}) is no container and no pipeline that can be ended",
        )
    answer = client.post(
        path("xapi", "pipelines", "terminate", pipeline.name, "project", job.project),
        json={
            "Experiments": json.dumps([path("archive", "experiments", job.session_id)]),
            "pipelinePath": pipeline.path or "",
        },
        about=("job", job.id),
    )
    if not object_of(answer.content).get("successes"):
        raise OperationError("cancel", f"job {job.id} ({title(job)}) could not be ended")
