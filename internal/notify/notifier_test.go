package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// memory keeps receipts as a database does.
type memory struct {
	mu   sync.Mutex
	kept map[string]Receipt
	fail error
}

func (m *memory) Receipt(ctx context.Context, key string) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[key].Channel, m.kept[key].At, ctx.Err()
}

func (m *memory) KeepReceipt(ctx context.Context, key, channel string, at time.Time) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.fail, ctx.Err()); err != nil {
		return "", time.Time{}, err
	}
	if m.kept == nil {
		m.kept = map[string]Receipt{}
	}
	if _, there := m.kept[key]; !there {
		m.kept[key] = Receipt{Channel: channel, At: at}
	}
	return m.kept[key].Channel, m.kept[key].At, nil
}

func (m *memory) failWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// told is a channel that does what the test says and counts.
type told struct {
	name string
	do   func(ctx context.Context, n Notice) error
	sent atomic.Int64
}

func (c *told) Name() string { return c.name }

func (c *told) Send(ctx context.Context, n Notice) error {
	c.sent.Add(1)
	return c.do(ctx, n)
}

func well(context.Context, Notice) error { return nil }

func fails(err error) func(context.Context, Notice) error {
	return func(context.Context, Notice) error { return err }
}

func hangs(ctx context.Context, _ Notice) error {
	<-ctx.Done()
	return ctx.Err()
}

// clock stands still until it is moved.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time       { return noon.Add(time.Duration(c.Load())) }
func (c *clock) move(d time.Duration) { c.Add(int64(d)) }

func notifier(receipts Receipts, channels ...Channel) (*Notifier, *clock) {
	c := &clock{}
	return NewNotifier(channels, []Channel{&told{name: "pager", do: well}}, receipts, c.now), c
}

func TestTheFirstChannelThatDeliversIsTheOne(t *testing.T) {
	t.Parallel()
	broken, second, third := &told{name: "mail", do: fails(down("mx broke"))}, &told{name: "webhook", do: well}, &told{name: "outbox", do: well}
	n, _ := notifier(&memory{}, broken, second, third)
	receipt, err := n.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, Receipt{Key: "k", At: noon, Channel: "webhook", Faults: []Fault{{"mail", "mx broke"}}}, receipt)
	require.Zero(t, third.sent.Load())
}

func TestNoticesToNobodyAreTheOperators(t *testing.T) {
	t.Parallel()
	mail := &told{name: "mail", do: well}
	n, _ := notifier(&memory{}, mail)
	forOperator := notice("k")
	forOperator.To = nil
	receipt, err := n.Deliver(t.Context(), forOperator)
	require.NoError(t, err)
	require.Equal(t, "pager", receipt.Channel)
	require.Zero(t, mail.sent.Load())
}

func TestAKeyIsSentOnce(t *testing.T) {
	t.Parallel()
	receipts := &memory{}
	mail := &told{name: "mail", do: well}
	n, c := notifier(receipts, &told{name: "chat", do: fails(refused("no"))}, mail)
	first, err := n.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Len(t, first.Faults, 1)
	c.move(time.Hour)
	again, err := n.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, Receipt{Key: "k", At: noon, Channel: "mail"}, again, "faults are told once")

	restarted, _ := notifier(receipts, mail)
	third, err := restarted.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, again, third, "another process knows it")
	require.EqualValues(t, 1, mail.sent.Load())
	_, err = n.Deliver(t.Context(), notice("l"))
	require.NoError(t, err)
	require.EqualValues(t, 2, mail.sent.Load(), "another key is another notice")
}

func TestManyDeliverOneKey(t *testing.T) {
	t.Parallel()
	mail := &told{name: "mail", do: well}
	n := NewNotifier([]Channel{mail}, nil, &memory{}, ticking())
	receipts := make([]Receipt, 64)
	var group errgroup.Group
	for i := range receipts {
		group.Go(func() (err error) {
			receipts[i], err = n.Deliver(t.Context(), notice(strconv.Itoa(i%2)))
			return err
		})
	}
	require.NoError(t, group.Wait())
	for i, receipt := range receipts {
		require.Equal(t, receipts[i%2], receipt)
	}
	require.EqualValues(t, 2, mail.sent.Load())
	require.Empty(t, n.keys.held)
}

