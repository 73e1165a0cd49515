"""Ending jobs before their time."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from xnat_core.errors import NetworkError, OperationError, ServerError, XNATCtlError
from xnat_core.lagging import look_until
from xnat_core.models import PipelineJob
from xnat_core.services.once import patience_with
from xnat_core.urls import path
from xnat_pipeline.jobs import Jobs, is_over, object_of, stem, title
from xnat_pipeline.offers import CLASSIC, offers

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

PATIENCE = 30.0


def stop(client: XNATClient, job: PipelineJob) -> PipelineJob:
    """Stop a job and return it as it is then.

    A container is killed. Of a classic pipeline all jobs on the session are ended: the engine
    knows them by that alone. Raises OperationError when the job is neither, and when it goes on.
    Where the answer is lost the job tells whether it was stopped.
    """
    jobs = Jobs(client)
    container = jobs.container_of(job)
    lost: XNATCtlError | None = None
    patience, began = PATIENCE, time.monotonic()
    try:
        if container is not None:
            where = path("xapi", "containers", str(container["id"]), "kill")
            client.post(where, about=("job", job.id))
        else:
            _terminate(client, job)
    except (NetworkError, ServerError) as error:
        lost = error
        patience = min(PATIENCE, patience_with(lost, time.monotonic() - began))
    now = look_until(lambda: jobs.get(job.id), lambda seen: is_over(seen.status), patience)
    if not is_over(now.status):
        raise lost or OperationError(
            "cancel", f"job {job.id} ({title(job)}) is still {now.status} after it was stopped"
        )
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
