"""Launches, and the jobs that come of them.

The server answers a launch before it has looked at it, with success for whatever was asked, and
without a number. A launch is believed when a new row of a workflow or a new container shows it.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from xnat_core.commandline import nearest
from xnat_core.errors import (
    ConnectionError,
    NetworkError,
    OperationError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.models import Pipeline, PipelineJob
from xnat_core.parallel import Stopped, rest
from xnat_core.redaction import one_line
from xnat_core.services.base import same
from xnat_core.urls import path
from xnat_pipeline.jobs import FIRST_LOOK, Jobs, inputs_of, job_of_container, object_of
from xnat_pipeline.offers import CLASSIC

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

PATIENCE = 60.0
# What a proxy says when it has lost patience: the server may have launched all the same.
_GATEWAY = (502, 504)
_LONGEST_PAUSE = 5.0
_ROWS_ALONE = 3.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a pipeline is run on: a session, or one of its scans."""

    project: str
    session_id: str
    session: str | None = None
    scan: str | None = None

    @property
    def kind(self) -> str:
        """As wrappers call it."""
        return "scan" if self.scan else "session"

    @property
    def uri(self) -> str:
        """As launches want it: of the archive, not of the API."""
        below = ("scans", self.scan) if self.scan else ()
        return path("archive", "experiments", self.session_id, *below)

    @property
    def name(self) -> str:
        """As messages call it."""
        session = self.session or self.session_id
        return f"{session}/{self.scan}" if self.scan else session


