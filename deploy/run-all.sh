#!/usr/bin/env bash
# Runs the whole shop on this machine: the server, then provisioning, then the services; Ctrl-C stops them all.
# What must hold: nothing is left running, whatever ends first, and the last lines say what it was.
# Exit code 0 if it was asked to stop, else 1. BIN_DIR names a directory of built binaries: then nothing is built.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/env.sh
export NATS_URL=nats://127.0.0.1:$NATS_PORT ENDED=.data/ended # the server that is started here, whatever was set

mapfile -t services < <(sed -n 's/^\([a-z]*\):.*/\1/p' deploy/Procfile | grep -vx nats)
ready_seconds_max=60 # a long stream takes its time to be opened again

say() { echo "run-all: $*" >&2; }
port_of() { local name=${1^^}_PORT; echo "${!name}"; }

build() {
    say "building (the first time takes some minutes)"
    cargo build --release --bin provision "${services[@]/#/--bin=}"
    BIN_DIR=${CARGO_TARGET_DIR:-target}/release
}

refuse_taken_port() { # name of its setting
    local port=${!1} holder
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
    holder=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*(("\([^"]*\)",pid=\([0-9]*\).*/ by \1 (process \2)/p' | head -n 1) || holder=
    say "port $port is taken$holder: stop that, or choose another port with $1=<number>"
    exit 1
}

start() { # processes of the Procfile: a process group of their own, so that Ctrl-C reaches only this script
    set -m
    .tools/venv/bin/honcho start --env /dev/null -f deploy/Procfile "$@" </dev/null &
    set +m
    started=$SECONDS
}

stop() {
    trap '' INT TERM HUP
    # honcho forgets its children if it is told to stop before it has seen them all start.
    [[ -z ${started:-} ]] || while ((SECONDS - started < 2)); do sleep 0.2; done
    for job in ${services_job:-} ${nats_job:-}; do # the server last: a batch under way can still be finished
        kill -TERM "$job" 2>/dev/null || true
        wait "$job" || true
    done
}

fail() { # reason; it is the last that is seen
    stop
    [[ ! -s $ENDED ]] || say "$(head -n 1 "$ENDED"), its last lines are above"
    say "$1"
    exit 1
}

wait_ready() {
    local service answer unready
    while :; do
        unready=
        for service in "${services[@]}"; do
            kill -0 "$services_job" 2>/dev/null && kill -0 "$nats_job" 2>/dev/null || return 1
            answer=$(curl -s --max-time 2 -w '\n%{http_code}' "http://127.0.0.1:$(port_of "$service")/readyz") || answer="no answer"
            [[ $answer == *$'\n200' ]] || unready+="  $service: ${answer%$'\n'*}"$'\n'
        done
        [[ -n $unready ]] || return 0
        ((SECONDS - started < ready_seconds_max)) || break
        sleep 0.2
    done
    fail "not ready after $ready_seconds_max s, everything was stopped"$'\n'"$unready"
}

welcome() {
    local login=nats://admin:$ADMIN_PASSWORD@127.0.0.1:$NATS_PORT
    [[ $ADMIN_PASSWORD == admin-dev ]] || login=nats://admin:\$ADMIN_PASSWORD@127.0.0.1:$NATS_PORT
    echo
    echo "The shop is open. Ctrl-C closes it; what it knows stays in .data."
    for service in "${services[@]}"; do printf '  %-10s http://127.0.0.1:%s\n' "$service" "$(port_of "$service")"; done
    cat <<END
Order tea, look at its payment, pay, and read the story:
  curl -i http://127.0.0.1:$ORDER_PORT/orders -H 'content-type: application/json' -H "idempotency-key: \$(date +%s)" -d '{"customer_id": "0198c0de-0000-7000-8000-000000000001", "email": "ada@example.com", "lines": [{"sku": "tea", "quantity": 2}], "address": {"zone": "north", "line": "1 Hill Road"}}'
  curl 'http://127.0.0.1:$PAYMENT_PORT/payments?order_id=<order id>'
  curl -X POST http://127.0.0.1:$PAYMENT_PORT/payments/<payment id>/confirm
  curl http://127.0.0.1:$ORDER_PORT/orders/<order id>/story
  nats --server $login stream view EVENTS

END
}

command -v curl >/dev/null || { say "curl is missing: install it (Debian: apt-get install curl)"; exit 1; }
deploy/get-nats-server.sh
.tools/bin/nats-server -t -c nats.conf
settings=(nats_port nats_monitor_port "${services[@]/%/_port}")
for name in "${settings[@]^^}"; do refuse_taken_port "$name"; done
[[ -n ${BIN_DIR:-} ]] || build
PATH=$(cd "$BIN_DIR" && pwd):$PWD/.tools/bin:$PATH
mkdir -p .data
: >"$ENDED"

trap 'exit 0' INT TERM HUP
trap stop EXIT
start nats
nats_job=$!
reason=$(provision 2>&1 | tee >(cat >&2)) || fail "provisioning failed: ${reason##*$'\n'}"
start "${services[@]}"
services_job=$!
if wait_ready; then
    welcome
    wait -n "$services_job" "$nats_job" || true
fi
fail "everything was stopped"
