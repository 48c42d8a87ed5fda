#!/bin/sh
# Fills .tools: bin/nats-server, venv with the other tools of deploy/requirements.txt, axe for the tests of the pages, and
# the schema of AsyncAPI for the test of the messages' document.
# Takes the nats-server on PATH if it is new enough, else the pinned one. Does nothing when all is there.
set -eu
cd "$(dirname "$0")/.."

pins=deploy/requirements.txt
venv=.tools/venv
server=.tools/bin/nats-server
axe=.tools/axe/axe.min.js
axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
asyncapi=.tools/asyncapi/3.0.0.json
asyncapi_version=6.11.1
asyncapi_sha256=abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f

fail() { echo "get-tools: $*" >&2; exit 1; }

# Whether the server $1 is 2.14 or newer: the first version with CONSUMER.RESET.
new_enough() {
    version=$("$1" --version 2>/dev/null | sed -n 's/^nats-server: v//p') || return 1
    minor=${version#*.}
    [ "${version%%.*}" -gt 2 ] 2>/dev/null || { [ "${version%%.*}" = 2 ] && [ "${minor%%.*}" -ge 14 ]; } 2>/dev/null
}

make_venv() {
    python=$(command -v python3) || fail "python3 is missing: install it (Debian: apt-get install python3-venv)"
    echo "get-tools: installing the tools of $pins into $venv"
    rm -rf "$venv"
    # Without Debian's python3-venv, python3 cannot put pip into a new environment; an installed pip can work from outside.
    if "$python" -m venv "$venv" >/dev/null 2>&1; then pip="$venv/bin/python -m pip"
    elif "$python" -m venv --clear --without-pip "$venv" >/dev/null 2>&1 && "$python" -m pip --version >/dev/null 2>&1
    then pip="$python -m pip --python $venv/bin/python"
    else fail "python3 cannot create a virtual environment: install its venv module (Debian: apt-get install python3-venv)"; fi
    # shellcheck disable=SC2086 # a command and its arguments
    $pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$pins" ||
        fail "pip could not install $pins (its reason is above): can this machine reach the package index?"
    cp "$pins" "$venv/installed.txt"
}

# Whether the file $1 has the hash $2.
is_there() {
    hash='import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())'
    [ -f "$1" ] && [ "$(python3 -c "$hash" "$1")" = "$2" ]
}

# Gets the file $3 of the package $1 in version $2 from npm, as the file $4, unless that is there with the hash $5.
get_from_npm() {
    if is_there "$4" "$5"; then return; fi
    command -v npm >/dev/null || fail "npm is missing: install it (Debian: apt-get install npm)"
    echo "get-tools: getting $1 $2"
    folder=$(dirname "$4")
    mkdir -p "$folder"
    archive=$(cd "$folder" && npm pack --silent "$1@$2") || fail "npm could not get $1 $2"
    tar -xzOf "$folder/$archive" "package/$3" >"$4"
    rm "$folder/$archive"
    is_there "$4" "$5" || fail "$4 is not the one that is pinned"
}

cmp -s "$pins" "$venv/installed.txt" || make_venv
if ! new_enough "$server"; then
    mkdir -p .tools/bin
    found=$(command -v nats-server) || found=
    if [ -n "$found" ] && new_enough "$found"; then ln -sf "$found" "$server"
    else
        [ -z "$found" ] || echo "get-tools: $found is older than 2.14, taking the pinned one"
        ln -sf ../venv/bin/nats-server "$server"
    fi
    new_enough "$server" || fail "$server does not run on this machine: put nats-server 2.14 or newer on PATH"
fi
get_from_npm axe-core "$axe_version" axe.min.js "$axe" "$axe_sha256"
# shellcheck disable=SC2016 # the $ is part of the file's name
get_from_npm @asyncapi/specs "$asyncapi_version" 'schemas/3.0.0-without-$id.json' "$asyncapi" "$asyncapi_sha256"
