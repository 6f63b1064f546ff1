// Package activities touches the world for the workflows: one method per side effect. Each is idempotent, heartbeats while it works, and
// returns errors of the types in errors.go. What to do and in which order is decided elsewhere.
package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"cutover/internal/adobe"
	"cutover/internal/notify"
	"cutover/internal/pinterest"
)

// WritesTaskQueue is where activities run that change something at a vendor. Rate limit 0 on this queue is the kill switch.
const WritesTaskQueue = "cutover-writes"

// Credentials finds the credential called name. It must refuse one that belongs to another organization.
type Credentials interface {
	Lookup(name, organization string) (adobe.Credential, error)
}

// Notices delivers notices, each key once.
type Notices interface {
	Deliver(ctx context.Context, n notify.Notice) (notify.Receipt, error)
}

// Reports keeps evidence beyond Temporal's retention, and what was first seen of an organization. Names are slash-separated.
type Reports interface {
	Put(ctx context.Context, name string, data []byte) (location string, err error)
	// Get returns an error for which errors.Is(err, fs.ErrNotExist) holds if nothing was put.
	Get(ctx context.Context, name string) ([]byte, error)
}

// Grants keeps the OAuth grants that people of the organizations gave to the operator's own app at Pinterest. store.Database is one.
type Grants interface {
	// Grant returns an error for which errors.Is(err, pinterest.ErrNoGrant) holds if none is held.
	Grant(ctx context.Context, o pinterest.Owner) (pinterest.Held, error)
	// GrantsWithoutTokens returns every grant, for whoever only needs to know how they stand.
	GrantsWithoutTokens(ctx context.Context) ([]pinterest.Held, error)
	// Consents tells when the grants that are held and not refused were given, by account.
	Consents(ctx context.Context, organization string) (map[string]time.Time, error)
	// RenewGrant has one process at a time renew a grant that is due, and stores the new one before it returns it.
	RenewGrant(ctx context.Context, o pinterest.Owner, due func(pinterest.Held) bool, refresh func(ctx context.Context, refreshToken string) (pinterest.Grant, error)) (pinterest.Held, error)
}

// Links makes an organization's own link to the reconnect page.
type Links interface {
	NewLink(ctx context.Context, playbook, organization string) (url string, err error)
}

// Activities holds what the activities need of the world. The zero value serves workflows to name the methods.
type Activities struct {
	Adobe       *adobe.Client
	Credentials Credentials
	Notices     Notices
	Reports     Reports
	Pinterest   *pinterest.Client // nil, as App and Grants: no grants are held
	App         pinterest.App
	Grants      Grants
	Links       Links // nil: there is no reconnect page
	Now         func() time.Time
	Ask         func(ctx context.Context) (Evidence, error)      // the workflow that an activity works for
	Pause       func(ctx context.Context, d time.Duration) error // waits for d or the end of ctx
	BeforeWrite func(ctx context.Context) error                  // as adobe.Config has it, for what else is changed; nil: nothing is stopped

	specs specCache
}

// Register registers what runs on the workflows' own task queue: everything that changes nothing at a vendor.
func (a *Activities) Register(r worker.ActivityRegistry) {
	for name, fn := range map[string]any{
		"Assess":        a.Assess,
		"AwaitAccounts": a.AwaitAccounts,
		"AwaitChanges":  a.AwaitChanges,
		"AwaitRuns":     a.AwaitRuns,
		"CheckAccounts": a.CheckAccounts,
		"Notify":        a.Notify,
		"Plan":          a.Plan,
		"RenewGrants":   a.RenewGrants,
		"Report":        a.Report,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// RegisterWrites registers what runs on WritesTaskQueue: everything that changes something at a vendor.
func (a *Activities) RegisterWrites(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(a.SwitchPair, activity.RegisterOptions{Name: "SwitchPair"})
	r.RegisterActivityWithOptions(a.RenewAccount, activity.RegisterOptions{Name: "RenewAccount"})
	r.RegisterActivityWithOptions(a.RollBackPair, activity.RegisterOptions{Name: "RollBackPair"})
}

// Who is the organization an activity works for, and how to reach it.
type Who struct {
	ID         string   `json:"id"`
	Credential string   `json:"credential"`
	Sandboxes  []string `json:"sandboxes,omitempty"`
}

// now is the time to the millisecond: histories need no more.
func (a *Activities) now() time.Time { return a.Now().UTC().Truncate(time.Millisecond) }

func (a *Activities) sandbox(who Who, name string) (*adobe.Sandbox, error) {
	credential, err := a.Credentials.Lookup(who.Credential, who.ID)
	if err != nil {
		return nil, err
	}
	return a.Adobe.Sandbox(credential, name), nil
}

// beatEvery is well under every heartbeat timeout in workflows/options.go.
const beatEvery = 2 * time.Second

// keepAlive heartbeats until stop is called. Single calls are bounded by the clients' own timeouts; the heartbeat tells a dead worker from a
// slow vendor.
func keepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ticker := time.NewTicker(beatEvery)
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}

// Pause waits for d or the end of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
