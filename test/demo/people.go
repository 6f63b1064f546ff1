package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/stack"
	"cutover/workflows"
)

// organization is one organization in the play, with what its people can do.
type organization struct {
	fate
	migration.Organization

	timeline migration.Timeline
	client   stack.Credential
	latest   atomic.Pointer[migration.Status] // what its workflow said last
	play     *play
}

// Who deeds are recorded for.
const (
	operator = "ops"
	customer = "marketing"
)

// playbookName is the playbook that the organization is carried by.
func (o *organization) playbookName() string {
	if o.second {
		return secondName
	}
	return playbookName
}

func (o *organization) workflowID() string { return workflows.WorkflowID(o.playbookName(), o.ID) }

// starter is the operator's command, run where the organization's manifest is.
func (o *organization) starter() stack.Starter {
	switch {
	case o.second:
		return o.play.second
	case o.alone:
		return o.play.alone
	}
	return o.play.starter
}

// Instants of the timeline that people live by.
func onOpening(t migration.Timeline) time.Time          { return t.Available }
func onReauthenticateBy(t migration.Timeline) time.Time { return t.ReauthenticateBy }
func onShutdown(t migration.Timeline) time.Time         { return t.Shutdown }

type script = func(ctx context.Context, o *organization) error

func nobody(context.Context, *organization) error { return nil }

// afterwards has people act a while after an instant of the timeline.
func afterwards(from func(migration.Timeline) time.Time, wait time.Duration, act func(*organization, context.Context) error) script {
	return func(ctx context.Context, o *organization) error {
		if err := o.until(ctx, from(o.timeline).Add(wait)); err != nil {
			return err
		}
		return act(o, ctx)
	}
}

// late has people act after a deadline, as soon as the workflow shows that it passed.
func late(deadline func(migration.Timeline) time.Time, stage migration.Stage) script {
	return afterwards(deadline, 0, func(o *organization, ctx context.Context) error {
		_, err := o.await(ctx, "the stage "+string(stage), func(s migration.Status) bool { return s.Phase == migration.AwaitingReauth && s.Stage == stage })
		if err != nil {
			return err
		}
		return o.signInAndSay(ctx)
	})
}

// until waits for an instant: people act by the calendar.
func (o *organization) until(ctx context.Context, at time.Time) error {
	return stack.Pause(ctx, time.Until(at))
}

// await waits until the organization's workflow says something.
func (o *organization) await(ctx context.Context, what string, said func(migration.Status) bool) (migration.Status, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		status := o.latest.Load()
		if status != nil && said(*status) {
			return *status, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return migration.Status{}, fmt.Errorf("waited for %s; last it was %s: %w", what, describe(status), context.Cause(ctx))
		}
	}
}

// lookEvery is how often people look at what they wait for.
const lookEvery = 50 * time.Millisecond

func describe(s *migration.Status) string {
	if s == nil {
		return "silent"
	}
	parts := []string{string(s.Phase)}
	for _, w := range s.Waits {
		parts = append(parts, "waits on "+w.Who+": "+w.What)
	}
	return strings.Join(parts, "; ")
}

// command waits until the workflow asks for something and gives the command that it names for it.
func (o *organization) command(ctx context.Context, about string) (string, error) {
	var command string
	_, err := o.await(ctx, fmt.Sprintf("a command about %q", about), func(s migration.Status) bool {
		for _, w := range s.Waits {
			if strings.Contains(w.What, about) && w.Command != "" {
				command = w.Command
				return true
			}
		}
		return false
	})
	return command, err
}

// follow types what the workflow says should be typed about something.
func (o *organization) follow(ctx context.Context, about string) error {
	command, err := o.command(ctx, about)
	if err != nil {
		return err
	}
	return o.enter(ctx, command)
}

// answer types what the workflow says should be typed about something, with one of the answers that it leaves to choose from.
func (o *organization) answer(ctx context.Context, about string, answer migration.Answer) error {
	command, err := o.command(ctx, about)
	if err != nil {
		return err
	}
	args := strings.Fields(command)
	choices := slices.Index(args, "--answer") + 1
	if choices == 0 || !slices.Contains(strings.Split(args[choices], "|"), string(answer)) {
		return fmt.Errorf("%q leaves no answer %q", command, answer)
	}
	args[choices] = string(answer)
	return o.enter(ctx, strings.Join(args, " "))
}

// refused types a command that must be refused.
func (o *organization) refused(ctx context.Context, args ...string) error {
	answer, err := o.starter().Run(ctx, append(args, "-o", "json")...)
	if err != nil {
		return err
	}
	o.play.note(answer)
	if kind := failure(answer); kind != "refused" {
		return fmt.Errorf("starter %s: %s, and not refused: %s", strings.Join(args, " "), kind, strings.TrimSpace(answer.Stderr))
	}
	return nil
}

