package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cutover/internal/emulator"
	"cutover/test/stack"
)

// playbookName is part of every workflow's id.
const playbookName = "chaos"

// playbookOf has the real one's form, with spans that a run of minutes meets. Its dates are days away: scripts move them.
func playbookOf(o *organization) string {
	within := o.within
	if within == "" {
		within = "10m"
	}
	return fmt.Sprintf(`name: %s
title: Pinterest v4 to v5, tormented
cards:
  old: {names: ["(Deprecating) Pinterest"]}
  new: {names: ["(New) Pinterest"]}
zone: UTC
dates:
  available: +0s
  reauthenticate_by: +2d
  shutdown: +4d
reminders:
  before_reauthenticate_by: [1d]
  before_shutdown: [1d]
  after_shutdown_every: 1d
reauthentication:
  by_grant: %t
  lease: 30d
  renew_before: 2s
  poll: 3s
cut_over:
  order: %s
  width: 3
  canary: %t
verification:
  within: %s
  poll: 1s
  sample: 100
  at_least: 20
  more_failed: 10
drift:
  audience_added: carry
  advertiser: block
rollback:
  on_failure: true
  within: 14d
  carry_back: carry
  no_way_back: ignore
links:
  accounts: https://experience.adobe.com/#/platform/destination/accounts
`, playbookName, o.grant != none, o.order, o.canary, within)
}

// latency is how long a vendor call takes.
const latency = 20 * time.Millisecond

// tokenLifetime has tokens end in the middle of the work.
const tokenLifetime = 45 * time.Second

// files are what the processes read.
type files struct {
	grants

	scenario, credentials string
}

// writeWorld writes what the processes read.
func writeWorld(dir string, all []*organization) (f files, err error) {
	s := emulator.Scenario{Settings: emulator.Settings{
		RunWindow: 2 * time.Second, RunRetention: time.Minute, ImmediateRuns: true, Latency: latency, TokenLifetime: tokenLifetime,
		OtherDataflows: 1, TotalRequestsPerSecond: workerCount * workerRPS,
	}}
	var clients []stack.Credential
	for _, o := range all {
		s.Organizations = append(s.Organizations, emulator.Organization{
			ID: o.ID, Name: o.Name, ClientID: o.client.ClientID, ClientSecret: o.client.ClientSecret, Sandboxes: o.sandboxes,
		})
		clients = append(clients, o.client)
	}
	if f.grants, err = writeApp(dir, &s); err != nil {
		return f, err
	}
	if f.scenario, err = stack.WriteScenario(dir, s); err != nil {
		return f, err
	}
	if err := os.MkdirAll(filepath.Join(dir, noticesFolder), 0o700); err != nil {
		return f, fmt.Errorf("make a folder for notices: %w", err)
	}
	f.credentials, err = stack.WriteCredentials(dir, clients)
	return f, err
}
