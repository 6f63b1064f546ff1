package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
	"cutover/internal/store"
	"cutover/workflows"
)

// consenting is a visitor of acme's at Pinterest's question.
func (w *world) consenting() *browser {
	w.t.Helper()
	b := w.visitor(acme)
	b.click("connect-" + acmeAccount)
	require.Equal(w.t, "/oauth/", b.at.Path)
	return b
}

// callback is what a browser at Pinterest's question would bring back, without bringing it.
func (b *browser) callback(what, organization string) string {
	b.t.Helper()
	follow := b.client.CheckRedirect
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	b.answer(what, organization)
	b.client.CheckRedirect = follow
	return b.answered.Get("Location")
}

func TestAConsentIsStoredAndThenSignalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	heldBefore := false
	w.workflows.onSignal = func() { _, heldBefore = w.grant(acme, acmeAccount) }
	b := w.consenting()
	asked := b.at.Query()
	require.Equal(t, "user_accounts:read,ads:read", asked.Get("scope"))
	require.Equal(t, "S256", asked.Get("code_challenge_method"))
	require.NotEmpty(t, asked.Get("code_challenge"))
	require.Equal(t, w.url+"/callback", asked.Get("redirect_uri"))
	b.answer("approve", acme)
	require.Equal(t, "/", b.at.Path)
	b.says(en("page.said.connected"), en("page.account.granted", "at", migration.Instant(noon)))

	held, ok := w.grant(acme, acmeAccount)
	require.True(t, ok)
	require.NotEmpty(t, held.Grant.RefreshToken)
	require.True(t, heldBefore, "the grant is stored before anybody is told")
	require.Equal(t, []workflows.ReauthCompleted{{Account: acmeAccount, By: "reconnect page (Pinterest user acme-user)"}}, w.workflows.got())
	require.Equal(t, []string{workflows.WorkflowID(playbook, acme)}, w.workflows.to)

	tried := acmeStatus() // the worker tried it, and that was not enough
	tried.Accounts[0].GrantedAt, tried.Accounts[0].TriedAt = held.ConsentedAt, held.ConsentedAt
	w.workflows.set(tried)
	b.open("/")
	b.says(en("page.account.tried"))
}

func TestADeclinedConsentChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.consenting()
	b.answer("deny", acme)
	b.says(en("page.said.declined"))
	require.True(t, b.has("connect-"+acmeAccount))

	b.click("connect-" + acmeAccount)
	b.open(w.url + "/callback?error=server_error&state=" + b.at.Query().Get("state"))
	b.says(en("page.said.refused"))
	_, held := w.grant(acme, acmeAccount)
	require.False(t, held)
	require.Empty(t, w.workflows.got())
}

func TestAForgedForeignOrOldStateStoresNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	victim := w.consenting()
	answer := victim.callback("approve", acme)

	attacker := w.visitor(globex)
	attacker.open(answer)
	require.Equal(t, http.StatusBadRequest, attacker.status, "the state of another session")
	attacker.says(en("page.forged.what"))

	stranger := w.browser()
	stranger.open(answer)
	require.Equal(t, http.StatusForbidden, stranger.status, "no session")

	forged, err := url.Parse(answer)
	require.NoError(t, err)
	query := forged.Query()
	for _, state := range []string{"", "guessed"} {
		query.Set("state", state)
		victim.open(w.url + "/callback?" + query.Encode())
		require.Equal(t, http.StatusBadRequest, victim.status)
	}

	w.clock.pass(16 * time.Minute)
	victim.open(answer)
	require.Equal(t, http.StatusBadRequest, victim.status, "too old")
	for organization, id := range map[string]string{acme: acmeAccount, globex: foreign} {
		_, held := w.grant(organization, id)
		require.False(t, held)
	}
	require.Empty(t, w.workflows.got())
}

func TestAnAnswerThatComesTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.consenting()
	answer := b.callback("approve", acme)
	b.open(answer)
	b.says(en("page.said.connected"))
	b.open(answer)
	require.Equal(t, "/", b.at.Path)
	b.says(en("page.said.already"))
	require.Len(t, w.workflows.got(), 1)
}

func TestAnAnswerThatNeverComesChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.consenting()
	b.callback("approve", acme) // the line is cut on the way back
	b.open(w.url + "/")
	require.True(t, b.has("connect-"+acmeAccount))
	_, held := w.grant(acme, acmeAccount)
	require.False(t, held)

	b.click("connect-" + acmeAccount)
	b.answer("approve", acme)
	b.says(en("page.said.connected"))
	_, held = w.grant(acme, acmeAccount)
	require.True(t, held)
}

func TestAConsentThatCannotBePassedOnIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.consenting()
	w.workflows.change(func(f *fakeWorkflows) { f.down = errors.New("no connection") })
	b.answer("approve", acme)
	b.says(en("page.said.stored"), en("page.account.granted", "at", migration.Instant(noon)))
	_, held := w.grant(acme, acmeAccount)
	require.True(t, held)

	b.click("connect-" + acmeAccount)
	w.workflows.change(func(f *fakeWorkflows) { clear(f.status); f.down = nil })
	b.answer("approve", acme)
	b.says(en("page.said.ended"), en("page.state.none"))
}

func TestAPinterestUserWithoutTheAdAccountIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.consenting()
	b.answer("approve", globex)
	require.Equal(t, http.StatusForbidden, b.status)
	b.says(en("page.wronguser.title"), en("page.wronguser.who", "user", "globex-user"), advertiser, en("page.wronguser.what"))

	b.open("/")
	b.click("connect-" + acmeAccount)
	b.answer("approve", acme, "scope", "user_accounts:read") // the person left out a permission
	require.Equal(t, http.StatusForbidden, b.status)
	b.says(advertiser)

	s := acmeStatus() // the plan names one more ad account
	s.Pairs = []migration.PairState{{Pair: migration.Pair{Name: "Holiday shoppers", Account: acmeAccount, Advertiser: "549755885999"}}}
	w.workflows.set(s)
	b.open("/")
	b.click("connect-" + acmeAccount)
	b.answer("approve", acme)
	b.says("549755885999")
	require.NotContains(t, b.text(), advertiser, "only what is missing is named")
	_, held := w.grant(acme, acmeAccount)
	require.False(t, held)
	require.Empty(t, w.workflows.got())
}

func TestAConsentThatCannotBeCheckedIsKept(t *testing.T) {
	t.Parallel()
	for _, f := range []emulator.Fault{
		{Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests},
		{Effect: emulator.EffectStatus, Status: http.StatusBadGateway},
		{Effect: emulator.EffectHTML},
		{Effect: emulator.EffectCutBefore},
	} {
		w := newWorld(t)
		b := w.consenting()
		f.Route = "GET /v5/*"
		w.fault(f)
		b.answer("approve", acme)
		b.says(en("page.said.connected"))
		_, held := w.grant(acme, acmeAccount)
		require.True(t, held, "%s %d", f.Effect, f.Status)
		require.Equal(t, []workflows.ReauthCompleted{{Account: acmeAccount, By: "reconnect page"}}, w.workflows.got())
	}
}

func TestACodeThatPinterestDoesNotTake(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault emulator.Fault
		want  string
	}{
		{"too old", emulator.Fault{}, "page.said.tooold"},
		{"5xx", emulator.Fault{Effect: emulator.EffectStatus, Status: http.StatusServiceUnavailable}, "page.said.unanswered"},
		{"quota", emulator.Fault{Effect: emulator.EffectStatus, Status: http.StatusTooManyRequests}, "page.said.unanswered"},
		{"late", emulator.Fault{Effect: emulator.EffectDelay, Delay: time.Minute}, "page.said.unanswered"},
		{"cut off", emulator.Fault{Effect: emulator.EffectCutAfter}, "page.said.unanswered"},
		{"no JSON", emulator.Fault{Effect: emulator.EffectHTML, Status: http.StatusOK}, "page.said.unanswered"},
		{"refused", emulator.Fault{Effect: emulator.EffectStatus, Status: http.StatusBadRequest}, "page.said.setup"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.consenting()
			answer := b.callback("approve", acme)
			repair := func() {}
			if tc.fault.Effect == "" {
				w.clock.pass(6 * time.Minute) // a code lives for five
			} else {
				tc.fault.Route = "POST /v5/oauth/token"
				repair = w.fault(tc.fault)
			}
			b.open(answer)
			b.says(en(tc.want))
			_, held := w.grant(acme, acmeAccount)
			require.False(t, held)
			require.Empty(t, w.workflows.got())
			repair()
			b.click("connect-" + acmeAccount)
			b.answer("approve", acme)
			b.says(en("page.said.connected"))
		})
	}
	w := newWorld(t, func(d *deps) { d.App.ClientSecret = "another" })
	b := w.consenting()
	b.answer("approve", acme)
	b.says(en("page.said.setup"))
}

