package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// postgresConnections is how many one process holds: a grant is renewed and a link opened in a few milliseconds.
const postgresConnections = 8

func openPostgres(where string) (*sql.DB, dialect, error) {
	config, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, dialect{}, errors.New("the URL of the store is malformed: it is postgres://user:password@host:port/database?sslmode=verify-full") // its error would quote it
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	return db, dialect{
		clock:    "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
		numbered: true,
		migrate:  migratePostgres,
		hasTable: "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1",
	}, nil
}

// migratePostgres lets one process at a time make tables. Waiting for it ends after five minutes.
func migratePostgres(ctx context.Context, db *sql.DB) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("bring the store up to date: %w", err)
	}
	return migrate(ctx, db, goose.DialectPostgres, goose.WithSessionLocker(locker))
}
