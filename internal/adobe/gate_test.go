package adobe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// theFlow answers reads of a dataflow and tests of an account.
func theFlow(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		answerWith(w, http.StatusOK, `{"items":[{"id":"flow-1","state":"disabled","etag":"\"1\"","transformations":[{"params":{"segmentSelectors":{"selectors":[]}}}]}]}`)
		return
	}
	answerWith(w, http.StatusOK, `{"id":"flow-1"}`)
}

// Every request that changes something is asked for right before it is sent, and is not sent when it is refused; nothing else is asked for.
func TestNothingIsWrittenThatIsRefused(t *testing.T) {
	t.Parallel()
	stopped := errors.New("writes are stopped by operator")
	for name, write := range map[string]func(context.Context, *Sandbox) error{
		"enable":  func(ctx context.Context, s *Sandbox) error { return s.Enable(ctx, "flow-1") },
		"disable": func(ctx context.Context, s *Sandbox) error { return s.Disable(ctx, "flow-1") },
		"patch": func(ctx context.Context, s *Sandbox) error {
			return s.PatchDataflow(ctx, "flow-1", "1", PatchOp{Op: OpReplace, Path: "/name", Value: "x"})
		},
		"account": func(ctx context.Context, s *Sandbox) error {
			return s.PatchAccount(ctx, "flow-1", "1", json.RawMessage(`{"accessToken":"secret-CANARY"}`))
		},
		"audience": func(ctx context.Context, s *Sandbox) error {
			return s.AddAudience(ctx, "flow-1", Audience{ID: "a", Name: "A"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, theFlow)
			var asked atomic.Int64
			refuses := f.sandbox(t, func(c *Config) {
				c.BeforeWrite = func(context.Context) error { asked.Add(1); return stopped }
			})
			err := write(t.Context(), refuses)
			require.ErrorIs(t, err, stopped)
			require.ErrorContains(t, err, "organization "+testOrg+", sandbox emea: not sent: writes are stopped by operator")
			requireNoSecret(t, err.Error())
			var transport *TransportError
			require.NotErrorAs(t, err, &transport, "it is known that nothing happened")
			require.EqualValues(t, 1, asked.Load())
			for _, call := range f.seen() {
				require.Equal(t, http.MethodGet, call.method)
			}

			allows := f.sandbox(t, func(c *Config) { c.BeforeWrite = func(context.Context) error { asked.Add(1); return nil } })
			_ = write(t.Context(), allows) // the fake shows no audience that was added, which is another test's
			require.Greater(t, asked.Load(), int64(1))
			calls := f.seen()
			require.Condition(t, func() bool {
				for _, call := range calls {
					if call.method != http.MethodGet {
						return true
					}
				}
				return false
			}, "it is sent")
		})
	}
}

func TestReadsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, theFlow)
	s := f.sandbox(t, func(c *Config) {
		c.BeforeWrite = func(context.Context) error { t.Error("it was asked for"); return nil }
	})
	_, err := s.Dataflow(t.Context(), "flow-1")
	require.NoError(t, err)
	_, err = s.TestAccount(t.Context(), "flow-1")
	require.NoError(t, err)
}

// What waited for the client's own rate is asked for after the wait: a stop that comes meanwhile counts.
func TestAWriteIsAskedForAfterItsWait(t *testing.T) {
	t.Parallel()
	f := newFake(t, theFlow)
	var stopped atomic.Bool
	refusal := errors.New("writes are stopped")
	s := f.sandbox(t, func(c *Config) {
		c.RequestsPerSecond = 5
		c.BeforeWrite = func(context.Context) error {
			if stopped.Load() {
				return refusal
			}
			return nil
		}
	}).signedIn()
	_, err := s.Dataflow(t.Context(), "flow-1") // spends the moment's request
	require.NoError(t, err)
	time.AfterFunc(50*time.Millisecond, func() { stopped.Store(true) })
	require.ErrorIs(t, s.Enable(t.Context(), "flow-1"), refusal, "the wait was 200 ms")
	require.Len(t, f.seen(), 1)
}

// A write that is sent again with a new token is another request.
func TestAWriteWithANewTokenIsAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusUnauthorized, `{}`))
	refusal := errors.New("writes are stopped")
	var asked atomic.Int64
	s := f.sandbox(t, func(c *Config) {
		c.BeforeWrite = func(context.Context) error {
			if asked.Add(1) > 1 {
				return refusal
			}
			return nil
		}
	})
	require.ErrorIs(t, s.Enable(t.Context(), "flow-1"), refusal)
	require.Len(t, f.seen(), 1)
}
