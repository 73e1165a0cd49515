"""The documented services; each module names what `xnat_core` or a tool defines."""
