package main

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"

	"cutover/internal/engine"
	"cutover/internal/keys"
)

var (
	errNoKeys    = errors.New("this organization's workflow is encrypted: set " + engine.EnvCodecKeys)
	errOtherKeys = errors.New("this organization's workflow is encrypted, and not with the keys of " + engine.EnvCodecKeys + ": give the keys that the worker has")
)

// sealer is what payloads are encrypted with, nil if nothing is.
func (a *app) sealer(ctx context.Context) (engine.Sealer, error) {
	path := a.env.Getenv(engine.EnvCodecKeys)
	if path == "" {
		return nil, nil //nolint:nilnil // none is an answer
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout) // a key management service may be asked
	defer cancel()
	read, err := keys.Read(ctx, path, a.env.Getenv(engine.EnvCodecKMS))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", engine.EnvCodecKeys, err)
	}
	return read, nil
}

// locked tells whether a workflow that was started with this summary is encrypted, and not with the keys that are given.
func (c connection) locked(summary *commonpb.Payload) bool {
	var text string
	return engine.Sealed(summary) && engine.IsSealed(c.data.FromPayload(summary, &text))
}

// needKeys says what is missing to read a workflow.
func (c connection) needKeys() error {
	if c.keys {
		return errOtherKeys
	}
	return errNoKeys
}
