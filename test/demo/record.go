package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/encoding/protojson"
)

// manifest is where recorded histories come from. workflows/replay_test.go reads it.
type manifest struct {
	Commit    string            `json:"commit"`
	SDK       string            `json:"sdk"`
	Recorded  string            `json:"recorded"`
	Command   string            `json:"command"`
	Scenarios map[string]string `json:"scenarios"`
}

// record writes the history of every organization to dir, with a manifest. The histories of a replaced folder go.
func (p *play) record(ctx context.Context, dir string) error {
	commit, err := cleanCommit(ctx)
	if err != nil {
		return err
	}
	m := manifest{
		Commit: commit, SDK: temporal.SDKVersion, Recorded: time.Now().UTC().Format(time.DateOnly),
		Command: "go run ./test/demo --record workflows/testdata/replay", Scenarios: map[string]string{},
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	for _, o := range p.organizations {
		data, err := p.history(ctx, o)
		if err != nil {
			return err
		}
		m.Scenarios[o.name+".json"] = fmt.Sprintf("%s ends %s", o.name, o.outcome)
		if err := os.WriteFile(filepath.Join(dir, o.name+".json"), data, 0o600); err != nil {
			return fmt.Errorf("record %s: %w", o.name, err)
		}
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the manifest: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), append(data, '\n'), 0o600)
}

// history is an organization's history as JSON, without the names of this machine and its folders.
func (p *play) history(ctx context.Context, o *organization) ([]byte, error) {
	var history historypb.History
	events := p.engine.GetWorkflowHistory(ctx, o.workflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", o.ID, err)
		}
		history.Events = append(history.Events, event)
	}
	compact, err := protojson.Marshal(&history)
	if err != nil {
		return nil, fmt.Errorf("encode the history of %s: %w", o.ID, err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, "", " "); err != nil {
		return nil, fmt.Errorf("indent the history of %s: %w", o.ID, err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("learn this machine's name: %w", err)
	}
	return []byte(strings.ReplaceAll(text.String(), "@"+host+":", "@host:") + "\n"), nil
}

// cleanCommit is the commit that the histories are recorded from: one that others can check out.
func cleanCommit(ctx context.Context) (string, error) {
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", "*.go", "go.mod").Output()
	if err != nil {
		return "", fmt.Errorf("ask git what changed: %w", err)
	}
	if len(changed) > 0 {
		return "", fmt.Errorf("histories are recorded from a commit, and there are changes: %s", strings.Fields(string(changed))[1])
	}
	commit, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "", fmt.Errorf("ask git for the commit: %w", err)
	}
	return strings.TrimSpace(string(commit)), nil
}
