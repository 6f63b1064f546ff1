package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver sqlite
)

// sqlitePragmas: a commit is on disk when it is told (synchronous), readers do not wait for a writer (WAL), a writer waits ten seconds for another.
var sqlitePragmas = []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}

func openSQLite(path string, create bool) (*sql.DB, dialect, error) {
	if path == "" {
		return nil, dialect{}, errors.New("the URL of the store names no file: give one such as sqlite:var/cutover.db")
	}
	absolute, err := filepath.Abs(path)
	if err == nil {
		if create {
			err = makePrivate(absolute)
		} else {
			_, err = os.Stat(absolute)
		}
	}
	if err != nil {
		return nil, dialect{}, fmt.Errorf("open the store: %w", err)
	}
	query := url.Values{"_pragma": sqlitePragmas, "_txlock": {"immediate"}, "mode": {"rw"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, dialect{}, fmt.Errorf("open the store: %w", err)
	}
	db.SetMaxOpenConns(1) // a file has one writer at a time anyway: here they queue, in the file they would ask again and again
	return db, dialect{
		clock:    "CAST(unixepoch('subsec') * 1000 AS INTEGER)", // the machine's, whatever clock a process was given
		migrate:  migrateSQLite,
		hasTable: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
	}, nil
}

// makePrivate makes the file for its user alone; SQLite gives the files beside it the same mode.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return closeToOthers(path, path+"-wal", path+"-shm")
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// closeToOthers takes the right to read away from others, such as after a file came back from a backup.
func closeToOthers(paths ...string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(path, info.Mode().Perm()&^0o077)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// migrateSQLite tries again when it meets another process that does the same: what that one made is found the next time. SQLite has no lock that
// would hold across the statements of a migration tool.
func migrateSQLite(ctx context.Context, db *sql.DB) (err error) {
	for range 10 {
		if err = migrate(ctx, db, goose.DialectSQLite3); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}
