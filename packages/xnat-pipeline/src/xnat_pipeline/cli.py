"""Run pipelines and containers on what XNAT holds, and follow their jobs.

Usage:
  xnat-pipeline <command> [options]

Commands:
  list    What can be run.
  run     Run something on sessions or scans.
  status  How jobs are doing.
  wait    Wait until jobs are complete.
  jobs    The jobs there have been.
  cancel  Stop jobs.

A server offers wrappers of its Container Service, pipelines of the classic engine, both or nothing;
one set of commands serves both. Sessions and jobs are named, or come as records on standard input.
'xnat-pipeline <command> --help' explains each.

Examples:
  xnat-pipeline list -P NEURO
  xnat-ls sessions -P NEURO --modality MR | xnat-pipeline run dcm2niix --wait
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_pipeline import __version__

_JOB = ("id", "pipeline", "session", "session_id", "status", "percent", "start_time", "end_time")

COMMANDS = {
    "list": Command(
        "xnat_pipeline.list",
        listing=True,
        columns=("name", "engine", "applies_to", "version", "description", "path"),
        identifier="name",
    ),
    "run": Command("xnat_pipeline.run", changes=True, columns=_JOB[:5]),
    "status": Command("xnat_pipeline.status", columns=_JOB),
    "wait": Command("xnat_pipeline.wait", columns=_JOB),
    "jobs": Command("xnat_pipeline.list_jobs", listing=True, columns=_JOB),
    "cancel": Command("xnat_pipeline.cancel", changes=True, columns=_JOB[:5]),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-pipeline."""
    return run("xnat-pipeline", __version__, __doc__, COMMANDS, argv)
