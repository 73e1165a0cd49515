"""List what can be run.

Usage:
  xnat-pipeline list [options]

Options:
  -P --project=<id>  What is set up for this project, else for the profile's default
                     project; without one, all that the server has.

A wrapper of the Container Service is run by its name, its number or, when it is the only one, the
name of its command; 'applies_to' says on what. Of a server that has neither that service nor
classic pipelines, nothing is listed.

Example:
  xnat-pipeline list -P NEURO --where applies_to=session
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_pipeline.offers import offers


def work(job: Job) -> Iterator[Record]:
    """A record per pipeline."""
    client = job.client()
    for pipeline in offers(client, job.project()):
        yield pipeline.to_record(client.base_url)
