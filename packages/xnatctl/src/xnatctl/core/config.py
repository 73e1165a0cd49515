"""Profiles and settings."""

from xnat_core.config import Config, Profile

__all__ = ["Config", "Profile"]
