package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

// pace is how the playbook's months are compressed. Everything else about the playbook is the same for both.
type pace struct {
	opening, reauthenticateBy, shutdown time.Duration // from the start
}

// A play lasts a minute; people who click need longer.
func paceOf(stay bool) pace {
	if stay {
		return pace{10 * time.Second, 10 * time.Minute, 20 * time.Minute}
	}
	return pace{5 * time.Second, 25 * time.Second, 45 * time.Second}
}

func (p pace) timeline(start time.Time) migration.Timeline {
	start = start.UTC().Truncate(time.Second)
	return migration.Timeline{Available: start.Add(p.opening), ReauthenticateBy: start.Add(p.reauthenticateBy), Shutdown: start.Add(p.shutdown)}
}

// playbookName is part of every workflow's id.
const playbookName = "rehearsal"

// playbook has the real one's form with instants of today, so that the emulated vendors switch at the very same ones.
func playbook(t migration.Timeline) string {
	return fmt.Sprintf(`name: %s
title: Pinterest v4 to v5, rehearsed
cards:
  old: {names: ["(Deprecating) Pinterest"]}
  new: {names: ["(New) Pinterest"]}
zone: UTC
dates:
  available: %s
  reauthenticate_by: %s
  shutdown: %s
reminders:
  before_reauthenticate_by: [10s, 5s]
  before_shutdown: [10s, 5s]
  after_shutdown_every: 10s
reauthentication:
  by_grant: true
  lease: 30d
  renew_before: 2s
  poll: 1s
cut_over:
  order: %s
  width: 3
  canary: true
verification:
  within: 15s
  poll: 1s
  sample: 100
  at_least: 20
  more_failed: 10
  at_partner: true
drift:
  audience_added: carry
  advertiser: block
rollback:
  on_failure: true
  within: 14d
  carry_back: carry
  no_way_back: ignore
watch:
  poll: 1s
links:
  accounts: https://experience.adobe.com/#/platform/destination/accounts
`, playbookName, migration.Instant(t.Available), migration.Instant(t.ReauthenticateBy), migration.Instant(t.Shutdown), migration.EnableFirst)
}

// cast gives every fate its organization.
func cast(timeline migration.Timeline) []*organization {
	var all []*organization
	for _, f := range fates() {
		name := strings.ToLower(f.company)
		o := &organization{fate: f, timeline: timeline, Organization: migration.Organization{
			ID: strings.ToUpper(f.company) + "@AdobeOrg", Name: f.company, Credential: name,
			Contacts: []string{"marketing@" + name + ".example"}, Language: f.language, ExpectedDataflows: f.expected,
		}}
		for _, sandbox := range f.sandboxes {
			o.Sandboxes = append(o.Sandboxes, sandbox.Name)
		}
		// A secret with letters that every encoding writes in its own way.
		o.client = stack.Credential{Name: name, Organization: o.ID, ClientID: "client-" + name, ClientSecret: "p8e-" + rand.Text() + "+/=&"}
		all = append(all, o)
	}
	return all
}

// aloneFolder holds the manifest of organizations that are not started with the others.
const aloneFolder = "alone"

// appID is the operator's own app at Pinterest.
const appID = "1500042"

// scenario is the vendors' world.
func scenario(all []*organization, timeline migration.Timeline, appSecret string) emulator.Scenario {
	s := emulator.Scenario{
		Stages:     emulator.Stages{CardsAvailable: emulator.At(timeline.Available), OldAPIClosed: emulator.At(timeline.Shutdown)},
		Migrations: []emulator.Cards{secondCards()},
		// Hours of flow runs are seconds here, and so is how long they are kept. A copy has its first one at once: the second playbook looks every half hour.
		Settings:  emulator.Settings{RunWindow: 2 * time.Second, RunRetention: time.Minute, ImmediateRuns: true, Latency: 20 * time.Millisecond, PatchedGrants: true},
		Pinterest: emulator.PinterestApp{ClientID: appID, ClientSecret: appSecret},
	}
	for _, o := range all {
		organization := emulator.Organization{
			ID: o.ID, Name: o.Name, ClientID: o.client.ClientID, ClientSecret: o.client.ClientSecret, Sandboxes: o.sandboxes,
		}
		if o.second {
			organization.Migration = secondName
		}
		s.Organizations = append(s.Organizations, organization)
		for _, fault := range o.faults {
			fault.Organization = o.ID
			s.Faults = append(s.Faults, fault)
		}
	}
	return s
}

// files are what the processes read.
type files struct {
	scenario, credentials, app string
	appSecret                  string
}

func writeWorld(dir string, all []*organization, timeline migration.Timeline) (files, error) {
	world := files{appSecret: "pinterest-app-" + rand.Text() + "+/=&"}
	var err error
	if world.scenario, err = stack.WriteScenario(dir, scenario(all, timeline, world.appSecret)); err != nil {
		return files{}, err
	}
	if world.app, err = stack.WritePinterestApp(dir, appID, world.appSecret); err != nil {
		return files{}, err
	}
	credentials := make([]stack.Credential, len(all))
	var organizations, second, alone []migration.Organization
	for i, o := range all {
		credentials[i] = o.client
		switch {
		case o.second:
			second = append(second, o.Organization)
		case o.alone:
			alone = append(alone, o.Organization)
		default:
			organizations = append(organizations, o.Organization)
		}
	}
	if world.credentials, err = stack.WriteCredentials(dir, credentials); err != nil {
		return files{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, playbookName+".yaml"), []byte(playbook(timeline)), 0o600); err != nil {
		return files{}, fmt.Errorf("write playbook: %w", err)
	}
	if _, err := stack.WriteManifest(dir, playbookName+".yaml", organizations); err != nil {
		return files{}, err
	}
	if err := os.Mkdir(filepath.Join(dir, aloneFolder), 0o700); err != nil {
		return files{}, fmt.Errorf("write manifest: %w", err)
	}
	if _, err := stack.WriteManifest(filepath.Join(dir, aloneFolder), filepath.Join("..", playbookName+".yaml"), alone); err != nil {
		return files{}, err
	}
	return world, writeSecond(dir, second, timeline)
}
