"""Subjects."""

from xnat_core.services.subjects import SubjectService

__all__ = ["SubjectService"]
