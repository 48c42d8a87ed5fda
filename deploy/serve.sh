#!/bin/sh
# Runs a command of the Procfile. If the command ends before this shell gets SIGTERM (which whoever stops the shop sends
# to both), appends a line about it to $ENDED, so that run-all.sh can name the first that ended.
stopping=
trap 'stopping=yes' TERM
"$@"
code=$?
[ -n "$stopping" ] || echo "$1 ended by itself (exit code $code)" >>"$ENDED"
exit "$code"
