#!/bin/sh
# Makes the namespaces given as arguments, each with the search attributes of the file beside this script. Safe to run again.
set -eu

attributes=$(dirname "$0")/search-attributes

# Ready comes in steps: the port opens before the cluster serves, and a namespace is registered before every role knows it.
# So each command is tried once a second for a minute, and its last complaint is shown if it never succeeds.
patiently() {
  tries=60
  until answer=$("$@" 2>&1); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "$*: $answer" >&2; exit 1; }
    sleep 1
  done
}

patiently temporal operator cluster health

for namespace in "$@"; do
  # 30 days after an organization ends its history may go: its report stays.
  temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
    patiently temporal operator namespace create --namespace "$namespace" --retention 720h
  patiently temporal operator search-attribute list --namespace "$namespace"
  known=$answer
  while IFS='=' read -r name type; do
    echo "$known" | grep -qw "$name" ||
      patiently temporal operator search-attribute create --namespace "$namespace" --name "$name" --type "$type"
  done <"$attributes"
  echo "namespace $namespace is ready"
done

# A server knows a new attribute only after about 1.5 s, and refuses workflows that use it until then.
sleep 3
