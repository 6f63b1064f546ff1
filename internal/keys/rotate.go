package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// ErrPrimary says that the key that seals cannot be removed.
var ErrPrimary = errors.New("it is the primary key: promote another first, and reseal the store")

// ErrUnknownKey says that the file has no such key.
var ErrUnknownKey = errors.New("there is no such key")

// A rotation without a pause: Add, give every worker the file; Promote, give every worker the file; reseal the store; Remove.

// Add puts a new key beside the others. It unseals, and does not seal before it is promoted.
func Add(ctx context.Context, path, kms string) (id string, err error) {
	err = change(ctx, path, kms, func(keys *keyset.Manager) error {
		added, err := keys.Add(aead.XChaCha20Poly1305KeyTemplate())
		id = spell(added)
		if err != nil {
			return fmt.Errorf("draw it: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("add a key: %w", err)
	}
	return id, nil
}

// Promote makes a key the one that seals.
func Promote(ctx context.Context, path, kms, id string) error {
	err := change(ctx, path, kms, func(keys *keyset.Manager) error {
		number, _, err := find(keys, id)
		if err != nil {
			return err
		}
		return keys.SetPrimary(number)
	})
	if err != nil {
		return fmt.Errorf("promote key %q: %w", id, err)
	}
	return nil
}

// Remove takes a key away for good: what is still sealed with it does not open any more. It refuses the primary (ErrPrimary).
func Remove(ctx context.Context, path, kms, id string) error {
	err := change(ctx, path, kms, func(keys *keyset.Manager) error {
		number, key, err := find(keys, id)
		switch {
		case err != nil:
			return err
		case key.Primary:
			return ErrPrimary
		}
		return keys.Delete(number)
	})
	if err != nil {
		return fmt.Errorf("remove key %q: %w", id, err)
	}
	return nil
}

// change rewrites the file. Two at once would lose one's change: that is for one operator at a time.
func change(ctx context.Context, path, kms string, edit func(*keyset.Manager) error) error {
	handle, err := read(ctx, path, kms)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := edit(manager); err != nil {
		return fmt.Errorf("keys file %s: %w", path, err)
	}
	if handle, err = manager.Handle(); err != nil {
		return fmt.Errorf("keys file %s: %w", path, err)
	}
	return write(ctx, path, kms, handle, replace)
}

func find(manager *keyset.Manager, id string) (uint32, Key, error) {
	handle, err := manager.Handle()
	if err != nil {
		return 0, Key{}, fmt.Errorf("find a key: %w", err)
	}
	all := list(handle)
	i := slices.IndexFunc(all, func(key Key) bool { return key.ID == id })
	number, err := strconv.ParseUint(id, 10, 32)
	if i < 0 || err != nil {
		return 0, Key{}, ErrUnknownKey
	}
	return uint32(number), all[i], nil
}
