"""Pipelines and their jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class Pipeline(Model):
    """Something the server can run: a wrapper of the Container Service, or a classic pipeline."""

    kind: ClassVar[str] = "pipeline"
    columns: ClassVar[tuple[str, ...]] = ("name", "description", "version", "path")

    id: Annotated[str | None, Fact("Number of the wrapper")] = None
    name: Annotated[str, Fact("Name")] = ""
    project: Annotated[str | None, Fact("Project it is set up for")] = None
    engine: Annotated[str | None, Fact("`container` or `classic`")] = None
    command: Annotated[str | None, Fact("Command that the wrapper belongs to")] = None
    description: Annotated[str | None, Fact("Description")] = None
    version: Annotated[str | None, Fact("Version")] = None
    image: Annotated[str | None, Fact("Image of the container")] = None
    root: Annotated[str | None, Fact("Input that says what it is run on")] = None
    applies_to: Annotated[
        str | None, Fact("What it is run on: `session`, `scan` …, or a data type")
    ] = None
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
    user: Annotated[str | None, Fact("Who started it", names=("create_user",))] = None
    details: Annotated[str | None, Fact("What the server says about it")] = None
    uri: Annotated[str | None, Fact("Path on the server")] = None