func TestAConsentIsTakenAlsoWhenThePersonClosesThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.consenting()
	answer := b.callback("approve", acme)
	w.fault(emulator.Fault{Route: "POST /v5/oauth/token", Effect: emulator.EffectDelay, Delay: 500 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, answer, http.NoBody)
	require.NoError(t, err)
	closed, err := b.client.Do(r)
	if err == nil {
		closed.Body.Close()
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool { return len(w.workflows.got()) == 1 }, 10*time.Second, 20*time.Millisecond)
	_, held := w.grant(acme, acmeAccount)
	require.True(t, held)
}

// watched is a transport that keeps the forms which were sent to the token endpoint.
type watched struct {
	base  http.RoundTripper
	forms chan url.Values
}

func (s watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/oauth/token") {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		form, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		values, err := url.ParseQuery(string(form))
		if err != nil {
			return nil, err
		}
		s.forms <- values
	}
	return s.base.RoundTrip(r)
}

func TestWhoBringsTheCodeProvesThatTheyAskedForIt(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	forms := make(chan url.Values, 2)
	w := newWorld(t, func(d *deps) {
		vendor, err := url.Parse(d.Pinterest.AuthorizeURL(d.App, "", "", ""))
		require.NoError(t, err)
		d.Pinterest, err = pinterest.New(pinterest.Config{URL: vendor.Scheme + "://" + vendor.Host, Transport: watched{transport, forms}})
		require.NoError(t, err)
	})
	verifiers := map[string]bool{}
	for range 2 {
		b := w.consenting()
		challenge := b.at.Query().Get("code_challenge")
		b.answer("approve", acme)
		b.says(en("page.said.connected"))
		verifier := (<-forms).Get("code_verifier")
		require.Equal(t, challenge, oauth2.S256ChallengeFromVerifier(verifier))
		require.False(t, verifiers[verifier], "each consent has its own")
		verifiers[verifier] = true
	}
}

// brokenStore fails where it is told to.
type brokenStore struct {
	sessions

	saves, consents error
}

func (b brokenStore) SaveGrant(ctx context.Context, o store.Owner, g pinterest.Grant) error {
	if b.saves != nil {
		return b.saves
	}
	return b.sessions.SaveGrant(ctx, o, g)
}

func (b brokenStore) Consents(ctx context.Context, organization string) (map[string]time.Time, error) {
	if b.consents != nil {
		return nil, b.consents
	}
	return b.sessions.Consents(ctx, organization)
}

func TestAConsentThatCannotBeStoredIsNotSignalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *deps) {
		d.Store = brokenStore{sessions: d.Store, saves: errors.New("disk full"), consents: errors.New("disk full")}
	})
	b := w.consenting()
	b.answer("approve", acme)
	require.Equal(t, http.StatusServiceUnavailable, b.status)
	b.says(en("page.broken.what"))
	require.Empty(t, w.workflows.got())
}

func TestWithoutAnAppThePageLeadsThroughAdobeAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *deps) { d.App = pinterest.App{} })
	b := w.visitor(acme)
	require.False(t, b.has("connect-"+acmeAccount))
	require.True(t, b.has("reconnected-"+acmeAccount))
	b.do(http.MethodPost, "/connect", url.Values{"account": {acmeAccount}})
	require.Equal(t, http.StatusNotFound, b.status)
}
