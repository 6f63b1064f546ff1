package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/pinterest"
	"cutover/internal/service"
	"cutover/internal/store"
)

// openStore opens the store with its keys. It is a service.UsageError if they are not the right ones or cannot be read.
func openStore(ctx context.Context, cfg config.Worker) (*store.Database, error) {
	sealer, err := storeKeys(ctx, cfg)
	if err != nil {
		return nil, err
	}
	database, err := store.OpenDatabase(ctx, cfg.StoreURL, sealer, time.Now)
	switch {
	case errors.Is(err, store.ErrWrongKeys):
		return nil, service.Misused(inVariable(config.EnvStoreKeys, err))
	case err != nil:
		return nil, inVariable(config.EnvStoreURL, err)
	}
	return database, nil
}

// storeKeys reads the keys of the store, or makes them for one that was never sealed: a sealed one does not open with others.
func storeKeys(ctx context.Context, cfg config.Worker) (*keys.Keyset, error) {
	sealer, err := keys.Read(ctx, cfg.StoreKeys, cfg.StoreKMS)
	if err == nil {
		return sealer, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, service.Misused(inVariable(config.EnvStoreKeys, err))
	}
	sealed, sealedErr := store.Sealed(ctx, cfg.StoreURL)
	switch {
	case sealedErr != nil:
		return nil, inVariable(config.EnvStoreURL, sealedErr)
	case sealed:
		return nil, service.Misused(inVariable(config.EnvStoreKeys, fmt.Errorf("%w: the store was sealed with it; restore it from where it was kept", err)))
	}
	sealer, err = keys.Create(ctx, cfg.StoreKeys, cfg.StoreKMS)
	if errors.Is(err, fs.ErrExist) { // another worker was quicker
		sealer, err = keys.Read(ctx, cfg.StoreKeys, cfg.StoreKMS)
	}
	if err != nil {
		return nil, service.Misused(inVariable(config.EnvStoreKeys, err))
	}
	return sealer, nil
}

// grants has the redactor know every token that comes out of the store.
type grants struct {
	*store.Database

	redactor *engine.Redactor
}

func (g grants) Grant(ctx context.Context, o pinterest.Owner) (pinterest.Held, error) {
	return g.known(g.Database.Grant(ctx, o))
}

func (g grants) RenewGrant(ctx context.Context, o pinterest.Owner, due func(pinterest.Held) bool, refresh store.Refresh) (pinterest.Held, error) {
	return g.known(g.Database.RenewGrant(ctx, o, due, func(ctx context.Context, token string) (pinterest.Grant, error) {
		g.redactor.Add(token)
		return refresh(ctx, token)
	}))
}

func (g grants) known(held pinterest.Held, err error) (pinterest.Held, error) {
	for _, token := range []string{held.Grant.AccessToken, held.Grant.RefreshToken} {
		if token != "" {
			g.redactor.Add(token)
		}
	}
	return held, err
}

// links makes links to the reconnect page.
type links struct {
	database *store.Database
	redactor *engine.Redactor
	page     string // URL without a path
	lifetime time.Duration
	now      func() time.Time
}

// NewLink returns a link that opens the page for the organization once, until it expires.
func (l links) NewLink(ctx context.Context, playbook, organization string) (string, error) {
	token, err := l.database.NewLink(ctx, store.Link{Organization: organization, Playbook: playbook, ExpiresAt: l.now().Add(l.lifetime)})
	if err != nil {
		return "", fmt.Errorf("make a link to the reconnect page for %s: %w", organization, err)
	}
	l.redactor.Add(token)
	return l.page + "/l/" + token, nil
}
