#!/usr/bin/env bash
# Runs the whole shop on this machine: the server, then provisioning, then the services; Ctrl-C stops them all.
# Whichever process ends first, none is left running, and the last lines name the one that ended.
# Exits with 0 after Ctrl-C or SIGTERM, else with 1. With BIN_DIR, a directory of built binaries, nothing is built.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/env.sh
export NATS_URL=nats://127.0.0.1:$NATS_PORT ENDED=.data/ended # the server that is started here, even if NATS_URL was set

mapfile -t services < <(sed -n 's/^\([a-z]*\):.*/\1/p' deploy/Procfile | grep -vx nats)
ready_seconds_max=60 # the server reads a long stream again before it is ready
profile=quick first_build_minutes=3 progress_seconds=10

say() { echo "run-all: $*" >&2; }
port_of() { local name=${1^^}_PORT; echo "${!name}"; }

build() {
    local binaries=(--bin=provision "${services[@]/#/--bin=}") total
    total=$(cargo tree --edges normal,build --prefix none --package provision "${services[@]/#/--package=}" |
        sed 's/ (.*//; /^$/d' | sort -u | wc -l)
    say "building $total crates: about $first_build_minutes minutes the first time (two processors), seconds later;" \
        "then the server and ${#services[@]} services start, and their addresses are shown here"
    if [[ -t 2 ]]; then cargo build --profile "$profile" "${binaries[@]}" # with cargo's own progress bar
    else
        cargo build --quiet --profile "$profile" "${binaries[@]}" --message-format json-render-diagnostics |
            report_progress "$total"
    fi
    BIN_DIR=${CARGO_TARGET_DIR:-target}/$profile
}

report_progress() { # number of crates; reads cargo's JSON messages, prints a line now and then
    local line last=$SECONDS
    local -A built=()
    while read -r line; do
        [[ $line =~ ^\{\"reason\":\"compiler-artifact\",\"package_id\":\"([^\"]+)\" ]] || continue
        built[${BASH_REMATCH[1]}]=yes
        ((SECONDS - last >= progress_seconds)) || continue
        last=$SECONDS
        say "built ${#built[@]} of $1 crates"
    done
}

refuse_taken_port() { # name of the setting
    local port=${!1} holder
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
    holder=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*(("\([^"]*\)",pid=\([0-9]*\).*/ by \1 (process \2)/p' | head -n 1) || holder=
    say "port $port is taken$holder: stop it, or choose another port with $1=<number>"
    exit 1
}

# Two servers on the same files would damage them. The lock is also held by what is left running if this script is killed.
lock_data() {
    mkdir -p .data
    exec {lock}>.data/lock
    ! command -v flock >/dev/null || flock --nonblock "$lock" || { say "the shop of this directory runs already, at other ports: stop it first"; exit 1; }
}

start() { # processes of the Procfile, in a process group of their own: Ctrl-C reaches only this script
    set -m
    .tools/venv/bin/honcho start --env /dev/null -f deploy/Procfile "$@" </dev/null &
    set +m
    started=$SECONDS
}

stop() {
    trap '' INT TERM HUP
    # honcho leaves children running if it gets SIGTERM before all of them have started.
    [[ -z ${started:-} ]] || while ((SECONDS - started < 2)); do sleep 0.2; done
    for job in ${services_job:-} ${nats_job:-}; do # the server last, so that the services can finish their batches
        kill -TERM "$job" 2>/dev/null || true
        wait "$job" || true
    done
}

fail() { # reason: the last line of the output
    stop
    [[ ! -s $ENDED ]] || say "$(head -n 1 "$ENDED"), its last lines are above"
    say "$1"
    exit 1
}

wait_ready() {
    local service response unready
    while :; do
        unready=
        for service in "${services[@]}"; do
            kill -0 "$services_job" 2>/dev/null && kill -0 "$nats_job" 2>/dev/null || return 1
            response=$(curl -s --noproxy '*' --max-time 2 -w '\n%{http_code}' "http://127.0.0.1:$(port_of "$service")/readyz") || response="no response"
            [[ $response == *$'\n200' ]] || unready+="  $service: ${response%$'\n'*}"$'\n'
        done
        [[ -n $unready ]] || return 0
        ((SECONDS - started < ready_seconds_max)) || break
        sleep 0.2
    done
    fail "not ready after $ready_seconds_max s; everything was stopped"$'\n'"$unready"
}

welcome() {
    local login=nats://admin:$ADMIN_PASSWORD@127.0.0.1:$NATS_PORT
    [[ $ADMIN_PASSWORD == admin-dev ]] || login=nats://admin:\$ADMIN_PASSWORD@127.0.0.1:$NATS_PORT
    echo
    echo "The shop is open. Ctrl-C stops it; its data stays in .data."
    echo
    echo "  the shop   http://127.0.0.1:$GATEWAY_PORT     its API: http://127.0.0.1:$GATEWAY_PORT/api/docs"
    echo
    echo "Behind it:"
    for service in "${services[@]}"; do [[ $service == gateway ]] || printf '  %-10s http://127.0.0.1:%s\n' "$service" "$(port_of "$service")"; done
    cat <<END
Order tea by the API, and see what becomes of it:
  token=\$($BIN_DIR/gateway token --customer 0198c0de-0000-7000-8000-000000000001)
  curl -i http://127.0.0.1:$GATEWAY_PORT/api/orders -H "authorization: Bearer \$token" -H 'prefer: wait=5' -H 'content-type: application/json' -d '{"lines": [{"sku": "tea", "quantity": 2}], "address": {"zone": "north", "line": "1 Hill Road"}, "confirmation": "automatic"}'
Or at the services themselves: order tea, look at its payment, pay, and read the story:
  curl -i http://127.0.0.1:$ORDER_PORT/orders -H 'content-type: application/json' -H "idempotency-key: \$(date +%s)" -d '{"customer_id": "0198c0de-0000-7000-8000-000000000001", "email": "ada@example.com", "lines": [{"sku": "tea", "quantity": 2}], "address": {"zone": "north", "line": "1 Hill Road"}}'
  curl 'http://127.0.0.1:$PAYMENT_PORT/payments?order_id=<order id>'
  curl -X POST http://127.0.0.1:$PAYMENT_PORT/payments/<payment id>/confirm
  curl http://127.0.0.1:$ORDER_PORT/orders/<order id>/story
  nats --server $login stream view EVENTS

END
}

command -v curl >/dev/null || { say "curl is missing: install it (Debian: apt-get install curl)"; exit 1; }
deploy/get-tools.sh
.tools/bin/nats-server -t -c nats.conf
settings=(nats_port nats_monitor_port "${services[@]/%/_port}")
for name in "${settings[@]^^}"; do refuse_taken_port "$name"; done
[[ -n ${BIN_DIR:-} ]] || build
PATH=$(cd "$BIN_DIR" && pwd):$PWD/.tools/bin:$PATH
lock_data
: >"$ENDED"

trap 'exit 0' INT TERM HUP
trap stop EXIT
say "starting the server, then creating the streams and consumers"
start nats
nats_job=$!
reason=$(provision 2>&1 | tee >(cat >&2)) || fail "provisioning failed: ${reason##*$'\n'}"
say "starting ${services[*]}"
start "${services[@]}"
services_job=$!
if wait_ready; then
    welcome
    wait -n "$services_job" "$nats_job" || true
fi
fail "everything was stopped"
