# Sourced by check and test: what can be told of the code without running it.
# shellcheck shell=bash
say "ruff: rules"
"$python" -m ruff check --quiet .
say "ruff: format"
"$python" -m ruff format --check --quiet .
say "mypy, strict"
"$python" -m mypy --no-error-summary
say "import contracts"
"$venv/bin/lint-imports" >/dev/null || { "$venv/bin/lint-imports"; exit 1; }
