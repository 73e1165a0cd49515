"""Administration."""

from xnatctl.needs import needs

with needs("xnat-admin"):
    from xnat_admin.service import AdminService

__all__ = ["AdminService"]
