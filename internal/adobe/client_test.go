package adobe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sync/errgroup"

	"cutover/internal/vendorhttp"
)

const noItems = `{"items":[]}`

func allowPlain(c *Config) { c.AllowPlainHTTP = true }

func TestNewChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ims, platform string
		change        func(*Config)
		want          string
	}{
		"real hosts":          {ims: DefaultIMSURL, platform: DefaultPlatformURL},
		"loopback by address": {ims: "http://127.0.0.1:8480", platform: "http://[::1]:8480"},
		"no IMS":              {platform: DefaultPlatformURL, want: "IMSURL must be an absolute URL"},
		"no platform":         {ims: DefaultIMSURL, want: "PlatformURL must be an absolute URL"},
		"plain http":          {ims: DefaultIMSURL, platform: "http://platform.example", want: "PlatformURL must use https"},
		"plain http to IMS":   {ims: "http://ims.example", platform: DefaultPlatformURL, want: "IMSURL must use https"},
		"plain http allowed":  {ims: "http://ims.example", platform: "http://platform.example", change: allowPlain},
		"allowed, a password": {ims: "http://me:CANARY@ims.example", platform: DefaultPlatformURL, change: allowPlain, want: "user"},
		"password":            {ims: "https://me:CANARY@ims.example", platform: DefaultPlatformURL, want: "user"},
		"negative rate":       {ims: DefaultIMSURL, platform: DefaultPlatformURL, change: func(c *Config) { c.RequestsPerSecond = -1 }, want: "negative"},
		"negative timeout":    {ims: DefaultIMSURL, platform: DefaultPlatformURL, change: func(c *Config) { c.Timeout = -1 }, want: "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{IMSURL: tc.ims, PlatformURL: tc.platform}
			if tc.change != nil {
				tc.change(&cfg)
			}
			c, err := New(cfg)
			if tc.want == "" {
				require.NoError(t, err)
				require.NotNil(t, c)
				return
			}
			require.ErrorContains(t, err, tc.want)
			requireNoSecret(t, err.Error())
		})
	}
}

func TestEveryRequestSaysWhoAsksAndWhere(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	s := f.sandbox(t)
	for range 2 {
		_, err := s.Accounts(t.Context(), "spec")
		require.NoError(t, err)
	}
	calls := f.seen()
	require.Len(t, calls, 2)
	for _, call := range calls {
		h := call.header
		require.Equal(t, "Bearer "+firstToken, h.Get("Authorization"))
		require.Equal(t, "client-acme", h.Get("X-Api-Key"))
		require.Equal(t, testOrg, h.Get("X-Gw-Ims-Org-Id"))
		require.Equal(t, testSandbox, h.Get("X-Sandbox-Name"))
		require.Equal(t, "application/json", h.Get("Accept"))
		require.Contains(t, h.Get("User-Agent"), "cutover")
		require.Len(t, h.Get("X-Request-Id"), 36)
		require.Empty(t, h.Get("Content-Type"))
	}
	require.NotEqual(t, calls[0].header.Get("X-Request-Id"), calls[1].header.Get("X-Request-Id"))
	require.Equal(t, testOrg, s.Organization())
	require.Equal(t, testSandbox, s.Name())
}

func TestNothingIsSentWithoutOrganizationOrSandbox(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	c := f.client(t)
	noOrg, noClient := acme(), acme()
	noOrg.Organization, noClient.ClientID = "", ""
	for _, s := range []*Sandbox{c.Sandbox(acme(), ""), c.Sandbox(noOrg, "prod"), c.Sandbox(noClient, "prod")} {
		_, err := s.Accounts(t.Context(), "spec")
		require.ErrorContains(t, err, "must not be empty")
		requireNoSecret(t, err.Error())
	}
	require.Zero(t, f.minted())
}

