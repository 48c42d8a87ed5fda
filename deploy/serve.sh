#!/bin/sh
# Runs a command of the Procfile, and if it ends without having been asked to (whoever stops the shop sends SIGTERM to
# this shell as well), leaves a note of it in $ENDED, so that run-all.sh can say who was the first.
asked=
trap 'asked=yes' TERM
"$@"
code=$?
[ -n "$asked" ] || echo "$1 ended by itself (exit code $code)" >>"$ENDED"
exit "$code"
