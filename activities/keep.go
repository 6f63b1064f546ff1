package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"cutover/internal/migration"
)

// Files that are kept about an organization beside its evidence.
const (
	baseFile     = "base.json"     // migration.Base
	baselineFile = "baseline.json" // migration.Baseline by copy
)

// base is what was first seen of an organization; nil if nothing was kept.
func (a *Activities) base(ctx context.Context, playbook, organization string) (*migration.Base, error) {
	var base migration.Base
	found, err := a.get(ctx, playbook, organization, baseFile, &base)
	if err != nil || !found {
		return nil, err
	}
	return &base, nil
}

// measured is what copies are judged by; empty if nothing was kept.
func (a *Activities) measured(ctx context.Context, playbook, organization string) (map[string]migration.Baseline, error) {
	kept := map[string]migration.Baseline{}
	_, err := a.get(ctx, playbook, organization, baselineFile, &kept)
	return kept, err
}

// put keeps a value about an organization as JSON.
func (a *Activities) put(ctx context.Context, playbook, organization, file string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s of %s: %w", file, organization, err)
	}
	_, err = a.Reports.Put(ctx, fileName(playbook, organization, file), append(data, '\n'))
	return err
}

// get reads what put kept, and tells whether there was anything.
func (a *Activities) get(ctx context.Context, playbook, organization, file string, into any) (bool, error) {
	data, err := a.Reports.Get(ctx, fileName(playbook, organization, file))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return false, brokenFile{fileName(playbook, organization, file), err}
	}
	return true, nil
}

func fileName(playbook, organization, file string) string {
	return playbook + "/" + strings.ReplaceAll(organization, "@", "_at_") + "/" + file
}

// brokenFile says that a kept file cannot be read: to go on without it would be to guess.
type brokenFile struct {
	name  string
	cause error
}

func (e brokenFile) Error() string {
	return fmt.Sprintf("%s among the reports cannot be read (%v); restore it, or move it away to begin with what is seen now", e.name, e.cause)
}

// Misconfigured makes the error one that repeating does not mend.
func (brokenFile) Misconfigured() bool { return true }
