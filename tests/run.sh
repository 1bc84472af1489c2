#!/bin/sh
# Runs test programs, JOBS of them at a time (1), each behind the words of
# RUNNER where it is set. What a program prints comes in one piece when it has
# ended, under the seconds that it took. Fails, naming them, when some failed.
#
#     sh tests/run.sh FOLDER PROGRAM...       FOLDER is for what they print
folder=$1
shift
mkdir -p "$folder" && rm -f "$folder"/*.failed || exit 1
export folder
printf '%s\n' "$@" | xargs -n 1 -P "${JOBS:-1}" sh -c '
    log=$folder/$(basename "$1")
    start=$(date +%s)
    $RUNNER "$1" </dev/null >"$log.log" 2>&1 || echo "$1" >"$log.failed"
    seconds=$(($(date +%s) - start))
    { flock 9; echo "== $1 ($seconds s)"; cat "$log.log"; } 9>"$folder/lock"
' run
failed=$(cat "$folder"/*.failed 2>/dev/null)
[ -z "$failed" ] || { echo "FAILED:" $failed; exit 1; }
