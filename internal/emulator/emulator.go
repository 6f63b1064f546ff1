package emulator

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// Options are how one emulator runs; what it emulates is the Scenario. The zero value is ready to use.
type Options struct {
	Clock      func() time.Time // base clock; default time.Now
	Logger     *zap.Logger      // default: none
	Seed       int64            // decides which calls a fault with a probability hits
	LedgerFile string           // the ledger is also written here, one JSON object a line; an old file is replaced
}

// Emulator is Adobe IMS, Flow Service and Pinterest as one http.Handler. It is safe for concurrent use.
type Emulator struct {
	handler http.Handler
	log     *zap.Logger
	seed    int64

	mu       sync.Mutex // guards all below
	clock    clock
	now      time.Time // the moment of what is being done; ledger entries carry it
	start    time.Time
	agenda   agenda
	scenario Scenario
	settings Settings
	world    world
	ledger   *ledger
	secrets  []Secret
	tokens   map[string]*adobeToken
	limiters map[string]*rate.Limiter
	faults   []*activeFault
	faultSeq int
	pins     pinterest
	requests int64
}

// New builds the emulator of a scenario. Close it to close the ledger file.
func New(scenario Scenario, opts Options) (*Emulator, error) {
	if err := scenario.validate(); err != nil {
		return nil, err
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	book, err := openLedger(opts.LedgerFile)
	if err != nil {
		return nil, err
	}
	e := &Emulator{
		log: opts.Logger, seed: opts.Seed, clock: clock{base: opts.Clock}, scenario: scenario, ledger: book,
		settings: scenario.Settings.withDefaults(),
		tokens:   map[string]*adobeToken{}, limiters: map[string]*rate.Limiter{},
	}
	base := e.clock.now()
	e.start = scenario.Start.from(base, base)
	e.clock.offset = e.start.Sub(base)
	e.now = e.start
	e.pins = newPinterest(scenario.Pinterest)
	e.secrets = append(e.secrets, Secret{Kind: "pinterest_client_secret", Value: e.pins.app.ClientSecret})
	if err := e.build(); err != nil {
		return nil, fmt.Errorf("%w (close: %w)", err, book.close())
	}
	for i := range scenario.Faults {
		e.addFault(scenario.Faults[i])
	}
	e.handler = e.routes()
	return e, nil
}

// Close closes the ledger file and reports any entry that could not be written to it.
func (e *Emulator) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ledger.close(); err != nil {
		return err
	}
	return e.ledger.broken
}

// ServeHTTP answers as the vendors do, and as the emulator itself at / and under /_emulator/.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }

// lock takes the emulator and brings it up to the present; the caller unlocks.
func (e *Emulator) lock() {
	e.mu.Lock()
	e.settle()
}

// settle does what has become due, each at its own moment.
func (e *Emulator) settle() {
	present := e.clock.now()
	if present.Before(e.now) {
		present = e.now // a base clock that steps back must not rewrite the past
	}
	e.agenda.catchUp(present, func(at time.Time) { e.now = at })
	e.now = present
}

// initial enters what stands from now on.
func (e *Emulator) initial(entry Entry, sb *sandbox) {
	entry.Op = "initial"
	e.changed(entry, sb)
}

// changed enters what the vendor did by itself.
func (e *Emulator) changed(entry Entry, sb *sandbox) {
	entry.Kind, entry.Actor, entry.Applied = KindState, actorSystem, true
	e.enter(entry, sb)
}

// stage enters that the vendors passed a stage.
func (e *Emulator) stage(name string, at time.Time) {
	e.enter(Entry{
		Kind: KindState, Actor: actorSystem, Op: name, Applied: true, Detail: "since " + at.Format(time.RFC3339),
	}, nil)
}

// enter dates the entry and appends it.
func (e *Emulator) enter(entry Entry, sb *sandbox) {
	entry.At = e.now
	if sb != nil {
		entry.Organization, entry.Sandbox = sb.org.id, sb.name
	}
	e.ledger.append(entry)
}

// withDefaults puts the contract notes' choices where the scenario made none.
func (s Settings) withDefaults() Settings {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&s.TokenLifetime, 86399 * time.Second},
		{&s.RunWindow, time.Hour},
		{&s.RunRetention, 90 * 24 * time.Hour},
		{&s.Lease, 30 * 24 * time.Hour},
		{&s.EtagSettles, time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if s.OtherDataflows == 0 {
		s.OtherDataflows = 2
	}
	return s
}
