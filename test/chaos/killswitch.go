package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"cutover/internal/emulator"
	"cutover/test/stack"
	"cutover/workflows"
)

const (
	// inForce is when the kill switch holds, counted from the end of the command.
	inForce = time.Second
	// holdFor is how long it is left on.
	holdFor = 6 * time.Second
	// burst is how long writes are counted after it let go.
	burst = 5 * time.Second
	// switchShare of the organizations have begun to be carried over when it is thrown.
	switchShare = 3
)

// killSwitch is Temporal's own: the limit of the queue that all writes go through.
type killSwitch struct {
	mu      sync.Mutex
	enabled int // first enables that were seen

	on, off time.Time       // zero: it was not thrown
	begun   map[string]bool // organizations of whom an attempt was under way then: what has begun is finished
	held    int             // activities that waited for the release
	last    time.Duration   // of the writes that were begun before it was in force
	ended   time.Duration   // of the writes of attempts that were under way
	late    []emulator.Entry
	after   int // writes within burst of the release
}

func (k *killSwitch) see(e emulator.Entry) {
	if written(e) && e.Applied && e.Op == "enable" {
		k.mu.Lock()
		k.enabled++
		k.mu.Unlock()
	}
}

func (k *killSwitch) due(orgs int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.enabled > orgs/switchShare
}

// watchSwitch throws the kill switch once, in the middle of the work, and lets go again. Nothing is killed meanwhile: what is held is to be its doing.
func (p *play) watchSwitch(ctx context.Context) {
	for !p.killed.due(len(p.organizations)) {
		if pause(ctx, lookEvery) != nil {
			return
		}
	}
	p.adversary.mu.Lock()
	defer p.adversary.mu.Unlock()
	err := p.limit(ctx, "0")
	on := time.Now()
	begun, _ := p.writing(ctx)
	if err == nil {
		err = pause(ctx, holdFor)
	}
	_, held := p.writing(ctx)
	off := time.Now()
	err = errors.Join(err, p.limit(context.WithoutCancel(ctx), "default"))
	if err != nil && ctx.Err() == nil {
		p.adversary.err = errors.Join(p.adversary.err, fmt.Errorf("throw the kill switch: %w", err))
		return
	}
	p.killed.mu.Lock()
	defer p.killed.mu.Unlock()
	p.killed.on, p.killed.off, p.killed.begun, p.killed.held = on, off, begun, held
	fmt.Fprintf(p.out, "%s  the kill switch was on for %s\n", p.clock(), off.Sub(on).Round(100*time.Millisecond))
}

// limit sets how many writes are begun per second, by the command that the operating guide names.
func (p *play) limit(ctx context.Context, perSecond string) error {
	path := os.Getenv(stack.EnvTemporalCLI)
	if path == "" {
		root, err := stack.ModuleRoot()
		if err != nil {
			return err
		}
		path = filepath.Join(root, ".bin", "temporal")
	}
	cmd := exec.CommandContext(ctx, path, "task-queue", "config", "set", "--task-queue", workflows.WritesTaskQueue, "--task-queue-type", "activity", //nolint:gosec // the path is the developer's own setting
		"--queue-rps-limit", perSecond, "--queue-rps-limit-reason", "rehearsal", "--address", p.temporal.Address, "--namespace", p.temporal.Namespace)
	cmd.Env = append(os.Environ(), "TEMPORAL_ENV_FILE="+filepath.Join(p.dir, "none.yaml"), "TEMPORAL_CONFIG_FILE="+filepath.Join(p.dir, "none.toml"))
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("temporal task-queue config set: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// writing looks which organizations have an attempt at a write under way, and how many wait to begin one.
func (p *play) writing(ctx context.Context) (begun map[string]bool, waiting int) {
	begun = map[string]bool{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, o := range p.organizations {
		status := o.latest.Load()
		if status == nil || status.Phase.Done() {
			continue
		}
		asking.Go(func() {
			asked, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			described, err := p.engine.DescribeWorkflowExecution(asked, o.workflowID(), "")
			if err != nil {
				return // whoever cannot be asked has nothing to excuse it
			}
			mu.Lock()
			defer mu.Unlock()
			for _, pending := range described.GetPendingActivities() {
				switch writes := slices.Contains([]string{"SwitchPair", "RollBackPair"}, pending.GetActivityType().GetName()); {
				case writes && pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED:
					begun[o.ID] = true
				case writes:
					waiting++
				}
			}
		})
	}
	asking.Wait()
	return begun, waiting
}

// measure finds the last write that began before the release, and those that began too late.
func (k *killSwitch) measure(ledger []emulator.Entry, delays map[string]time.Duration) {
	if k.on.IsZero() {
		return
	}
	for _, e := range ledger {
		if !written(e) {
			continue
		}
		began := e.At
		if e.Answered {
			began = began.Add(-delays[e.Fault]) // a write that is delayed is in the ledger when it is done, or when its caller goes
		}
		switch {
		case began.After(k.off) && began.Before(k.off.Add(burst)):
			k.after++
		case began.Before(k.on) || began.After(k.off):
		case k.begun[e.Organization]:
			k.ended = max(k.ended, began.Sub(k.on))
		default:
			k.last = max(k.last, began.Sub(k.on))
			if began.Sub(k.on) > inForce {
				k.late = append(k.late, e)
			}
		}
	}
}
