// Package keys seals what must not be read where it is stored. The keys lie in one file for the worker's user alone; with a key management service
// the file itself is sealed, and the service is asked once, at the start.
package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keyset seals with its primary key and unseals with all of them. It shows the ids of its keys when printed or marshalled and nothing else. It is safe
// for concurrent use.
type Keyset struct {
	aead tink.AEAD
	keys []Key
}

// Key is one key as people see it. The id is no secret: it stands before everything that the key sealed.
type Key struct {
	ID string `json:"id"`
	// Primary is the key that seals; there is one.
	Primary bool `json:"primary"`
}

// Read returns the keys in the file at path. kms is the URL of the key that the file is sealed with, such as awskms:///alias/cutover?region=eu-west-1,
// or empty. For a file that is not there the error is fs.ErrNotExist.
func Read(ctx context.Context, path, kms string) (*Keyset, error) {
	handle, err := read(ctx, path, kms)
	if err != nil {
		return nil, err
	}
	return open(path, handle)
}

// Create makes a file with one new key. It never replaces one: the error is then fs.ErrExist.
func Create(ctx context.Context, path, kms string) (*Keyset, error) {
	handle, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate()) // its nonces are long enough to be drawn at random for ever
	if err != nil {
		return nil, fmt.Errorf("create keys %s: %w", path, err)
	}
	if err := write(ctx, path, kms, handle, create); err != nil {
		return nil, err
	}
	return open(path, handle)
}

func open(path string, handle *keyset.Handle) (*Keyset, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("keys file %s holds keys of another kind: give one that was made for this", path)
	}
	return &Keyset{aead: primitive, keys: list(handle)}, nil
}

func list(handle *keyset.Handle) []Key {
	info := handle.KeysetInfo()
	all := make([]Key, 0, len(info.GetKeyInfo()))
	for _, key := range info.GetKeyInfo() {
		all = append(all, Key{ID: spell(key.GetKeyId()), Primary: key.GetKeyId() == info.GetPrimaryKeyId()})
	}
	return all
}

func spell(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// Seal encrypts plain. context is authenticated and not stored: what is moved to where the context is another does not open.
func (k Keyset) Seal(plain, context []byte) ([]byte, error) {
	sealed, err := k.aead.Encrypt(plain, context)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Unseal is the reverse of Seal.
func (k Keyset) Unseal(sealed, context []byte) ([]byte, error) {
	plain, err := k.aead.Decrypt(sealed, context)
	if err != nil {
		return nil, errors.New("unseal: it was changed, moved or sealed with other keys")
	}
	return plain, nil
}

// Keys lists the keys.
func (k Keyset) Keys() []Key { return append([]Key(nil), k.keys...) }

// String tells the ids of the keys.
func (k Keyset) String() string {
	ids := make([]string, 0, len(k.keys))
	for _, key := range k.keys {
		if key.Primary {
			key.ID += " (primary)"
		}
		ids = append(ids, key.ID)
	}
	return "keys " + strings.Join(ids, ", ")
}

// GoString tells what String tells.
func (k Keyset) GoString() string { return k.String() }

// Format writes what String tells, whatever the verb.
func (k Keyset) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText writes what String tells, also into JSON.
func (k Keyset) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
