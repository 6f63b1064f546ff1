package leak

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/stretchr/testify/require"

	"cutover/test/invariants"
)

// envPostgres is the URL of a PostgreSQL server, as `go run ./test/postgres` gives it; unset, SQLite alone is looked into.
const envPostgres = "CUTOVER_TEST_STORE_URL"

// database is one on PostgreSQL that a test has for itself.
type database struct {
	url, password string
	db            *sql.DB
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	open := func(where string) *sql.DB {
		db, err := sql.Open("pgx", where)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}
	server := os.Getenv(envPostgres)
	name := "leak" + strings.ToLower(rand.Text())
	admin := open(server)
	_, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	password, _ := u.User.Password()
	return &database{url: u.String(), password: password, db: open(u.String())}
}

// texts are all rows of all tables, as JSON and as they are.
func (d *database) texts(t *testing.T) []invariants.Text {
	t.Helper()
	var all []invariants.Text
	for _, table := range []string{"meta", "grants", "links", "sessions", "authorizations", "receipts"} {
		for _, form := range []string{"row_to_json(r)::text", "encode(convert_to(r::text, 'UTF8'), 'escape')"} {
			for _, row := range d.rows(t, "SELECT "+form+" FROM "+table+" r") {
				all = append(all, invariants.Text{Where: "table " + table, Data: []byte(row)})
			}
		}
	}
	require.NotEmpty(t, all, "the worker and the page keep what they keep here")
	return all
}

func (d *database) rows(t *testing.T, query string) []string {
	t.Helper()
	rows, err := d.db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var all []string
	for rows.Next() {
		var row string
		require.NoError(t, rows.Scan(&row))
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
}
