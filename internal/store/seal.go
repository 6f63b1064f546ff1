package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ErrWrongKeys says that the database was first opened, or last resealed, with other keys than these.
var ErrWrongKeys = errors.New("the store was sealed with other keys: give the keys file it was made with")

// keysName and keysValue are the row that tells which keys a database belongs to.
const (
	keysName  = "keys"
	keysValue = "cutover"
)

// sealedTables are those with a column "sealed", and the columns of their keys.
var sealedTables = []struct {
	name string
	key  []string
}{
	{"meta", []string{"name"}},
	{"grants", []string{"organization", "account"}},
	{"authorizations", []string{"digest"}},
}

// seal encrypts what stands in the row of that key. Moved to another row it does not open.
func (d *Database) seal(plain []byte, table string, key ...string) ([]byte, error) {
	sealed, err := d.sealer.Seal(plain, bound(table, key))
	if err != nil {
		return nil, fmt.Errorf("seal what goes into %s: %w", table, err)
	}
	return sealed, nil
}

// unseal is the reverse of seal.
func (d *Database) unseal(sealed []byte, table string, key ...string) ([]byte, error) {
	plain, err := d.sealer.Unseal(sealed, bound(table, key))
	if err != nil {
		return nil, fmt.Errorf("unseal what is in %s: %w", table, err)
	}
	return plain, nil
}

func bound(table string, key []string) []byte {
	return []byte(table + "\x00" + strings.Join(key, "\x00"))
}

// checkKeys seals a known value at the first opening and unseals it at every other.
func (d *Database) checkKeys(ctx context.Context) error {
	sealed, err := d.seal([]byte(keysValue), "meta", keysName)
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, "INSERT INTO meta (name, sealed) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", keysName, sealed); err != nil {
		return err
	}
	return d.sameKeys(ctx)
}

// sameKeys tells whether the keys at hand still open the store. After a rotation those of a process that was not given the new ones do not: what it
// sealed nobody else could open.
func (d *Database) sameKeys(ctx context.Context) error {
	var sealed []byte
	if _, err := d.one(ctx, "SELECT sealed FROM meta WHERE name = ?", []any{keysName}, &sealed); err != nil {
		return err
	}
	if plain, err := d.unseal(sealed, "meta", keysName); err != nil || string(plain) != keysValue {
		return ErrWrongKeys
	}
	return nil
}

// Sealed tells whether the database at the URL was opened with keys before, so that missing ones must be found and not made anew. It makes nothing.
func Sealed(ctx context.Context, url string) (bool, error) {
	db, dialect, err := connect(url, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	defer func() { _ = db.Close() }() // nothing was written
	d := &Database{db: db, dialect: dialect}
	var n int
	if _, err := d.one(ctx, dialect.hasTable, []any{"meta"}, &n); err != nil || n == 0 {
		return false, err
	}
	return d.one(ctx, "SELECT 1 FROM meta WHERE name = ?", []any{keysName}, &n)
}

// Reseal seals every row with the primary key, after a rotation, and tells how many. A row that is written meanwhile is taken as it then is. Once every
// worker has the new primary key and this is done, nothing needs the old one.
func (d *Database) Reseal(ctx context.Context) (int, error) {
	count := 0
	for _, table := range sealedTables {
		var keys [][]string
		err := d.all(ctx, "SELECT "+strings.Join(table.key, ", ")+" FROM "+table.name, nil, func(scan func(...any) error) error {
			key := make([]string, len(table.key))
			into := make([]any, len(key))
			for i := range key {
				into[i] = &key[i]
			}
			keys = append(keys, key)
			return scan(into...)
		})
		if err != nil {
			return count, err
		}
		where := " WHERE " + strings.Join(table.key, " = ? AND ") + " = ?"
		for _, key := range keys {
			done, err := d.resealRow(ctx, table.name, where, key)
			if err != nil {
				return count, fmt.Errorf("reseal %s: %w", strings.Join(key, " "), err)
			}
			if done {
				count++
			}
		}
	}
	return count, nil
}

// resealRow tells whether the row was still there.
func (d *Database) resealRow(ctx context.Context, table, where string, key []string) (bool, error) {
	args := make([]any, len(key))
	for i := range key {
		args[i] = key[i]
	}
	for {
		var old []byte
		if found, err := d.one(ctx, "SELECT sealed FROM "+table+where, args, &old); err != nil || !found {
			return false, err
		}
		plain, err := d.unseal(old, table, key...)
		if err != nil {
			return false, err
		}
		sealed, err := d.seal(plain, table, key...)
		if err != nil {
			return false, err
		}
		all := append(append([]any{sealed}, args...), old)
		if n, err := d.exec(ctx, "UPDATE "+table+" SET sealed = ?"+where+" AND sealed = ?", all...); err != nil || n > 0 {
			return n > 0, err
		}
	}
}
