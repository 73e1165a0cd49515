"""Pipelines and their jobs."""

from xnatctl.needs import needs

with needs("xnat-pipeline"):
    from xnat_pipeline.service import PipelineService

__all__ = ["PipelineService"]
