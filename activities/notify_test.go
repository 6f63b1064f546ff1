package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/internal/notify"
)

// paths records what it was asked for a link to, and delivers what it is given.
type paths struct {
	linked    []string
	broken    error
	delivered []notify.Notice
	receipt   notify.Receipt
}

const ownLink = "https://reconnect.acme.example/l/a-token-of-its-own"

func (p *paths) NewLink(_ context.Context, playbook, organization string) (string, error) {
	p.linked = append(p.linked, playbook+" "+organization)
	if p.broken != nil {
		return "", p.broken
	}
	return ownLink, nil
}

func (p *paths) Deliver(_ context.Context, n notify.Notice) (notify.Receipt, error) {
	p.delivered = append(p.delivered, n)
	return p.receipt, nil
}

// asking is a notice that asks somebody to sign in.
func asking() migration.Notice {
	return migration.Notice{
		Key: book + "/" + acme + "/start/", Kind: migration.NoticeStart, Organization: acme, Name: "Acme", To: []string{"marketing@acme.example"},
		Title: "Pinterest destination v5", By: noon.Add(24 * time.Hour), Shutdown: shutdown, Zone: "UTC",
		Accounts: []migration.SignIn{{ID: "a1", Name: "Acme Pinterest", Sandbox: prod}},
	}
}

// A notice that asks people to sign in brings them to a page of their own, and no other one does.
func TestNotifyBringsALink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tweak  func(*migration.Notice)
		linked bool
	}{
		"asks for a sign-in":   {func(*migration.Notice) {}, true},
		"in Chinese":           {func(n *migration.Notice) { n.Language = "zh-TW" }, true},
		"asks for nothing":     {func(n *migration.Notice) { n.Accounts = nil }, false},
		"nobody to be told":    {func(n *migration.Notice) { n.To = nil }, false},
		"is for the operators": {func(n *migration.Notice) { n.Kind, n.To, n.Accounts = migration.NoticeAttention, nil, nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := &paths{receipt: notify.Receipt{Channel: "mail"}}
			w.Notices, w.Links = p, p
			n := asking()
			c.tweak(&n)
			require.Nil(t, must[*Delivery](w, "Notify", n), "what goes well needs no words, and the link is nobody else's")
			require.Len(t, p.delivered, 1)
			sent := p.delivered[0]
			require.Equal(t, n.Key, sent.Key)
			require.Equal(t, n.To, sent.To)
			require.NotEmpty(t, sent.Subject)
			if !c.linked {
				require.Empty(t, p.linked)
				require.NotContains(t, sent.Text+sent.HTML, "reconnect.acme.example")
				return
			}
			require.Equal(t, []string{book + " " + acme}, p.linked)
			require.Contains(t, sent.Text, ownLink)
			require.Contains(t, sent.HTML, ownLink)
		})
	}
}

// Without the link a notice still asks for what must be done, and the operator hears of it.
func TestNotifyGoesOutWithoutALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logs := &memory{}
	w.log = logs
	p := &paths{broken: errors.New("the store does not answer"), receipt: notify.Receipt{
		Channel: "outbox", Faults: []notify.Fault{{Channel: "mail", Why: "connection refused: check the server"}},
	}}
	w.Notices, w.Links = p, p
	require.Equal(t, &Delivery{Channel: "outbox", Faults: []string{
		"channel mail failed: connection refused: check the server", "it holds no link to the reconnect page: the store does not answer",
	}}, must[*Delivery](w, "Notify", asking()))
	require.Contains(t, p.delivered[0].Text, "Acme Pinterest")
	require.Contains(t, logs.all(), "without a link")

	w.Links = nil // no page, so nothing is missing
	p.receipt.Faults = nil
	require.Nil(t, must[*Delivery](w, "Notify", asking()))
}

// A link is not made before a reminder is due.
func TestNotifyMakesNoLinkAheadOfTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := &paths{}
	w.Notices, w.Links = p, p
	n := asking()
	n.NotBefore = w.Emulator.Now().Add(time.Hour)
	_, err := do[*Delivery](w, "Notify", n)
	failed(t, err, NotYet)
	require.Empty(t, p.linked)
}
