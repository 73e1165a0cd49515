"""The client."""

from xnat_core.client import (
    XNATClient as XNATClient,
)