class Launcher:
    """Launches on one server. Safe to use from several threads."""

    def __init__(self, client: XNATClient, *, patience: float = PATIENCE) -> None:
        self.client = client
        self.jobs = Jobs(client)
        self._patience = patience
        self._lock = threading.Lock()
        self._containers: dict[str, list[PipelineJob]] = {}
        self._claimed: set[str] = set()

    def launch(self, pipeline: Pipeline, target: Target, params: Mapping[str, str]) -> PipelineJob:
        """Launch and return the job.

        Raises OperationError when the server refuses, and when no job appears; ValidationError for
        a parameter that the pipeline does not have.
        """
        self.check(pipeline, target, params)
        rows = self._rows(pipeline, target)
        before = {job.id for job in [*rows, *self._first_containers(target.project)]}
        lost: XNATCtlError | None = None
        try:
            named = self._ask(pipeline, target, params)
        except (ConnectionError, ServerError) as error:
            answered = isinstance(error, ServerError)
            if error.not_done or (answered and error.details.get("status_code") not in _GATEWAY):
                raise
            # The request may have arrived, and must not be repeated: what appears decides.
            named, lost = None, error
        job = self._appeared(
            pipeline,
            target,
            lambda waited: (
                self._numbered(named)
                if named
                else self._new(pipeline, target, params, before, waited)
            ),
            lost,
        )
        return replace(
            job, session=target.session, session_id=target.session_id, project=target.project
        )

    # --- asking -------------------------------------------------------------------------------

    def _ask(self, pipeline: Pipeline, target: Target, params: Mapping[str, str]) -> str | None:
        """The number of the job, where the server tells it."""
        if pipeline.engine == CLASSIC:
            experiments = json.dumps([target.uri])
            answer = self.client.post(
                path("xapi", "pipelines", "launch", pipeline.name),
                params={"project": target.project},
                json={"Experiments": experiments, **params},
                about=("pipeline", pipeline.name),
            )
            told = object_of(answer.content)
            statuses = told.get("experimentLaunchStatuses") or [{}]
            said = statuses[0].get("status") if isinstance(statuses[0], dict) else None
            number = statuses[0].get("workflowId") if said == "SUCCESS" else None
        else:
            root = pipeline.root or target.kind
            answer = self.client.post(
                path(
                    *("xapi", "projects", target.project, "wrappers", pipeline.id or ""),
                    *("root", root, "launch"),
                ),
                json={root: target.uri, **params},
                about=("pipeline", pipeline.name),
            )
            told = object_of(answer.content)
            said, number = told.get("status"), told.get("workflow-id")
        if not told:
            raise NetworkError(
                self.client.base_url,
                f"the launch of {pipeline.name} on {target.name}: the answer was cut short or is "
                "no JSON",
            )
        if str(said).lower() != "success":
            message = told.get("message") or said or "no answer"
            raise OperationError(
                "pipeline",
                f"{pipeline.name} on {target.name} was refused: {one_line(str(message))}",
            )
        return str(number) if str(number or "").isdigit() else None

    def check(self, pipeline: Pipeline, target: Target, params: Mapping[str, str]) -> None:
        """Refuse what cannot be run so: the server would take any parameter and ignore it.

        Raises ValidationError.
        """
        require_fit(pipeline, target)
        if not params:
            return
        if pipeline.root in params:
            raise ValidationError(f"--param {pipeline.root}: is what {pipeline.name} is run on")
        if pipeline.engine == CLASSIC:
            return
        form = self.client.json(
            path(
                *("xapi", "projects", target.project, "wrappers", pipeline.id or "", "launch"),
            ),
            params={pipeline.root or target.kind: target.uri},
        )
        inputs = form.get("input-config") if isinstance(form, dict) else None
        known = [str(one.get("name")) for one in inputs or () if isinstance(one, dict)]
        for name in params if known else ():
            if name not in known:
                raise ValidationError(
                    f"{pipeline.name} has no parameter {name!r}{nearest(name, known)}", "param"
                )

    # --- seeing it appear ---------------------------------------------------------------------

    def _appeared(
        self,
        pipeline: Pipeline,
        target: Target,
        look: Callable[[float], PipelineJob | None],
        lost: XNATCtlError | None,
    ) -> PipelineJob:
        begin = time.monotonic()
        pause = FIRST_LOOK
        while True:
            waited = time.monotonic() - begin
            said = ""
            try:
                if job := look(waited):
                    return job
            except Stopped:
                raise
            except XNATCtlError as error:
                # It may run by now: a look that fails is no reason to have it launched once more.
                said = f" ({error.message})"
            if waited >= self._patience:
                break
            rest(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        raise lost or OperationError(
            "pipeline",
            f"{pipeline.name} on {target.name} was accepted, but no job appeared within "
            f"{self._patience:g} seconds{said}; 'xnat-pipeline jobs' shows whether it comes later",
        )

    def _numbered(self, id: str) -> PipelineJob | None:
        """The job of that number, when it is there."""
        with suppress(ResourceNotFoundError):
            return self.jobs.get(id)
        return None

    def _new(
        self,
        pipeline: Pipeline,
        target: Target,
        params: Mapping[str, str],
        before: set[str],
        waited: float,
    ) -> PipelineJob | None:
        """A job that was not there before.

        A row tells neither the scan nor the parameters, and the same may have been launched with
        others at this moment; a container does. A list of all those of a project can be long.
        """
        rows = self._rows(pipeline, target)
        told_apart = pipeline.engine != CLASSIC and bool(target.scan or params)
        is_late = waited > _ROWS_ALONE
        is_new = any(row.id not in before for row in rows)
        if not (target.scan or is_late or (told_apart and is_new)):
            return self._claim(rows, before)
        ours, others = self._containers_of(pipeline, target, params)
        if told_apart and not is_late:
            return self._claim(ours, before)
        return self._claim([*(row for row in rows if row.id not in others), *ours], before)

    def _claim(self, found: list[PipelineJob], before: set[str]) -> PipelineJob | None:
        """The first new job of this user that no other launch of this run has taken for its own."""
        with self._lock:
            for job in sorted(found, key=lambda job: int(job.id)):
                taken = job.id in before or job.id in self._claimed
                if not taken and job.user in (None, self._login):
                    self._claimed.add(job.id)
                    return job
        return None

    def _rows(self, pipeline: Pipeline, target: Target) -> list[PipelineJob]:
        return self.jobs.of_session(target.session_id, [pipeline.path or pipeline.name])

    def _containers_of(
        self, pipeline: Pipeline, target: Target, params: Mapping[str, str]
    ) -> tuple[list[PipelineJob], set[str]]:
        """The jobs of the wrapper on the target with these parameters, and the numbers of those on
        another scan or with other parameters, as containers tell."""
        ours: list[PipelineJob] = []
        others: set[str] = set()
        for container in self.jobs.containers(target.project):
            if str(container.get("wrapper-id")) != pipeline.id:
                continue
            job = job_of_container(container, {pipeline.id: pipeline.name})
            inputs = inputs_of(container)
            if job is not None and _are_of_others(inputs, target, params):
                others.add(job.id)
            elif job is not None and target.uri in (value for _, value in inputs):
                ours.append(job)
        return ours, others

    def _first_containers(self, project: str) -> list[PipelineJob]:
        """The containers that a project had before the first launch of this run."""
        with self._lock:
            if project not in self._containers:
                jobs = (job_of_container(one, {}) for one in self.jobs.containers(project))
                self._containers[project] = [job for job in jobs if job is not None]
            return self._containers[project]

    @cached_property
    def _login(self) -> str:
        return str(self.client.whoami()["username"])


def _are_of_others(
    inputs: list[tuple[str, str]], target: Target, params: Mapping[str, str]
) -> bool:
    """Whether a container was certainly not started so; an input may be told in several forms."""
    scans = {value for _, value in inputs if re.fullmatch(r"/archive/.+/scans/[^/]+", value)}
    if target.scan and scans and target.uri not in scans:
        return True
    for name, value in params.items():
        told = [known for key, known in inputs if key == name]
        if told and not any(same(known.lower(), value.lower()) for known in told):
            return True
    return False


def require_fit(pipeline: Pipeline, target: Target) -> None:
    """Refuse to run on a session what runs on scans, and the like. Raises ValidationError."""
    wanted = (pipeline.applies_to or "").lower()
    if pipeline.engine == CLASSIC:
        wanted = "session"
    if wanted in ("session", "scan", "subject", "project", "assessor") and wanted != target.kind:
        raise ValidationError(
            f"{pipeline.name} is run on {wanted}s, and {target.name} is a {target.kind}", "pipeline"
        )