func TestWhoWaitsForAKeyCanGiveUp(t *testing.T) {
	t.Parallel()
	started, end := make(chan struct{}), make(chan struct{})
	n, _ := notifier(&memory{}, &told{name: "mail", do: func(context.Context, Notice) error {
		close(started)
		<-end
		return nil
	}})
	var group errgroup.Group
	group.Go(func() error {
		_, err := n.Deliver(t.Context(), notice("k"))
		return err
	})
	<-started
	_, err := n.Deliver(within(t, 10*time.Millisecond), notice("k"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(end)
	require.NoError(t, group.Wait())
}

func TestTheFirstReceiptWins(t *testing.T) {
	t.Parallel()
	receipts := &memory{}
	n, _ := notifier(receipts, &told{name: "mail", do: func(ctx context.Context, n Notice) error {
		_, _, err := receipts.KeepReceipt(ctx, n.Key, "outbox", noon.Add(-time.Hour)) // another process was quicker
		return err
	}})
	receipt, err := n.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, Receipt{Key: "k", At: noon.Add(-time.Hour), Channel: "outbox"}, receipt)
}

func TestALostReceiptDoesNotSendAgain(t *testing.T) {
	t.Parallel()
	receipts := &memory{}
	receipts.failWith(errors.New("the database is away"))
	mail := &told{name: "mail", do: well}
	n, c := notifier(receipts, &told{name: "chat", do: fails(refused("no"))}, mail)
	for range 3 {
		_, err := n.Deliver(t.Context(), notice("k"))
		require.EqualError(t, err, "keep the receipt of notice first of AAA@AdobeOrg, which was delivered: the database is away")
	}
	receipts.failWith(nil)
	c.move(time.Hour)
	receipt, err := n.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, Receipt{Key: "k", At: noon, Channel: "mail", Faults: []Fault{{"chat", "no"}}}, receipt)
	require.EqualValues(t, 1, mail.sent.Load())
	require.Empty(t, n.unkept)
}

func TestAReceiptIsKeptAlthoughTheCallerGaveUp(t *testing.T) {
	t.Parallel()
	receipts := &memory{}
	ctx, cancel := context.WithCancel(t.Context())
	n, _ := notifier(receipts, &told{name: "mail", do: func(context.Context, Notice) error {
		cancel()
		return nil
	}})
	_, err := n.Deliver(ctx, notice("k"))
	require.NoError(t, err)
	require.Equal(t, "mail", receipts.kept["k"].Channel)
}

func TestATimeForEachChannel(t *testing.T) {
	t.Parallel()
	n, _ := notifier(&memory{}, &told{name: "mail", do: hangs}, &told{name: "chat", do: hangs}, &told{name: "outbox", do: well})
	receipt, err := n.Deliver(within(t, 400*time.Millisecond), notice("k"))
	require.NoError(t, err, "the last one has its share")
	require.Equal(t, "outbox", receipt.Channel)
	require.Len(t, receipt.Faults, 2)

	shares := func(d time.Duration, channels int) (all []time.Duration) {
		list := make([]Channel, channels)
		for i := range list {
			list[i] = &told{name: "c", do: func(ctx context.Context, _ Notice) error {
				deadline, _ := ctx.Deadline()
				all = append(all, time.Until(deadline).Round(time.Second))
				return refused("no")
			}}
		}
		ctx := t.Context()
		if d > 0 {
			ctx = within(t, d)
		}
		n, _ := notifier(&memory{}, list...)
		_, err := n.Deliver(ctx, notice("k"))
		require.Error(t, err)
		return all
	}
	require.Equal(t, []time.Duration{20 * time.Second}, shares(time.Minute, 1))
	require.Equal(t, []time.Duration{15 * time.Second, 20 * time.Second, 20 * time.Second}, shares(time.Minute, 3))
	require.Equal(t, []time.Duration{20 * time.Second}, shares(0, 1), "also without a deadline")
}

func TestAChannelThatFailedIsTriedLast(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	mail := &told{name: "mail", do: func(context.Context, Notice) error {
		if broken.Load() {
			return down("mx gives no answer")
		}
		return nil
	}}
	outbox := &told{name: "outbox", do: well}
	n, c := notifier(&memory{}, mail, outbox)
	deliver := func(key string) Receipt {
		receipt, err := n.Deliver(t.Context(), notice(key))
		require.NoError(t, err)
		return receipt
	}
	require.Equal(t, []Fault{{"mail", "mx gives no answer"}}, deliver("1").Faults)
	second := deliver("2")
	require.Equal(t, "outbox", second.Channel)
	require.Equal(t, []Fault{{"mail", "failed lately and is left alone for some minutes: mx gives no answer"}}, second.Faults, "a notice that took another way says so")
	require.EqualValues(t, 1, mail.sent.Load())

	broken.Store(false)
	c.move(rest)
	require.Equal(t, Receipt{Key: "3", At: noon.Add(rest), Channel: "mail"}, deliver("3"))

	broken.Store(true)
	deliver("4")
	broken.Store(false)
	outbox.do = fails(errors.New("disk full"))
	fifth := deliver("5")
	require.Equal(t, "mail", fifth.Channel, "last is not never")
	require.Equal(t, []Fault{{"outbox", "disk full"}}, fifth.Faults)
	require.Equal(t, Receipt{Key: "6", At: noon.Add(rest), Channel: "mail"}, deliver("6"), "who delivers is well again")
}

func TestARefusedNoticeSaysNothingOfTheNext(t *testing.T) {
	t.Parallel()
	mail := &told{name: "mail", do: fails(refused("mx takes no recipient"))}
	n, _ := notifier(&memory{}, mail, &told{name: "outbox", do: well})
	for i := range 2 {
		receipt, err := n.Deliver(t.Context(), notice(strconv.Itoa(i)))
		require.NoError(t, err)
		require.Equal(t, []Fault{{"mail", "mx takes no recipient"}}, receipt.Faults)
	}
	require.EqualValues(t, 2, mail.sent.Load())
}

