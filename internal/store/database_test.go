package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"cutover/internal/keys"
)

// envPostgres is where go run ./test/postgres says that there is a PostgreSQL.
const envPostgres = "CUTOVER_TEST_STORE_URL"

// backend makes an empty database and tells its URL.
type backend struct {
	name string
	make func(t *testing.T) string
}

func backends() []backend {
	all := []backend{{"SQLite", func(t *testing.T) string {
		t.Helper()
		return "sqlite:" + filepath.Join(t.TempDir(), "deep", "store.db")
	}}}
	if server := os.Getenv(envPostgres); server != "" {
		all = append(all, backend{"PostgreSQL", func(t *testing.T) string {
			t.Helper()
			return newPostgres(t, server)
		}})
	}
	return all
}

func newPostgres(t *testing.T, server string) string {
	t.Helper()
	db, err := sql.Open("pgx", server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	name := "t" + strings.ToLower(rand.Text())
	_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// onEach runs the test on every database there is.
func onEach(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	for _, b := range backends() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, b))
		})
	}
}

// site is a database that several handles may have open, as several workers have.
type site struct {
	url    string
	sealer Sealer
	file   string // of the keys

	mu  sync.Mutex
	now time.Time
}

func newSite(t *testing.T, b backend) *site {
	t.Helper()
	s := &site{url: b.make(t), file: filepath.Join(t.TempDir(), "keys.json"), now: time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)}
	var err error
	s.sealer, err = keys.Create(t.Context(), s.file, "")
	require.NoError(t, err)
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *site) open(t *testing.T) *Database {
	t.Helper()
	d, err := OpenDatabase(t.Context(), s.url, s.sealer, s.clock)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	if !d.dialect.numbered {
		_, err = d.exec(t.Context(), "PRAGMA synchronous = OFF") // nobody pulls a plug here
		require.NoError(t, err)
	}
	return d
}

func TestSeveralProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		var group errgroup.Group
		for i := range 8 {
			group.Go(func() error {
				d, err := OpenDatabase(t.Context(), s.url, s.sealer, s.clock)
				if err != nil {
					return err
				}
				if _, _, err = d.KeepReceipt(t.Context(), string(rune('a'+i)), "mail", s.clock()); err != nil {
					return err
				}
				return d.Close()
			})
		}
		require.NoError(t, group.Wait())
		require.NoError(t, s.open(t).Close(), "and again")
	})
}

// One in five that make the same file at once meets tables that another just made.
func TestManyMakeTheSameFile(t *testing.T) {
	t.Parallel()
	for range 6 {
		s := newSite(t, backends()[0])
		var group errgroup.Group
		for range 4 {
			group.Go(func() error {
				d, err := OpenDatabase(t.Context(), s.url, s.sealer, s.clock)
				if err != nil {
					return err
				}
				return d.Close()
			})
		}
		require.NoError(t, group.Wait())
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *site) {
		t.Helper()
		sealed, err := Sealed(t.Context(), s.url)
		require.NoError(t, err)
		require.False(t, sealed)
		d := s.open(t)
		require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
		for range 2 {
			sealed, err = Sealed(t.Context(), s.url)
			require.NoError(t, err)
			require.True(t, sealed, "a missing keys file must be found")
		}
		other, err := keys.Create(t.Context(), filepath.Join(t.TempDir(), "keys.json"), "")
		require.NoError(t, err)
		_, err = OpenDatabase(t.Context(), s.url, other, s.clock)
		require.ErrorIs(t, err, ErrWrongKeys)
		require.EqualError(t, err, "the store was sealed with other keys: give the keys file it was made with")
		held, err := s.open(t).Grant(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, "pina_1", held.Grant.AccessToken, "nothing is lost by trying")
	})
}

func TestALookForKeysMakesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "store.db"), filepath.Join(dir, "deep", "store.db")} {
		sealed, err := Sealed(t.Context(), "sqlite:"+path)
		require.NoError(t, err)
		require.False(t, sealed)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)

	empty := filepath.Join(dir, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	sealed, err := Sealed(t.Context(), "sqlite:"+empty)
	require.NoError(t, err)
	require.False(t, sealed, "a worker died between making the file and the tables")
	require.NoError(t, os.WriteFile(empty, []byte(strings.Repeat("no database", 100)), 0o600))
	_, err = Sealed(t.Context(), "sqlite:"+empty)
	require.Error(t, err)
}

func TestTheFilesAreForTheUserAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, backends()[0])
	d := s.open(t)
	require.NoError(t, d.SaveGrant(t.Context(), acme, granted("1")))
	path := strings.TrimPrefix(s.url, "sqlite:")
	for name, mode := range map[string]fs.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
}

func TestSQLiteCommitsAreOnDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t, backends()[0])
	d, err := OpenDatabase(t.Context(), s.url, s.sealer, s.clock)
	require.NoError(t, err)
	defer d.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "foreign_keys": "1"} {
		var got string
		found, err := d.one(t.Context(), "PRAGMA "+pragma, nil, &got)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want, got, pragma)
	}
}

func TestAPathMayHoldAnything(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := newSite(t, backends()[0])
	for _, path := range []string{"store.db", "a b/50%25?x=1#y.db", filepath.Join(dir, "ä.db")} {
		s.url = "sqlite:" + path
		require.NoError(t, s.open(t).SaveGrant(t.Context(), acme, granted("1")))
		require.FileExists(t, path)
	}
}

func TestErrorsDoNotQuoteTheURL(t *testing.T) {
	t.Parallel()
	s := newSite(t, backends()[0])
	const password = "s3cr3t-canary-90aa"
	for _, where := range []string{
		"", "store.db", "mysql://cutover:" + password + "@localhost/x", "sqlite:", "postgres://cutover:" + password + "@local host/x",
		"postgres://cutover:" + password + "@127.0.0.1:1/x?sslmode=" + password, "postgres://cutover:" + password + "@127.0.0.1:1/x?connect_timeout=1",
	} {
		_, err := OpenDatabase(t.Context(), where, s.sealer, s.clock)
		require.Error(t, err, where)
		require.NotContains(t, err.Error(), password)
		_, err = Sealed(t.Context(), where)
		require.Error(t, err, where)
		require.NotContains(t, err.Error(), password)
	}
	_, err := OpenDatabase(t.Context(), "file:store.db", s.sealer, s.clock)
	require.EqualError(t, err, "the URL of the store must begin with sqlite: or postgres://, such as sqlite:var/cutover.db")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = OpenDatabase(t.Context(), "sqlite:"+filepath.Join(file, "store.db"), s.sealer, s.clock)
	require.ErrorContains(t, err, "open the store: ")
}
