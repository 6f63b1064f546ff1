package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"go.temporal.io/api/common/v1"

	"cutover/test/invariants"
	"cutover/test/stack"
	"cutover/test/texts"
)

const (
	// batch is how many runs' texts are held in memory at a time.
	batch = 50
	// batchBytes is how much of files is, about.
	batchBytes = 256 << 20
	// readers of histories at one time.
	readers = 8
	// noticesFolder is where links to the page may stand.
	noticesFolder = "notices"
)

// leaks looks for every secret in everything that was kept.
func (p *play) leaks(ctx context.Context) ([]invariants.Violation, error) {
	secrets, err := p.secrets(ctx)
	if err != nil {
		return nil, err
	}
	look := func(of []invariants.Text) []invariants.Violation {
		return invariants.Of(invariants.NoLeak, invariants.Check(invariants.Facts{Secrets: secrets, Texts: of}))
	}
	paths := []string{p.temporal.Log, p.temporal.Database, p.store(), p.workers[0].Notices, p.workers[0].Reports, p.portal.Log}
	for _, w := range p.workers {
		paths = append(paths, w.Log)
	}
	found, err := p.leaksOfFiles(look, paths)
	if err != nil {
		return nil, err
	}
	runs, err := texts.Runs(ctx, p.engine, p.temporal.Namespace)
	if err != nil {
		return nil, err
	}
	if len(runs) < len(p.organizations) {
		return nil, fmt.Errorf("the engine lists %d workflows and %d were started", len(runs), len(p.organizations))
	}
	for some := range slices.Chunk(runs, batch) {
		told, err := p.told(ctx, some)
		if err != nil {
			return nil, err
		}
		found = append(found, look(told)...)
	}
	return found, nil
}

// secrets are all there are: what the vendors hold or ever issued, the organizations' credentials, the store's keys, and the links to the page, which
// stand in the notices.
func (p *play) secrets(ctx context.Context) ([]invariants.Secret, error) {
	issued, err := p.vendor.Secrets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the vendors' secrets: %w", err)
	}
	secrets := []invariants.Secret{{What: "the app's secret", Value: p.grants.appSecret}}
	for _, s := range issued {
		secrets = append(secrets, invariants.Secret{What: s.Kind + " of " + s.Organization, Value: s.Value})
	}
	for _, o := range p.organizations {
		secrets = append(secrets, invariants.Secret{What: "credential " + o.client.Name, Value: o.client.ClientSecret})
	}
	keys, err := os.ReadFile(p.keys()) //nolint:gosec // the workers', in a folder of this run
	if err != nil {
		return nil, fmt.Errorf("read the store's keys: %w", err)
	}
	for _, key := range regexp.MustCompile(`"value":\s*"([^"]+)"`).FindAllSubmatch(keys, -1) {
		secrets = append(secrets, invariants.Secret{What: "a key of the store", Value: string(key[1])})
	}
	notices, err := texts.OfFiles(p.dir, p.workers[0].Notices)
	if err != nil {
		return nil, err
	}
	for _, notice := range notices {
		for _, link := range stack.LinksIn(string(notice.Data)) {
			secrets = append(secrets, invariants.Secret{What: "a link of " + notice.Where, Value: path.Base(link), Home: noticesFolder})
		}
	}
	return secrets, nil
}

// leaksOfFiles looks through files and folders, not all of them in memory at one time. What a database throws away meanwhile is left out.
func (p *play) leaksOfFiles(look func([]invariants.Text) []invariants.Violation, paths []string) (found []invariants.Violation, err error) {
	var some []invariants.Text
	size := 0
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error { //nolint:gosec // in a folder of this run
			if errors.Is(err, fs.ErrNotExist) && path != root {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			kept, err := texts.OfFiles(p.dir, path)
			if errors.Is(err, fs.ErrNotExist) && path != root {
				return nil
			}
			for _, text := range kept {
				size += len(text.Data)
			}
			if some = append(some, kept...); size > batchBytes {
				found = append(found, look(some)...)
				some, size = nil, 0
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return append(found, look(some)...), nil
}

// told is what the engine tells of these runs.
func (p *play) told(ctx context.Context, runs []*common.WorkflowExecution) ([]invariants.Text, error) {
	var reading sync.WaitGroup
	parts := slices.Collect(slices.Chunk(runs, max(1, (len(runs)+readers-1)/readers)))
	all, errs := make([][]invariants.Text, len(parts)), make([]error, len(parts))
	for i, part := range parts {
		reading.Go(func() { all[i], errs[i] = texts.OfEngine(ctx, p.engine, part) })
	}
	reading.Wait()
	return slices.Concat(all...), errors.Join(errs...)
}
