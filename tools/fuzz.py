"""Fuzz one reader with atheris: tools/fuzz.py TARGET CORPUS [libFuzzer options]

The corpus folder is filled with samples when it is empty; a finding is kept as `crash-…` in it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

with atheris.instrument_imports(include=["xnat_core"]):
    from support.fuzzing import TARGETS, harmless, samples


def main() -> None:
    """Run until the time is over or something is found."""
    name, corpus = sys.argv[1], Path(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number, sample in enumerate(samples(name)):
            (corpus / f"sample{number}").write_bytes(sample)
    options = [sys.argv[0], str(corpus), f"-artifact_prefix={corpus}/", *sys.argv[3:]]
    atheris.Setup(options, lambda data: harmless(TARGETS[name], data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