// Credentials of many organizations on one client, at once and with tokens that
// are refused now and then: no request joins one's token with another's id.
func TestOrganizationsNeverCross(t *testing.T) {
	t.Parallel()
	var crossed, refused atomic.Int64
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		org := r.Header.Get("X-Gw-Ims-Org-Id")
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "+org+"/") || r.Header.Get("X-Api-Key") != "client-"+org {
			crossed.Add(1)
		}
		if refused.Add(1)%7 == 0 {
			answerWith(w, http.StatusUnauthorized, `{"error_code":"401013"}`)
			return
		}
		answerWith(w, http.StatusOK, noItems)
	})
	var minted atomic.Int64
	f.token = func(w http.ResponseWriter, r *http.Request) {
		org := strings.TrimPrefix(r.PostFormValue("client_id"), "client-")
		grant(w, fmt.Sprintf("%s/%d", org, minted.Add(1)), "86399")
	}
	c := f.client(t)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range 200 {
		org := fmt.Sprintf("org%d", i%9)
		s := c.Sandbox(Credential{Organization: org, ClientID: "client-" + org, ClientSecret: "same for all"}, "prod")
		group.Go(func() error {
			_, err := s.Accounts(t.Context(), "spec")
			if errors.Is(err, ErrUnauthorized) {
				return nil // refused twice in a row
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Zero(t, crossed.Load())
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/steal?code=CANARY", http.StatusTemporaryRedirect)
	}

	f := newFake(t, redirect)
	err := f.sandbox(t).Enable(t.Context(), "flow-1")
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusTemporaryRedirect, refused.Status)
	require.Equal(t, "redirect", refused.Code)
	require.ErrorContains(t, err, "redirects are not followed")
	requireNoSecret(t, err.Error())

	f.token = redirect
	err = f.sandbox(t).Enable(t.Context(), "flow-1")
	var token *TokenError
	require.ErrorAs(t, err, &token)
	require.Equal(t, "redirect", token.Code)
	requireNoSecret(t, err.Error())
	require.Zero(t, followed.Load())
}

func TestTimeoutAndCancellation(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done() // until the client hangs up
	})

	err := f.sandbox(t, func(c *Config) { c.Timeout = 20 * time.Millisecond }).signedIn().Enable(t.Context(), "flow-1")
	var transport *TransportError
	require.ErrorAs(t, err, &transport)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var network net.Error
	require.ErrorAs(t, err, &network)
	require.True(t, transport.Timeout())
	require.ErrorContains(t, err, "enable dataflow flow-1: organization "+testOrg+", sandbox emea")
	require.NotContains(t, err.Error(), "op=enable")

	ctx, cancel := context.WithCancel(t.Context())
	for len(arrived) > 0 {
		<-arrived // the one that timed out
	}
	go func() {
		<-arrived
		cancel()
	}()
	err = f.sandbox(t).signedIn().Enable(ctx, "flow-1")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorAs(t, err, &transport)
	require.False(t, transport.Timeout())
}

func TestALostConnectionIsATransportError(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"in the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"items":[`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFake(t, serve).sandbox(t).Accounts(t.Context(), "spec")
			var transport *TransportError
			require.ErrorAs(t, err, &transport)
			require.False(t, transport.Timeout())

			f := newFake(t, always(http.StatusOK, noItems))
			f.token = serve
			_, err = f.sandbox(t).Accounts(t.Context(), "spec")
			require.ErrorAs(t, err, &transport)
			require.Equal(t, opToken, transport.Op)
		})
	}
}

func TestTheAnswerIsBounded(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"items":[]`)
		_, _ = w.Write(bytes.Repeat([]byte(" "), vendorhttp.MaxBody))
		_, _ = io.WriteString(w, `}`)
	})
	_, err := f.sandbox(t).Accounts(t.Context(), "spec")
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Contains(t, malformed.Want, "16 MiB")
}

func TestOneRateLimitForTheWholeClient(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	c := f.client(t, func(c *Config) { c.RequestsPerSecond = 0.001 })

	// The token takes the first turn; the next comes after a quarter of an hour.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := c.Sandbox(acme(), "prod").Accounts(ctx, "spec")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "own rate limit")
	_, err = c.Sandbox(acme(), "other").Accounts(ctx, "spec")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, f.minted())
	require.Empty(t, f.seen())
}

func TestLogsNameTheRequestAndNoSecret(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "request-from-adobe")
		answerWith(w, http.StatusOK, noItems)
	})
	_, err := f.sandbox(t, func(c *Config) { c.Logger = zap.New(core) }).Accounts(t.Context(), "spec")
	require.NoError(t, err)
	require.Equal(t, 2, logs.Len())
	request := logs.FilterMessage("adobe request").All()
	require.Len(t, request, 1)
	require.Equal(t, "request-from-adobe", request[0].ContextMap()["request_id"])
	for _, entry := range logs.All() {
		requireNoSecret(t, fmt.Sprint(entry.Message, entry.ContextMap()))
	}
}

func TestCredentialRedactsItself(t *testing.T) {
	t.Parallel()
	cred := acme()
	cred.ClientID = "id-CANARY"
	nested := struct{ Inner *Credential }{&cred}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		requireNoSecret(t, fmt.Sprintf(verb, cred), fmt.Sprintf(verb, &cred), fmt.Sprintf(verb, []Credential{cred}))
	}
	requireNoSecret(t, asJSON(t, cred), asJSON(t, nested), cred.String(), cred.GoString())
	require.Contains(t, cred.String(), "acme")
	require.JSONEq(t, `{"name":"acme","organization":"`+testOrg+`"}`, asJSON(t, cred))

	var out bytes.Buffer
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zapcore.DebugLevel)).Info("x", zap.Any("credential", cred), zap.Any("nested", nested))
	requireNoSecret(t, out.String())
	require.True(t, json.Valid(out.Bytes()))
}

func TestACallerMayShareASandbox(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	s := f.sandbox(t)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			_, err := s.Accounts(t.Context(), "spec")
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	require.Len(t, f.seen(), 20)
	require.Equal(t, 1, f.minted())
}
