"""Pipelines and their jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class Pipeline(Model):
    """Something the server can run on a session."""

    kind: ClassVar[str] = "pipeline"
    columns: ClassVar[tuple[str, ...]] = ("name", "description", "version", "path")

    name: Annotated[str, Fact("Name")] = ""
    project: Annotated[str | None, Fact("Project it is set up for")] = None
    description: Annotated[str | None, Fact("Description")] = None
    version: Annotated[str | None, Fact("Version")] = None
    path: Annotated[str | None, Fact("Where its description is, on the server")] = None


@dataclass(frozen=True)
class PipelineJob(Model):
    """One run of a pipeline."""

    kind: ClassVar[str] = "job"
    columns: ClassVar[tuple[str, ...]] = (
        "id",
        "pipeline",
        "session_id",
        "status",
        "start_time",
        "end_time",
    )

    id: Annotated[
        str, Fact("Number of the workflow", names=("wrk_workflowData_id", "workflow_id", "jobID"))
    ] = ""
    project: Annotated[str | None, Fact("Project", names=("ExternalID",))] = None
    session: Annotated[str | None, Fact("Label of the session")] = None
    session_id: Annotated[
        str | None, Fact("Accession ID of the session", names=("experiment", "experiment_id"))
    ] = None
    pipeline: Annotated[str | None, Fact("Name of the pipeline", names=("pipeline_name",))] = None
    status: Annotated[str | None, Fact("`Queued`, `Running`, `Complete`, `Failed`, `Killed` …")] = (
        None
    )
    percent: Annotated[
        float | None, Fact("How far it is, 0 to 100", names=("percentageComplete",))
    ] = None
    step: Annotated[
        str | None, Fact("What it is doing", names=("step_description", "current_step_id"))
    ] = None
    start_time: Annotated[str | None, Fact("Start, server time", names=("launch_time",))] = None
    end_time: Annotated[str | None, Fact("End, server time")] = None
    details: Annotated[str | None, Fact("What the server says about it")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None
