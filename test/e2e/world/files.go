package world

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
)

// Organization is a company with dataflows to the old card, in one sandbox.
type Organization struct {
	Name      string
	Accounts  []string // default: one
	Dataflows []Dataflow
}

// Dataflow exports one audience of its own name.
type Dataflow struct {
	Name    string
	Account string // default: the only one
}

// Sandbox is where every organization keeps its dataflows.
const Sandbox = "prod"

// Company is an organization with one account and dataflows of these names; with none it is not affected by the migration.
func Company(name string, dataflows ...string) Organization {
	o := Organization{Name: name, Accounts: []string{name + " Ads"}}
	for _, dataflow := range dataflows {
		o.Dataflows = append(o.Dataflows, Dataflow{Name: dataflow})
	}
	return o
}

// ID is the organization's id at Adobe.
func (o Organization) ID() string { return o.Name + "@AdobeOrg" }

func (o Organization) client() string { return strings.ToLower(o.Name) }

func (o Organization) sandbox() emulator.Sandbox {
	s := emulator.Sandbox{Name: Sandbox}
	for _, name := range o.Accounts {
		s.Accounts = append(s.Accounts, emulator.Account{Name: name})
	}
	for _, d := range o.Dataflows {
		s.Dataflows = append(s.Dataflows, emulator.Dataflow{
			Name: d.Name, Account: d.Account, Advertiser: "549755885175", Audiences: []emulator.Audience{{Name: d.Name}},
		})
	}
	return s
}

const (
	playbookFile = "playbook.yaml"
	// playbook has days to spare before each date, and polls for sign-ins so seldom that only a signal is fast.
	playbook = `name: pinterest-v5
title: Pinterest v4 to v5
cards:
  old: {names: ["(Deprecating) Pinterest"]}
  new: {names: ["(New) Pinterest"]}
zone: UTC
dates:
  available: +0s
  reauthenticate_by: +29d
  shutdown: +63d
reminders:
  before_reauthenticate_by: [14d, 7d, 3d, 1d]
  before_shutdown: [14d, 7d, 3d, 1d]
  after_shutdown_every: 7d
reauthentication:
  lease: 30d
  poll: 15m
cut_over:
  order: enable-first
  width: 3
verification:
  within: 1m
  poll: 1s
links:
  accounts: https://experience.adobe.com/#/platform/destination/accounts
`
	// runWindow has the copies' first flow runs come within seconds.
	runWindow = time.Second
	// runRetention keeps what is read of the old dataflows' runs to a page.
	runRetention = 20 * time.Second
)

// files are what the processes read.
type files struct {
	scenario, credentials string
	playbook              migration.Playbook
}

// AppID and AppSecret are those of the operator's own app at Pinterest.
const (
	AppID     = "1500042"
	AppSecret = "pinterest-app-canary-7Q2+/=&x"
)

func writeFiles(dir string, options Options) (files, error) {
	playbook := playbook + options.Rules
	if options.Portal {
		playbook = strings.Replace(playbook, "reauthentication:\n", "reauthentication:\n  by_grant: true\n", 1)
	}
	scenario := emulator.Scenario{
		Settings:  emulator.Settings{RunWindow: runWindow, RunRetention: runRetention, PatchedGrants: options.Portal},
		Pinterest: emulator.PinterestApp{ClientID: AppID, ClientSecret: AppSecret},
	}
	var credentials []stack.Credential
	var organizations []migration.Organization
	for _, o := range options.Organizations {
		c := stack.Credential{Name: o.client(), Organization: o.ID(), ClientID: o.client() + "-client", ClientSecret: o.client() + "-secret"}
		credentials = append(credentials, c)
		scenario.Organizations = append(scenario.Organizations, emulator.Organization{
			ID: o.ID(), Name: o.Name, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Sandboxes: []emulator.Sandbox{o.sandbox()},
		})
		organizations = append(organizations, migration.Organization{
			ID: o.ID(), Name: o.Name, Sandboxes: []string{Sandbox}, Contacts: []string{"marketing@" + o.client() + ".example"}, Credential: c.Name,
		})
	}
	var f files
	var err error
	if f.playbook, err = migration.ParsePlaybook(playbookFile, []byte(playbook), time.Now()); err != nil {
		return f, err
	}
	if err := os.WriteFile(filepath.Join(dir, playbookFile), []byte(playbook), 0o600); err != nil {
		return f, fmt.Errorf("write the playbook: %w", err)
	}
	if f.scenario, err = stack.WriteScenario(dir, scenario); err != nil {
		return f, err
	}
	if f.credentials, err = stack.WriteCredentials(dir, credentials); err != nil {
		return f, err
	}
	_, err = stack.WriteManifest(dir, playbookFile, organizations)
	return f, err
}
