package stack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cutover/internal/emulator"
)

// Vendor is the emulated vendors as a process, and a typed client of their control calls.
type Vendor struct {
	*Process

	URL        string // of the vendors, of the control calls, and of the console in a browser
	LedgerFile string // the ledger as it grows, one JSON object a line
}

// StartVendor starts the emulator on a scenario file, with the seed of the faults that have a probability. What it writes is in dir.
func StartVendor(ctx context.Context, binary, dir, scenario string, seed int64) (*Vendor, error) {
	v := &Vendor{LedgerFile: filepath.Join(dir, "ledger.jsonl")}
	urlFile := filepath.Join(dir, "emulator.url")
	if err := os.RemoveAll(urlFile); err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	process, err := start(ctx, command{
		name: "emulator", path: binary, dir: dir, log: filepath.Join(dir, "emulator.log"), env: environment(),
		args: []string{
			"--listen", "127.0.0.1:0", "--url-file", urlFile, "--ledger", v.LedgerFile, "--scenario", scenario, "--seed", strconv.FormatInt(seed, 10),
		},
	})
	if err != nil {
		return nil, err
	}
	v.Process = process
	err = v.ready(ctx, func(ctx context.Context) error {
		address, err := os.ReadFile(urlFile)
		if err != nil {
			return err
		}
		v.URL = strings.TrimSpace(string(address))
		return ask(ctx, v.control("/health"))
	})
	if err != nil {
		return nil, fmt.Errorf("%w; %w", err, v.Stop())
	}
	return v, nil
}

func (v *Vendor) control(path string) string { return v.URL + "/_emulator" + path }

func (v *Vendor) get(ctx context.Context, path string, out any) error {
	return call(ctx, http.MethodGet, v.control(path), nil, out)
}

func (v *Vendor) post(ctx context.Context, path string, in, out any) error {
	return call(ctx, http.MethodPost, v.control(path), in, out)
}

// State is the vendors' world as it is now, also what their answers hide.
func (v *Vendor) State(ctx context.Context) (emulator.State, error) {
	var state emulator.State
	err := v.get(ctx, "/state", &state)
	return state, err
}

// Ledger returns the entries after a sequence number; 0 gives all.
func (v *Vendor) Ledger(ctx context.Context, after int64) ([]emulator.Entry, error) {
	var answer struct {
		Entries []emulator.Entry `json:"entries"`
	}
	err := v.get(ctx, "/ledger?after="+strconv.FormatInt(after, 10), &answer)
	return answer.Entries, err
}

// Secrets lists every credential the vendors hold or have ever issued.
func (v *Vendor) Secrets(ctx context.Context) ([]emulator.Secret, error) {
	var answer struct {
		Secrets []emulator.Secret `json:"secrets"`
	}
	err := v.get(ctx, "/secrets", &answer)
	return answer.Secrets, err
}

// AddFault activates a rule and returns it with its id.
func (v *Vendor) AddFault(ctx context.Context, f emulator.Fault) (emulator.Fault, error) {
	var added emulator.Fault
	err := v.post(ctx, "/faults", f, &added)
	return added, err
}

// RemoveFault ends a rule.
func (v *Vendor) RemoveFault(ctx context.Context, id string) error {
	return call(ctx, http.MethodDelete, v.control("/faults/"+url.PathEscape(id)), nil, nil)
}

// Faults lists the active rules.
func (v *Vendor) Faults(ctx context.Context) ([]emulator.Fault, error) {
	var answer struct {
		Faults []emulator.Fault `json:"faults"`
	}
	err := v.get(ctx, "/faults", &answer)
	return answer.Faults, err
}

// Reconnect is the customer's "Reconnect OAuth" at an account.
func (v *Vendor) Reconnect(ctx context.Context, org, sandbox, account string, how emulator.Reconnection) error {
	body := map[string]any{"by": how.By, "advertiser": how.Advertiser, "missing_scope": how.MissingScope}
	if how.Lease != 0 {
		body["lease"] = how.Lease.String()
	}
	return v.post(ctx, entity(org, sandbox, "accounts", account)+"/reconnect", body, nil)
}

// Expire ends an account's authorization now.
func (v *Vendor) Expire(ctx context.Context, org, sandbox, account string) error {
	return v.post(ctx, entity(org, sandbox, "accounts", account)+"/expire", nil, nil)
}

// EditFlow is a person at work on a dataflow in the vendor's own user interface.
func (v *Vendor) EditFlow(ctx context.Context, org, sandbox, flow string, edit emulator.Edit) error {
	return v.post(ctx, entity(org, sandbox, "flows", flow)+"/edit", edit, nil)
}

// DeleteFlow has somebody delete a dataflow.
func (v *Vendor) DeleteFlow(ctx context.Context, org, sandbox, flow, by string) error {
	return v.post(ctx, entity(org, sandbox, "flows", flow)+"/delete", map[string]string{"by": by}, nil)
}

// Hide puts an access label on a dataflow, which hides it from the API, or takes it off.
func (v *Vendor) Hide(ctx context.Context, org, sandbox, flow string, hidden bool) error {
	return v.post(ctx, entity(org, sandbox, "flows", flow)+"/hidden", map[string]bool{"hidden": hidden}, nil)
}

// SetStages passes stages of the vendors by hand.
func (v *Vendor) SetStages(ctx context.Context, s emulator.StageSwitch) error {
	return v.post(ctx, "/stages", s, nil)
}

// SetLatency changes how long every vendor call takes from now on.
func (v *Vendor) SetLatency(ctx context.Context, d time.Duration) error {
	return v.post(ctx, "/limits", map[string]string{"latency": d.String()}, nil)
}

// SetRate changes how many requests per second the vendors take from one client; 0 takes all. retryAfter goes with each refusal.
func (v *Vendor) SetRate(ctx context.Context, perSecond float64, retryAfter time.Duration) error {
	return v.post(ctx, "/limits", map[string]any{"requests_per_second": perSecond, "retry_after": retryAfter.String()}, nil)
}

// GrantPinterest has the organization's person consent to the operator's own app without a browser, and returns the token answer.
func (v *Vendor) GrantPinterest(ctx context.Context, org string) (emulator.PinterestTokens, error) {
	var tokens emulator.PinterestTokens
	err := v.post(ctx, "/pinterest/grants", map[string]string{"organization": org}, &tokens)
	return tokens, err
}

// RevokePinterest ends every grant of the organization's person.
func (v *Vendor) RevokePinterest(ctx context.Context, org string) error {
	return v.post(ctx, "/pinterest/revoke", map[string]string{"organization": org}, nil)
}

// ExpireTokens ends every access token of the client now.
func (v *Vendor) ExpireTokens(ctx context.Context, clientID string) error {
	return v.post(ctx, "/tokens/expire", map[string]string{"client_id": clientID}, nil)
}

// Advance moves the vendors' clock forward.
func (v *Vendor) Advance(ctx context.Context, d time.Duration) error {
	return v.post(ctx, "/clock", map[string]string{"advance": d.String()}, nil)
}

func entity(org, sandbox, kind, id string) string {
	return "/organizations/" + url.PathEscape(org) + "/sandboxes/" + url.PathEscape(sandbox) + "/" + kind + "/" + url.PathEscape(id)
}
