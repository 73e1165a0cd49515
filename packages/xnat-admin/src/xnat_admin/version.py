"""What the server is: URL, version, build.

Usage:
  xnat-admin version [options]

Another name of 'xnat-admin info'.

Example:
  xnat-admin version --quiet
"""

from xnat_admin.info import work

__all__ = ["work"]
