"""Jobs: the rows of workflows, which is all that a server keeps of them, and their containers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from xnat_core.errors import (
    ConnectionError,
    InvalidIdentifierError,
    OperationError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)
from xnat_core.models import PipelineJob
from xnat_core.parallel import rest
from xnat_core.redaction import one_line
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

FIRST_LOOK = 0.2
_TERMINAL = ("complete", "failed", "error", "killed")
Row = dict[str, Any]


class JobFailed(OperationError):
    """A job has come to its end without success; `job` is how it was seen last."""

    def __init__(self, job: PipelineJob, reason: str) -> None:
        super().__init__("pipeline", f"job {job.id} ({title(job)}) is {job.status}{reason}")
        self.job = job


class StillRunning(OperationError):
    """The patience of whoever waits has ended, not the job."""

    def __init__(self, job: PipelineJob, seconds: float) -> None:
        super().__init__(
            "pipeline", f"job {job.id} ({title(job)}) is {job.status} after {seconds:g} seconds"
        )
        self.job = job


def is_over(status: str | None) -> bool:
    """Whether nothing more will happen; the server adds words, as in `Failed (Staging)`."""
    return (status or "").lower().startswith(_TERMINAL)


def is_complete(status: str | None) -> bool:
    """Whether it went well."""
    return (status or "").lower().startswith("complete")


def title(job: PipelineJob) -> str:
    """What runs on what."""
    return f"{job.pipeline} on {job.session or job.session_id}"


class Jobs:
    """The jobs of one server."""

    def __init__(self, client: XNATClient) -> None:
        self.client = client

    # --- looking ------------------------------------------------------------------------------

    def get(self, id: str) -> PipelineJob:
        """A job as it is now. Raises ResourceNotFoundError, InvalidIdentifierError."""
        if not re.fullmatch(r"\d{1,18}", id):
            raise InvalidIdentifierError("job", id, "must be a number, as a launch prints it")
        item = self.client.item(path("data", "workflows", id), about=("job", id))
        return _job(item.get("data_fields") or {})

    def of_session(self, session_id: str, pipelines: Iterable[str]) -> list[PipelineJob]:
        """The jobs of these pipelines on a session, oldest first.

        The server looks for names that contain the given ones; what else was done to the session
        leaves rows, too.
        """
        names = [name for name in pipelines if name]
        if not names:
            return []
        # A comma separates names, and what could change the path cannot be asked for.
        asked = ",".join(stem(name) for name in names)
        try:
            rows = self.client.rows(
                path("data", "services", "workflows", asked),
                params={"experiment": session_id, "display": "ALL"},
                empty_ok=True,
            )
        except ResourceNotFoundError:
            return []
        found = [_job(row) for row in rows]
        wanted = {stem(name) for name in names}
        kept = [job for job in found if job.id and stem(job.pipeline or "") in wanted]
        return sorted(kept, key=lambda job: int(job.id))

    def containers(self, project: str | None = None) -> list[Row]:
        """The containers of a project or of the user; none where the plugin is missing."""
        where = ("projects", project) if project else ()
        try:
            return listed(self.client, path("xapi", *where, "containers"))
        except ResourceNotFoundError:
            return []

    def container_of(self, job: PipelineJob) -> Row | None:
        """The container of a job, when it has one that the user may see."""
        for container in self.containers(job.project):
            if str(container.get("workflow-id") or "") == job.id:
                return container
        return None

    # --- waiting ------------------------------------------------------------------------------

    def changes(self, id: str, timeout: float, interval: float) -> Iterator[PipelineJob]:
        """The job now and whenever it has changed, until it is over.

        A server that is away is asked again until `timeout`. Raises StillRunning.
        """
        deadline = time.monotonic() + timeout
        seen, pause = self.get(id), min(FIRST_LOOK, interval)
        yield seen
        while not is_over(seen.status):
            left = deadline - time.monotonic()
            if left <= 0:
                raise StillRunning(seen, timeout)
            rest(min(pause, left))
            pause = min(pause * 1.5, interval)
            try:
                now = self.get(id)
            except (ConnectionError, ServerError):
                if time.monotonic() >= deadline:
                    raise
                continue
            if now != seen:
                seen = now
                yield seen

    def wait(
        self,
        id: str,
        timeout: float,
        interval: float,
        tell: Callable[[PipelineJob], None] | None = None,
    ) -> PipelineJob:
        """The job when it is complete. Raises JobFailed with the reason, and StillRunning."""
        for job in self.changes(id, timeout, interval):
            if tell:
                tell(job)
        self.require_success(job)
        return job

    def require_success(self, job: PipelineJob) -> None:
        """Raise JobFailed, with what the server knows of the reason, for a job that went wrong."""
        if is_over(job.status) and not is_complete(job.status):
            reason = self._reason(job)
            raise JobFailed(job, f": {reason}" if reason else "")

    def _reason(self, job: PipelineJob) -> str:
        """The last thing that a container complained of, or what the row says."""
        try:
            container = self.container_of(job)
            if container is None:
                return one_line(job.details or job.step or "")
            log = path("xapi", "containers", str(container["id"]), "logs", "stderr")
            lines = self.client.text(log).splitlines()
        except XNATCtlError:
            return one_line(job.details or "")
        return one_line(lines[-1] if lines else job.details or "")


def job_of_container(container: Row, names: Mapping[str, str]) -> PipelineJob | None:
    """The job that a container is; `names` are those of the wrappers by number."""
    id = str(container.get("workflow-id") or "")
    if not id.isdigit():
        return None
    history = [one for one in container.get("history") or () if isinstance(one, dict)]
    status = container.get("status")
    times = [_moment(one["time-recorded"]) for one in history if one.get("time-recorded")]
    return PipelineJob(
        id=id,
        project=container.get("project") or None,
        session_id=_experiment_of(container),
        pipeline=names.get(str(container.get("wrapper-id"))) or container.get("container-name"),
        status=status,
        start_time=times[0] if times else None,
        end_time=_moment(container.get("status-time")) if is_over(status) else None,
        user=container.get("user-id") or None,
        uri=path("data", "workflows", id),
    )


def inputs_of(container: Row) -> list[tuple[str, str]]:
    """The names and values that a container was started with, but for those that are not shown."""
    inputs = [one for one in container.get("inputs") or () if isinstance(one, dict)]
    return [
        (str(one.get("name")), str(one["value"])) for one in inputs if _is_shown(one.get("value"))
    ]


def merged(row: PipelineJob, container: PipelineJob) -> PipelineJob:
    """What the row says, with the end that only the container knows."""
    return replace(row, end_time=container.end_time)


def listed(
    client: XNATClient,
    where: str,
    about: tuple[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> list[Row]:
    """The objects of a list of the XAPI. Raises ServerError for an answer that is none."""
    found = client.json(where, params=params, about=about)
    if not isinstance(found, list):
        raise ServerError("GET", f"{where}: answered without a list")
    return [one for one in found if isinstance(one, dict)]


def object_of(content: bytes) -> Row:
    """The JSON object of an answer; empty when it is something else."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def stem(name: str) -> str:
    """`DicomToNifti` of `/data/pipeline/catalog/DicomToNifti.xml`: rows may have the path."""
    return name.rpartition("/")[2].removesuffix(".xml")


def _moment(told: object) -> str | None:
    """A time of a container, which older plugins count in milliseconds."""
    text = str(told or "")
    if not text.isdigit():
        return text or None
    return datetime.fromtimestamp(int(text) / 1000, timezone.utc).isoformat(timespec="milliseconds")


def _is_shown(value: object) -> bool:
    """Whether it is the value itself: a secret one is stars, or left out."""
    return value == "" or (value is not None and str(value).strip("*") != "")


def _experiment_of(container: Row) -> str | None:
    for _, value in inputs_of(container):
        found = re.match(r"/archive/experiments/([^/]+)", value)
        if found:
            return found[1]
    return None


def _job(row: Mapping[str, Any]) -> PipelineJob:
    """A row in either spelling. Its `id` is that of the object; the number is the job's."""
    known = {key.lower(): value for key, value in row.items()}
    number = str(known.pop("wrk_workflowdata_id", "") or "")
    object_id = known.pop("id", None)
    known.pop("jobid", None)
    return PipelineJob.from_row(
        known,
        id=number,
        session_id=str(object_id) if object_id else None,
        uri=path("data", "workflows", number) if number else None,
    )
