"""Subjects."""

from xnat_core.services.subjects import (
    SubjectService as SubjectService,
)
