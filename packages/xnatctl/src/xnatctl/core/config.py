"""Profiles and settings."""

from xnat_core.config import (
    Config as Config,
    Profile as Profile,
)
