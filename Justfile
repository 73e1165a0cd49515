# List the recipes.
_default:
    @just --list --unsorted

# The main job on a small XNAT of its own, each command shown.
demo:
    tools/demo

# Linters, types and all tests; with arguments only the tests they select: just test -k resume
test *ARGS:
    tools/test {{ARGS}}

# Style, types, layers, stale reference pages.
check:
    tools/check

# What continuous integration runs.
ci:
    .ci/run

# Mend what can be mended without thinking, and write the reference pages.
fix:
    tools/setup
    .venv/bin/ruff check --quiet --fix packages tests tools
    .venv/bin/ruff format --quiet packages tests tools
    .venv/bin/uv lock --quiet
    .venv/bin/python tools/gen_reference.py

# Source distributions, wheels and man pages, in dist/.
release:
    tools/release

# Measure: startup, transfers, streams …; each file in tools/bench says what and how.
bench NAME='startup' *ARGS:
    tools/setup
    .venv/bin/python tools/bench/{{NAME}}.py {{ARGS}}

# The property tests, long, then every reader of foreign input under atheris: just fuzz 60 tar zip
fuzz *ARGS:
    tools/fuzz {{ARGS}}
