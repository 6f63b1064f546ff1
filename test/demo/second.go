package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/playbooks"
	"cutover/test/stack"
)

// secondName is the playbook of another migration that really was. It has a manifest of its own, in a folder of its own.
const (
	secondName   = "amazon-s3"
	secondFolder = "second"
)

// secondPlaybook is the fate of an organization that is carried by another playbook: the old side off first, nobody signs in, the operator approves.
func secondPlaybook() fate {
	sandboxes := prod("Daily audiences", "Weekly audiences")
	for i := range sandboxes[0].Dataflows {
		flow := &sandboxes[0].Dataflows[i]
		flow.Advertiser, flow.Params = "", emulator.Params{"bucketName": "exports", "path": "audiences"}
	}
	return fate{
		name: "second_playbook", company: "Willow", sandboxes: sandboxes, second: true,
		people: approveThePlan, outcome: migration.Migrated,
		check: oldOffFirst,
	}
}

func approveThePlan(ctx context.Context, o *organization) error { return o.follow(ctx, "is approved") }

// oldOffFirst checks that nothing was written before the operator's approval, and each old dataflow was off before its copy was on.
func oldOffFirst(o *organization, f found) error {
	status := f.status[o.ID]
	if len(status.Consents) != 1 {
		return fmt.Errorf("%d approvals", len(status.Consents))
	}
	for _, pair := range status.Pairs {
		off := f.first(o, func(e emulator.Entry) bool {
			return e.Kind == emulator.KindWrite && e.Op == "disable" && e.ID == pair.Old
		})
		on := f.first(o, func(e emulator.Entry) bool {
			return e.Kind == emulator.KindWrite && e.Op == "enable" && e.ID == pair.New
		})
		if off < 0 || on < off || f.facts.Ledger[off].At.Before(status.Consents[0].At) {
			return fmt.Errorf("dataflow %q was not first approved, then switched off and then on again on the new card", pair.Name)
		}
	}
	return nil
}

// secondCards are the two cards as Adobe prints their ids. Its accounts hold access keys, so nobody signs in again.
func secondCards() emulator.Cards {
	reauth := false
	return emulator.Cards{
		Name: secondName, Reauth: &reauth, Auth: emulator.AuthAccessKey,
		Old: emulator.Card{
			Name: "Amazon S3 (old)", ID: "4890fc95-5a1f-4983-94bb-e060c08e3f81", FlowSpecID: "71471eba-b620-49e4-90fd-23f1fa0174d8",
		},
		New: emulator.Card{
			Name: "Amazon S3", ID: "4fce964d-3f37-408f-9778-e597338a21ee", FlowSpecID: "1a0514a6-33d4-4c7f-aff8-594799c47549",
		},
	}
}

// writeSecond writes the second playbook, with a calendar of seconds, and its manifest.
func writeSecond(dir string, organizations []migration.Organization, t migration.Timeline) error {
	data, err := playbooks.FS.ReadFile(secondName + ".yaml")
	if err != nil {
		return fmt.Errorf("read playbook: %w", err)
	}
	dir = filepath.Join(dir, secondFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write playbook: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, secondName+".yaml"), redated(data, t), 0o600); err != nil {
		return fmt.Errorf("write playbook: %w", err)
	}
	_, err = stack.WriteManifest(dir, secondName+".yaml", organizations)
	return err
}

// calendar are the lines of a playbook that hold dates and the ladders before them.
var calendar = map[string]*regexp.Regexp{
	"available": regexp.MustCompile(`(?m)^  available: .*$`),
	"shutdown":  regexp.MustCompile(`(?m)^  shutdown: .*$`),
	"reminders": regexp.MustCompile(`(?m)^  before_shutdown: .*$`),
}

// redated is the playbook with a calendar of seconds, and nothing else changed.
func redated(playbook []byte, t migration.Timeline) []byte {
	playbook = calendar["available"].ReplaceAll(playbook, []byte("  available: "+migration.Instant(t.Available)))
	playbook = calendar["shutdown"].ReplaceAll(playbook, []byte("  shutdown: "+migration.Instant(t.Shutdown)))
	return calendar["reminders"].ReplaceAll(playbook, []byte("  before_shutdown: [10s, 5s]"))
}
