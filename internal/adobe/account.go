package adobe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Account is a base connection: what the Accounts tab of Destinations shows. It
// never holds the credentials that Adobe keeps for it.
type Account struct {
	ID          string
	Name        string
	Description string
	// SpecID is the card the account belongs to.
	SpecID string
	// State is lower case: enabled, disabled, or one of those in between.
	State     string
	Etag      string
	CreatedAt time.Time
	UpdatedAt time.Time
	// AuthorizedOn is the day of the last authorization, in UTC; zero if Adobe does not tell.
	AuthorizedOn time.Time
	// ExpiresAt is when the authorization ends; zero if Adobe does not tell. Which field tells is not documented.
	ExpiresAt time.Time
}

func (a Account) id() string { return a.ID }

type wireAccount struct {
	version

	ID             text            `json:"id"`
	Name           text            `json:"name"`
	Description    text            `json:"description"`
	ConnectionSpec ref             `json:"connectionSpec"`
	State          text            `json:"state"`
	CreatedAt      instant         `json:"createdAt"`
	UpdatedAt      instant         `json:"updatedAt"`
	Auth           loose[wireAuth] `json:"auth"`
}

// wireAuth reads the two dates and leaves every other parameter behind.
type wireAuth struct {
	Params struct {
		AuthorizedDate text `json:"authorizedDate"`
		ExpirationDate text `json:"expirationDate"`
	} `json:"params"`
}

func (w wireAccount) value() Account {
	params := w.Auth.value.Params
	return Account{
		ID:           string(w.ID),
		Name:         string(w.Name),
		Description:  string(w.Description),
		SpecID:       string(w.ConnectionSpec.ID),
		State:        lower(w.State),
		Etag:         w.etag(),
		CreatedAt:    w.CreatedAt.Time,
		UpdatedAt:    w.UpdatedAt.Time,
		AuthorizedOn: dateOf(params.AuthorizedDate),
		ExpiresAt:    dateOf(params.ExpirationDate),
	}
}

// dateOf reads a day, an RFC 3339 time or epoch milliseconds; zero for anything else.
func dateOf(t text) time.Time {
	if day, err := time.Parse(time.DateOnly, string(t)); err == nil {
		return day
	}
	var at instant
	if json.Unmarshal([]byte(`"`+string(t)+`"`), &at) != nil {
		return time.Time{}
	}
	return at.Time
}

// Accounts returns the accounts of the given cards, from every page, each once, sorted by id.
func (s *Sandbox) Accounts(ctx context.Context, specIDs ...string) ([]Account, error) {
	const op = "list accounts"
	filters, err := anyOf(op, "connectionSpec.id", specIDs)
	if err != nil {
		return nil, err
	}
	accounts, err := list[wireAccount, Account](ctx, s, queries(op, "/connections", filters)...)
	if err != nil {
		return nil, err
	}
	return only(s, op, accounts, "connectionSpec.id", specIDs, func(a Account) string { return a.SpecID })
}

// Account reads one account.
func (s *Sandbox) Account(ctx context.Context, id string) (Account, error) {
	return read[wireAccount, Account](ctx, s, "read account "+id, "/connections", id)
}

// Probe is what Adobe's test of an account tells.
type Probe int

// The results of a test. It is a hint: whether it works for OAuth accounts of
// destinations is not documented.
const (
	// ProbeUnknown says that the account cannot be tested, or that the answer tells nothing.
	ProbeUnknown Probe = iota
	// ProbeFailed says that the destination refused the account.
	ProbeFailed
	// ProbePassed says that the destination accepted the account.
	ProbePassed
)

// String returns unknown, failed or passed.
func (p Probe) String() string {
	switch p {
	case ProbeFailed:
		return "failed"
	case ProbePassed:
		return "passed"
	case ProbeUnknown:
		return "unknown"
	default:
		return fmt.Sprintf("Probe(%d)", int(p))
	}
}

// TestAccount asks Adobe to try the account at its destination. A refusal of the
// call itself (400, 404, 405, 501) and an answer without a result are
// [ProbeUnknown], not an error.
func (s *Sandbox) TestAccount(ctx context.Context, id string) (Probe, error) {
	op := "test account " + id
	if err := checkID(op, id); err != nil {
		return ProbeUnknown, err
	}
	got, err := s.send(ctx, request{op: op, method: http.MethodGet, path: "/connections/" + id + "/test"})
	if noTest(err) {
		return ProbeUnknown, nil
	}
	if err != nil {
		return ProbeUnknown, err
	}
	return probeOf(got.body), nil
}

func probeOf(raw []byte) Probe {
	var body struct {
		Result text `json:"result"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return ProbeUnknown
	}
	switch strings.ToLower(string(body.Result)) {
	case "true":
		return ProbePassed
	case "false":
		return ProbeFailed
	default:
		return ProbeUnknown
	}
}

// noTest tells whether the service said that it has no such test.
func noTest(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	default:
		return false
	}
}

// PatchAccount replaces all authentication parameters of an account that still has
// the etag; if it has another by now, [ErrPrecondition] holds for the error. No
// error repeats a value of the parameters.
func (s *Sandbox) PatchAccount(ctx context.Context, id, etag string, params json.RawMessage) error {
	op := "patch account " + id
	var values map[string]any
	if json.Unmarshal(params, &values) != nil {
		return fmt.Errorf("adobe: %s: %s: the parameters must be a JSON object", op, place(s.cred.Organization, s.name))
	}
	replace := PatchOp{Op: OpReplace, Path: "/auth/params", Value: params}
	return s.patch(ctx, op, "/connections", id, etag, []PatchOp{replace}, leaves(values)...)
}

// leaves are the strings inside a JSON value that are long enough to be a secret.
func leaves(value any) []string {
	const shortestSecret = 4
	var found []string
	switch v := value.(type) {
	case string:
		if len(v) >= shortestSecret {
			found = append(found, v)
		}
	case []any:
		for _, item := range v {
			found = append(found, leaves(item)...)
		}
	case map[string]any:
		for _, item := range v {
			found = append(found, leaves(item)...)
		}
	}
	return found
}
