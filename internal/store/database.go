package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sealer encrypts what must not be read in the database. context is authenticated and not stored.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Unseal(sealed, context []byte) ([]byte, error)
}

// Database keeps grants, reconnect links and receipts of notices. Many may share one, in one process or several. It is safe for concurrent use.
type Database struct {
	db      *sql.DB
	dialect dialect
	sealer  Sealer
	now     func() time.Time
	lease   time.Duration // how long one renewal of a grant may take
	insist  time.Duration // how long a grant is tried to be stored

	renewing sync.RWMutex // read-locked while a vendor is asked and until its answer is stored
	closing  sync.Once
}

const (
	// A call of Pinterest's client ends after half a minute.
	defaultLease = time.Minute
	// A grant that cannot be stored is lost when this is over: long enough for a database to change over to its replica.
	defaultInsist = 2 * time.Minute
)

// dialect is what differs between databases that understand the same SQL.
type dialect struct {
	clock    string // milliseconds since 1970 by the clock of the database, the same one for all its clients
	numbered bool   // parameters are $1, $2 instead of ?
	migrate  func(ctx context.Context, db *sql.DB) error
	hasTable string // counts the tables of a name
}

// OpenDatabase opens the database at the URL: sqlite:PATH, relative or absolute, for a file that is made if it is not there, or postgres://… for
// PostgreSQL. It brings the tables up to date; several processes may start at once. If what is there was sealed with other keys it returns
// ErrWrongKeys. now is the clock of what people see and of what expires. No error quotes the URL, which may hold a password.
func OpenDatabase(ctx context.Context, url string, sealer Sealer, now func() time.Time) (*Database, error) {
	d := &Database{sealer: sealer, now: now, lease: defaultLease, insist: defaultInsist}
	var err error
	if d.db, d.dialect, err = connect(url, true); err != nil {
		return nil, err
	}
	if err = d.dialect.migrate(ctx, d.db); err == nil {
		err = d.checkKeys(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// connect opens the database without a look into it. Without create a file that is not there is not made.
func connect(url string, create bool) (*sql.DB, dialect, error) {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	switch {
	case isFile:
		return openSQLite(path, create)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return openPostgres(url)
	}
	return nil, dialect{}, errors.New("the URL of the store must begin with sqlite: or postgres://, such as sqlite:var/cutover.db")
}

// Close ends the connections. Nothing can be read or written afterwards. It waits for renewals whose vendor was asked: what that answered is lost
// unless it is stored. That takes as long as the vendor and the store take, at most some three minutes.
func (d *Database) Close() error {
	d.closing.Do(d.renewing.Lock) // for good: no other renewal begins
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// sql spells a query for the database. Queries are written with ? for parameters, which stand nowhere else in them.
func (d *Database) sql(query string) string {
	query = strings.ReplaceAll(query, "CLOCK", d.dialect.clock)
	if !d.dialect.numbered {
		return query
	}
	parts := strings.Split(query, "?")
	var b strings.Builder
	b.WriteString(parts[0])
	for i, part := range parts[1:] {
		b.WriteString("$" + strconv.Itoa(i+1) + part)
	}
	return b.String()
}

// exec changes rows and tells how many.
func (d *Database) exec(ctx context.Context, query string, args ...any) (int, error) {
	result, err := d.db.ExecContext(ctx, d.sql(query), args...)
	if err != nil {
		return 0, fmt.Errorf("write to the store: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("write to the store: %w", err)
	}
	return int(n), nil
}

// one reads one row and tells whether there is one.
func (d *Database) one(ctx context.Context, query string, args []any, into ...any) (bool, error) {
	err := d.db.QueryRowContext(ctx, d.sql(query), args...).Scan(into...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the store: %w", err)
	}
	return true, nil
}

// all reads rows, each by one call of row.
func (d *Database) all(ctx context.Context, query string, args []any, row func(scan func(into ...any) error) error) error {
	rows, err := d.db.QueryContext(ctx, d.sql(query), args...)
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("read the store: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	return nil
}

// millis is an instant as it is stored.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the reverse of millis.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
