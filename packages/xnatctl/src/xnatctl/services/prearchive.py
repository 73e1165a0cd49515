"""The staging area."""

from xnatctl.needs import needs

with needs("xnat-prearchive"):
    from xnat_prearchive.service import PrearchiveService

__all__ = ["PrearchiveService"]
