package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/notify"
	"cutover/test/invariants"
	"cutover/test/stack"
	"cutover/test/texts"
)

// found is everything that a play left behind.
type found struct {
	facts   invariants.Facts
	status  map[string]migration.Status // the last one of each organization
	notices []notify.Notice
	missed  map[string][]migration.Missed // by organization, as its evidence says
	events  map[string]int64
}

// any tells whether a ledger entry of the organization is such a one.
func (f found) any(o *organization, such func(emulator.Entry) bool) bool {
	return f.first(o, such) >= 0
}

// first is the place in the ledger of the organization's first entry that is such a one, or -1.
func (f found) first(o *organization, such func(emulator.Entry) bool) int {
	return slices.IndexFunc(f.facts.Ledger, func(e emulator.Entry) bool { return e.Organization == o.ID && such(e) })
}

// gather collects what the invariants are checked against, from everything that still runs and everything that was written.
func (p *play) gather(ctx context.Context, w *watched) (found, error) {
	f := found{status: map[string]migration.Status{}, events: w.events}
	f.facts.Order, f.facts.Samples = migration.EnableFirst, w.samples
	var err error
	if f.facts.Ledger, err = p.vendor.Ledger(ctx, 0); err != nil {
		return f, fmt.Errorf("read the ledger: %w", err)
	}
	for _, o := range p.organizations {
		if last := o.latest.Load(); last != nil {
			f.status[o.ID] = *last
		}
		f.facts.Organizations = append(f.facts.Organizations, invariants.Organization{
			ID: o.ID, Ended: w.ended[o.ID], Status: f.status[o.ID], Questions: w.questions[o.ID],
			Want: invariants.Want{Outcome: o.outcome, Flows: o.want(f.facts.Ledger)},
		})
	}
	secrets, err := p.vendor.Secrets(ctx)
	if err != nil {
		return f, fmt.Errorf("read the vendors' secrets: %w", err)
	}
	for _, s := range secrets {
		f.facts.Secrets = append(f.facts.Secrets, invariants.Secret{What: s.Kind + " of " + s.Organization, Value: s.Value})
	}
	for _, o := range p.organizations {
		f.facts.Secrets = append(f.facts.Secrets, invariants.Secret{What: "credential " + o.client.Name, Value: o.client.ClientSecret})
	}
	own, err := p.ownSecrets()
	if err != nil {
		return f, err
	}
	f.facts.Secrets = append(f.facts.Secrets, own...)
	kept, err := p.kept()
	if err != nil {
		return f, err
	}
	told, err := p.told(ctx)
	if err != nil {
		return f, err
	}
	f.facts.Texts = slices.Concat(kept, told)
	if f.notices, err = p.notices(); err != nil {
		return f, err
	}
	f.missed, err = p.missed()
	return f, err
}

// want is how the organization's dataflows must stand at the end: each that ran on the old card runs on the new one, but those that stay.
func (o *organization) want(ledger []emulator.Entry) map[string]migration.DataflowState {
	names := map[string]bool{}
	for _, sandbox := range o.sandboxes {
		for _, flow := range sandbox.Dataflows {
			names[flow.Name] = slices.Contains(o.stays, flow.Name)
		}
	}
	want := map[string]migration.DataflowState{}
	first := map[string]string{}
	for _, e := range ledger {
		if e.Organization != o.ID || e.Entity != "flow" || e.Op != "initial" || first[e.ID] != "" {
			continue
		}
		first[e.ID] = e.After
		want[e.ID] = migration.DataflowState(e.After)
	}
	if o.outcome == migration.NotAffected {
		return want
	}
	stays := map[string]bool{} // originals, by id
	if status := o.latest.Load(); status != nil {
		for _, pair := range status.Pairs {
			stays[pair.Old] = names[pair.Name]
		}
	}
	for _, e := range ledger {
		if e.Organization == o.ID && e.Entity == "flow" && e.Op == "initial" && e.Origin != "" && first[e.Origin] == string(migration.Enabled) && !stays[e.Origin] {
			want[e.Origin], want[e.ID] = migration.Disabled, migration.Enabled
			if o.deleted {
				want[e.Origin] = "deleted"
			}
		}
	}
	return want
}

// ownSecrets are those that the product made, or that only its operator has. A link belongs into the notice that it was made for.
func (p *play) ownSecrets() ([]invariants.Secret, error) {
	secrets := []invariants.Secret{{What: "the app's secret", Value: p.appSecret}}
	var keys struct {
		Key []struct {
			KeyData struct {
				Value string `json:"value"`
			} `json:"keyData"`
		} `json:"key"`
	}
	data, err := os.ReadFile(filepath.Join(p.dir, "cutover-keys.json"))
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if err := json.Unmarshal(data, &keys); err != nil || len(keys.Key) == 0 {
		return nil, fmt.Errorf("read the keys: the file holds none: %w", err)
	}
	for _, key := range keys.Key {
		secrets = append(secrets, invariants.Secret{What: "a key of the store", Value: key.KeyData.Value})
	}
	notices, err := p.notices()
	if err != nil {
		return nil, err
	}
	for _, notice := range notices {
		for _, link := range stack.LinksIn(notice.Text) {
			secrets = append(secrets, invariants.Secret{What: "a link", Value: path.Base(link), Home: filepath.Base(p.worker.Notices)})
		}
	}
	return secrets, nil
}

// store is the file of the worker's and the portal's database.
func (p *play) store() string { return filepath.Join(p.dir, "cutover.db") }

// kept are the files that outlive a run: logs, what commands printed, notices, reports, and the databases.
func (p *play) kept() ([]invariants.Text, error) {
	return texts.OfFiles(p.dir, p.worker.Log, p.portal.Log, p.commandLog(), p.temporal.Log, p.temporal.Database, p.store(), p.worker.Notices, p.worker.Reports)
}

// told is what the engine tells whoever may look.
func (p *play) told(ctx context.Context) ([]invariants.Text, error) {
	runs, err := texts.Runs(ctx, p.engine, p.temporal.Namespace)
	if err != nil {
		return nil, err
	}
	if len(runs) < len(p.organizations) {
		return nil, fmt.Errorf("the engine lists %d workflows and %d were started", len(runs), len(p.organizations))
	}
	return texts.OfEngine(ctx, p.engine, runs)
}

// notices are the notices that were delivered.
func (p *play) notices() ([]notify.Notice, error) {
	entries, err := os.ReadDir(p.worker.Notices)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	var all []notify.Notice
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(p.worker.Notices, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read notices: %w", err)
		}
		var notice notify.Notice
		if err := json.Unmarshal(data, &notice); err != nil {
			return nil, fmt.Errorf("read notice %s: %w", entry.Name(), err)
		}
		all = append(all, notice)
	}
	return all, nil
}

// missed is what each organization's evidence says was not delivered.
func (p *play) missed() (map[string][]migration.Missed, error) {
	all := map[string][]migration.Missed{}
	for _, o := range p.organizations {
		path := filepath.Join(p.worker.Reports, o.playbookName(), strings.ReplaceAll(o.ID, "@", "_at_"), "evidence.json")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has not ended, which is found out elsewhere
		}
		if err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		var evidence struct {
			Missed []migration.Missed `json:"missed"`
		}
		if err := json.Unmarshal(data, &evidence); err != nil {
			return nil, fmt.Errorf("read the evidence of %s: %w", o.ID, err)
		}
		all[o.ID] = evidence.Missed
	}
	return all, nil
}
