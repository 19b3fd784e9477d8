#!/bin/sh
# Runs a command in a test environment of its own:  environment.sh FILE COMMAND [ARGUMENT...]
#
# The environment is asked for from FILE; COMMAND gets its addresses as variables (KUNLUN_SERVER_WEB_0 and so on); when
# COMMAND has ended, it is given back. A job that is killed leaves it to its time to live, and a job that runs
# again under the same name finds it. Needs kunlun and kubectl on PATH, and a kubeconfig.
#
#   KUNLUN_NAME     its name: the same for every attempt of one job, and no other job's (required)
#   KUNLUN_TTL      how long it lives, from its creation (2h)
#   KUNLUN_TIMEOUT  how long to wait until it is ready (10m)
#   KUNLUN_REPORTS  folder for environment.env, environment.json and kunlun.xml, a JUnit report (.)
#   KUNLUN_KEEP     not empty: leave it to later jobs and to its time to live
#
# Exit code: that of COMMAND, or that of `kunlun apply` when there is no environment: 1 refused, 2 usage, 3 failed,
# 4 timed out.
set -eu

: "${1:?the FILE with the environment}" "${2:?the COMMAND to run in it}"
: "${KUNLUN_NAME:?the name of the environment, the same for every attempt of this job and for no other job}"
file=$1
shift
reports=${KUNLUN_REPORTS:-.}
asked=interrupted

give_back() {
    ended=$?
    trap '' INT TERM HUP
    case "$asked" in
        1 | 2) ;; # it was not taken: one of that name, if there is one, is somebody else's
        *) [ -n "${KUNLUN_KEEP:-}" ] || kunlun destroy "$KUNLUN_NAME" --no-wait || : ;;
    esac
    exit "$ended"
}
trap give_back EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

if kunlun apply -f "$file" --name "$KUNLUN_NAME" --ttl "${KUNLUN_TTL:-2h}" --wait --timeout "${KUNLUN_TIMEOUT:-10m}" \
    --output table \
    --output "env=$reports/environment.env" \
    --output "json=$reports/environment.json" \
    --output "junit=$reports/kunlun.xml"
then
    asked=0
else
    asked=$?
    exit "$asked"
fi

set -a
. "$reports/environment.env"
set +a
"$@"