func TestDeliveredToSomeIsDelivered(t *testing.T) {
	t.Parallel()
	outbox := &told{name: "outbox", do: well}
	n, _ := notifier(&memory{}, &told{name: "mail", do: fails(&PartialError{Why: "data@acme.example is refused"})}, outbox)
	receipt, err := n.Deliver(t.Context(), notice("k"))
	require.NoError(t, err)
	require.Equal(t, Receipt{Key: "k", At: noon, Channel: "mail", Faults: []Fault{{"mail", "data@acme.example is refused"}}}, receipt)
	require.Zero(t, outbox.sent.Load(), "the others would get it twice")
}

func TestNobodyDelivers(t *testing.T) {
	t.Parallel()
	mail := &told{name: "mail", do: fails(down("mx broke"))}
	n, _ := notifier(&memory{}, mail, &told{name: "outbox", do: fails(errors.New("disk full"))})
	for range 2 {
		_, err := n.Deliver(t.Context(), notice("k"))
		var undelivered *UndeliveredError
		require.ErrorAs(t, err, &undelivered)
		require.Equal(t, []Fault{{"mail", "mx broke"}, {"outbox", "disk full"}}, undelivered.Faults, "in the order of preference, whatever was tried first")
		require.EqualError(t, err, "deliver notice first of AAA@AdobeOrg: no channel took it: mail: mx broke; outbox: disk full")
	}
	none := NewNotifier(nil, nil, &memory{}, time.Now)
	_, err := none.Deliver(t.Context(), notice("k"))
	require.EqualError(t, err, "deliver notice first of AAA@AdobeOrg: no channel took it: none is configured: add one to the channels file")
}

func TestNotifierRefuses(t *testing.T) {
	t.Parallel()
	mail := &told{name: "mail", do: well}
	n, _ := notifier(&memory{}, mail)
	_, err := n.Deliver(t.Context(), notice(""))
	require.ErrorIs(t, err, ErrNoKey)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = n.Deliver(ctx, notice("k"))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, mail.sent.Load())

	ctx, cancel = context.WithCancel(t.Context())
	hanging := &told{name: "mail", do: func(ctx context.Context, _ Notice) error {
		cancel()
		<-ctx.Done()
		return down("mx gives no answer")
	}}
	next := &told{name: "outbox", do: well}
	n, _ = notifier(&memory{}, hanging, next)
	_, err = n.Deliver(ctx, notice("k"))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, next.sent.Load())
	require.Empty(t, n.organizations[0].resting(noon), "giving up is no fault of the channel")
}

// The way a notice takes when a mail server hangs and a receiver is ill, with the real ones.
func TestANoticeFindsItsWay(t *testing.T) {
	t.Parallel()
	host, port := scripted(t, true, "220 hi")
	ill := receive(t, status(http.StatusInternalServerError))
	box, dir := outbox(t)
	n, _ := notifier(&memory{}, newMail(t, MailConfig{Host: host, Port: port, TLS: TLSNone}), Named("hook", newWebhook(t, ill.URL)), newChat(t, room(ill)), box)
	receipt, err := n.Deliver(within(t, 3*time.Second), notice("k"))
	require.NoError(t, err)
	require.Equal(t, "outbox", receipt.Channel)
	require.Len(t, files(t, dir), 2)
	illHost := strings.TrimPrefix(ill.URL, "http://")
	require.Equal(t, []Fault{
		{"mail", fmt.Sprintf("%s:%d gives no answer in time: check that it is up and that no firewall stands between", host, port)},
		{"hook", illHost + " answered 500: check that it is well"},
		{"chat", "generic answered 500: check that it is well"},
	}, receipt.Faults)
}

func TestChannelsShowNoSecret(t *testing.T) {
	t.Parallel()
	mailConfig := MailConfig{Host: "smtp.acme.example", From: "cutover@acme.example", Username: "cutover", Password: NewSecret(canary)}
	hookConfig := WebhookConfig{URL: NewSecret("https://hooks.acme.example/" + canary), Secret: NewSecret(canary)}
	chatConfig := ChatConfig{URL: NewSecret("generic://hooks.acme.example/" + canary)}
	m, err := NewMail(mailConfig)
	require.NoError(t, err)
	w, err := NewWebhook(hookConfig)
	require.NoError(t, err)
	c, err := NewChat(chatConfig)
	require.NoError(t, err)
	n := NewNotifier([]Channel{m, w}, []Channel{Named("x", c)}, &memory{}, time.Now)
	for _, value := range []any{mailConfig, hookConfig, chatConfig, m, *m, w, *w, c, *c, Named("x", w), n, []any{m, w, c}, NewSecret(canary), &hookConfig} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, canary, verb)
			require.NotContains(t, text, fmt.Sprintf("%x", canary), verb)
		}
		data, err := json.Marshal(value)
		if err == nil {
			require.NotContains(t, string(data), canary)
		}
	}
	require.Equal(t, "none [secret]", fmt.Sprintf("%v %v", NewSecret(""), NewSecret(canary)))
}
