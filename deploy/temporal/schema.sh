#!/bin/sh
# Makes Temporal's two databases and brings their schemas to the version of this image. Safe to run again.
set -eu

SQL_PASSWORD=$(cat /run/secrets/postgres_password)
export SQL_PASSWORD

# The tool prints every statement; it is worth reading only when one fails.
sql() {
  temporal-sql-tool "$@" >/tmp/schema.log 2>&1 || {
    cat /tmp/schema.log >&2
    echo "temporal-sql-tool $*: failed" >&2
    exit 1
  }
}

prepare() {
  sql --database "$1" create-database
  sql --database "$1" setup-schema --version 0.0
  sql --database "$1" update-schema --schema-name "$2"
  echo "database $1 is at schema $2"
}

prepare temporal postgresql/v12/temporal
prepare temporal_visibility postgresql/v12/visibility
