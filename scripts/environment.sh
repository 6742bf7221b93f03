# Sourced by the scripts beside it: a Python of our own in .venv that has this package, and Java.
# shellcheck shell=bash
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
python="$venv/bin/python"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 3; }

# The first Python 3.11 to 3.13 that can make virtual environments; PYTHON names another.
find_python() {
    local candidate lacking=""
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3 python; do
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
        lacking="$candidate"
    done
    if [ -n "$lacking" ]; then
        fail "$lacking cannot make virtual environments; install the package ${lacking##*/}-venv (Debian, Ubuntu: apt install ${lacking##*/}-venv)"
    fi
    fail "mlsql needs Python 3.11, 3.12 or 3.13, and none is on the PATH; install one, or name it: PYTHON=/path/to/python3 $0"
}

# have_package [extra...]: .venv holds this package, with these extras, as pyproject.toml and
# constraints.txt want it now. A stamp for each part makes the second call fast.
have_package() {
    local wanted part missing="" extras=""
    wanted="$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)"
    for part in package "$@"; do
        [ "$(cat "$venv/.installed-$part" 2>/dev/null)" = "$wanted" ] || missing="$missing $part"
    done
    [ -n "$missing" ] || return 0
    if [ ! -x "$python" ]; then
        local base
        base="$(find_python)"
        say "making .venv with $("$base" --version)"
        "$base" -m venv "$venv"
    fi
    for part in "$@"; do extras="${extras:+$extras,}$part"; done
    say "installing mlsql${extras:+ with $extras} into .venv (some minutes the first time)"
    "$python" -m pip install --disable-pip-version-check --progress-bar off \
        -c "$root/constraints.txt" -e "$root${extras:+[$extras]}" \
        | sed -u -n -e 's/^ *Downloading \(.* MB)\).*/  downloading \1/p' -e 's/^ *Building wheel for \([^ ]*\).*started.*/  building \1/p' \
            -e 's/^Installing collected packages: .*/  unpacking them/p' >&2
    for part in package "$@"; do printf '%s\n' "$wanted" >"$venv/.installed-$part"; done
}

# have_java: Java 17 or 21, of this machine or from the extra of that name.
have_java() {
    "$python" -c 'from mlsql.spark.java import find_java; find_java()' 2>/dev/null && return
    say "there is no Java 17 or 21 here; taking the one that comes as a Python package"
    have_package java
    "$python" -c 'from mlsql.spark.java import find_java; find_java()'
}

# have_browser: chromium and its driver, for the tests of the console; without them those are skipped.
have_browser() {
    { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
        && command -v chromedriver >/dev/null && return
    if [ "$EUID" = 0 ] && command -v apt-get >/dev/null; then
        say "installing chromium and chromium-driver"
        if { timeout 120 apt-get -qq update && DEBIAN_FRONTEND=noninteractive timeout 300 \
            apt-get -qq install -y --no-install-recommends chromium chromium-driver; } >/dev/null 2>&1 </dev/null; then
            return
        fi
    fi
    say "there is no chromium with chromedriver here: the console is not tried in a browser"
}

# took SECONDS_BEFORE: how long ago that was, in words.
took() { printf '%d s' "$((SECONDS - $1))"; }