// enter types a command of the operator, as a process. While no worker runs the starter says so, and people try again.
func (o *organization) enter(ctx context.Context, command string) error {
	args := strings.Fields(strings.ReplaceAll(command, "NAME", operator))
	if len(args) == 0 || args[0] != "starter" {
		return fmt.Errorf("%q is no command of the starter", command)
	}
	return o.typed(ctx, args[1:]...)
}

func (o *organization) typed(ctx context.Context, args ...string) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		answer, err := o.starter().Run(ctx, append(args, "-o", "json")...)
		if err != nil {
			return err
		}
		o.play.note(answer)
		if answer.Code == 0 {
			return nil
		}
		if !later(answer) {
			return fmt.Errorf("starter %s: exit code %d: %s", strings.Join(args, " "), answer.Code, strings.TrimSpace(answer.Stderr))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("starter %s: %s: %w", strings.Join(args, " "), strings.TrimSpace(answer.Stderr), context.Cause(ctx))
		}
	}
}

// later tells whether a command failed for something that passes.
func later(answer stack.Answer) bool {
	kind := failure(answer)
	return kind == "no_worker" || kind == "unreachable"
}

// failure is the kind of failure that a command told of; empty if it told of none.
func failure(answer stack.Answer) string {
	var told struct {
		Error struct {
			Kind string `json:"kind"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(answer.Stdout), &told) != nil {
		return ""
	}
	return told.Error.Kind
}

// signIn has the customer reconnect every account that the workflow waits for.
func (o *organization) signIn(ctx context.Context) error {
	status, err := o.await(ctx, "accounts to sign in to", func(s migration.Status) bool { return len(s.Accounts) > 0 })
	if err != nil {
		return err
	}
	for _, account := range status.Accounts {
		if err := o.reconnect(ctx, account, emulator.Reconnection{}); err != nil {
			return err
		}
	}
	return nil
}

func (o *organization) reconnect(ctx context.Context, a migration.AccountState, how emulator.Reconnection) error {
	how.By = customer
	return o.play.vendor.Reconnect(ctx, o.ID, a.Sandbox, a.ID, how)
}

// say has the customer's contact claim the sign-in to every account that is waited for.
func (o *organization) say(ctx context.Context) error {
	status, err := o.await(ctx, "accounts to sign in to", func(s migration.Status) bool { return len(s.Accounts) > 0 })
	if err != nil {
		return err
	}
	for _, account := range status.Accounts {
		if err := o.claim(ctx, account.ID); err != nil {
			return err
		}
	}
	return nil
}

// claim types the command that the workflow names for an account, unless polling was faster.
func (o *organization) claim(ctx context.Context, account string) error {
	var command string
	_, err := o.await(ctx, "the account "+account, func(s migration.Status) bool {
		for _, w := range s.Waits {
			if strings.Contains(w.What, account) {
				command = w.Command
				return true
			}
		}
		return s.Phase.Done() || slices.ContainsFunc(s.Accounts, func(a migration.AccountState) bool { return a.ID == account && a.Verified })
	})
	if err != nil || command == "" {
		return err
	}
	return o.enter(ctx, command)
}

func (o *organization) signInAndSay(ctx context.Context) error {
	if err := o.signIn(ctx); err != nil {
		return err
	}
	return o.say(ctx)
}

// account is the account of this name, as soon as the workflow knows it.
func (o *organization) account(ctx context.Context, name string) (migration.AccountState, error) {
	var account migration.AccountState
	_, err := o.await(ctx, "account "+name, func(s migration.Status) bool {
		i := slices.IndexFunc(s.Accounts, func(a migration.AccountState) bool { return a.Name == name })
		if i >= 0 {
			account = s.Accounts[i]
		}
		return i >= 0
	})
	return account, err
}

// signInTo has one account reconnected and claimed.
func (o *organization) signInTo(ctx context.Context, name string) error {
	account, err := o.account(ctx, name)
	if err != nil {
		return err
	}
	if err := o.reconnect(ctx, account, emulator.Reconnection{}); err != nil {
		return err
	}
	return o.claim(ctx, account.ID)
}

// carried tells that every pair of an account runs on the new card and was verified.
func carried(account string) func(migration.Status) bool {
	return func(s migration.Status) bool {
		some := false
		for _, pair := range s.Pairs {
			if pair.Account != account {
				continue
			}
			if pair.Progress != migration.Verified {
				return false
			}
			some = true
		}
		return some
	}
}

// oneAccountAfterTheOther: the first account's dataflows do not wait for the second.
func oneAccountAfterTheOther(ctx context.Context, o *organization) error {
	if err := o.signInTo(ctx, "Brand"); err != nil {
		return err
	}
	brand, err := o.account(ctx, "Brand")
	if err != nil {
		return err
	}
	if _, err := o.await(ctx, "the dataflows of the first account", carried(brand.ID)); err != nil {
		return err
	}
	return o.signInTo(ctx, "Agency")
}

// sayFirstSignInLater: a claim is looked at, not believed.
func sayFirstSignInLater(ctx context.Context, o *organization) error {
	if err := o.say(ctx); err != nil {
		return err
	}
	_, err := o.await(ctx, "the false claim to be refused", func(s migration.Status) bool {
		return len(s.Accounts) > 0 && s.Accounts[0].Note != "" && !s.Accounts[0].Verified && s.Accounts[0].ClaimedBy == "" && len(s.Deeds) > 0
	})
	if err != nil {
		return err
	}
	return afterwards(onOpening, 8*time.Second, (*organization).signInAndSay)(ctx, o)
}

// settleThePair: two old dataflows look the same.
func settleThePair(ctx context.Context, o *organization) error {
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if _, err := o.await(ctx, "the operator to be asked", func(s migration.Status) bool { return s.Phase == migration.NeedsAttention }); err != nil {
		return err
	}
	return o.pairAsCopied(ctx)
}

// pairAsCopied: the operator, who can see which is which, says which dataflow is the copy that is asked for.
func (o *organization) pairAsCopied(ctx context.Context) error {
	command, err := o.command(ctx, "which dataflow is the copy of")
	if err != nil {
		return err
	}
	args := strings.Fields(command)
	old, choice := slices.Index(args, "--old")+1, slices.Index(args, "--new")+1
	if old == 0 || choice == 0 {
		return fmt.Errorf("%q names neither --old nor --new", command)
	}
	state, err := o.play.vendor.State(ctx)
	if err != nil {
		return err
	}
	for _, flow := range state.Organization(o.ID).Sandbox("prod").Flows {
		if flow.Origin == args[old] {
			args[choice] = flow.ID
		}
	}
	return o.enter(ctx, strings.Join(args, " "))
}

// showTheHidden: fewer dataflows are listed than the operator knows of; an administrator takes the access label off, and the operator resumes.
func showTheHidden(ctx context.Context, o *organization) error {
	if _, err := o.command(ctx, "dataflows expected"); err != nil {
		return err
	}
	state, err := o.play.vendor.State(ctx)
	if err != nil {
		return err
	}
	for _, flow := range state.Organization(o.ID).Sandbox("prod").Flows {
		if !flow.Hidden {
			continue
		}
		if err := o.play.vendor.Hide(ctx, o.ID, "prod", flow.ID, false); err != nil {
			return err
		}
	}
	if err := o.follow(ctx, "dataflows expected"); err != nil {
		return err
	}
	return o.signInAndSay(ctx)
}

// killTheWorker: the worker dies after "new on" and before "old off".
func killTheWorker(ctx context.Context, o *organization) error {
	if err := o.until(ctx, o.timeline.Available.Add(8*time.Second)); err != nil {
		return err
	}
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		ledger, err := o.play.vendor.Ledger(ctx, 0)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(ledger, func(e emulator.Entry) bool {
			return e.Organization == o.ID && e.Kind == emulator.KindWrite && e.Op == "enable" && e.Applied
		}) {
			return o.play.crash(ctx)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waited for the first dataflow to be enabled: %w", context.Cause(ctx))
		}
	}
}

// pauseAndResume: nothing is changed during a pause, however ready it is.
func pauseAndResume(ctx context.Context, o *organization) error {
	if _, err := o.account(ctx, "Pinterest"); err != nil {
		return err
	}
	if err := o.typed(ctx, "pause", "--org", o.ID, "--by", operator, "--reason", "the shop is closed for stocktaking"); err != nil {
		return err
	}
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	if _, err := o.await(ctx, "the account to be verified", func(s migration.Status) bool {
		return s.Paused && len(s.Accounts) > 0 && s.Accounts[0].Verified
	}); err != nil {
		return err
	}
	if err := o.until(ctx, o.timeline.Available.Add(15*time.Second)); err != nil {
		return err
	}
	ledger, err := o.play.vendor.Ledger(ctx, 0)
	if err != nil {
		return err
	}
	for _, e := range ledger {
		if e.Organization == o.ID && e.Kind == emulator.KindWrite {
			return fmt.Errorf("%s of %s was asked for during the pause", e.Op, e.ID)
		}
	}
	return o.follow(ctx, "paused by")
}

// cancelHalfWay: what was carried over stays so, what was not stays where it was.
func cancelHalfWay(ctx context.Context, o *organization) error {
	if err := o.signInTo(ctx, "Own"); err != nil {
		return err
	}
	own, err := o.account(ctx, "Own")
	if err != nil {
		return err
	}
	if _, err := o.await(ctx, "the dataflows of the first account", carried(own.ID)); err != nil {
		return err
	}
	return o.typed(ctx, "cancel", "--org", o.ID, "--yes")
}
