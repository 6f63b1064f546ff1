package emulator

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxWindows bounds the history of a flow: as many runs as ninety days have hours.
const maxWindows = 90 * 24

// flowRun is one run, computed from what flow, account and stage were at its time.
type flowRun struct {
	flow       *flow
	start, end time.Time
	decided    time.Time // the moment whose state of the world decided the outcome
	outcome    runOutcome
}

type runOutcome string

const (
	runProcessing runOutcome = "processing"
	runSuccess    runOutcome = "success"
	runFailed     runOutcome = "failed"
)

// id holds the start in milliseconds and a hash of the flow, so that a run can be found again without being stored.
func (r *flowRun) id() string { return runID(r.flow, r.start) }

func runID(f *flow, start time.Time) string {
	ms := fmt.Sprintf("%012x", start.UnixMilli())
	return ms[:8] + "-" + ms[8:] + "-7" + stableID("run", f.id)[15:]
}

// runsOf computes the flow's runs that started no earlier than since, newest first.
func (e *Emulator) runsOf(f *flow, since time.Time) iter.Seq[flowRun] {
	window := e.settings.RunWindow
	oldest := e.now.Add(-min(e.settings.RunRetention, maxWindows*window))
	if since.Before(oldest) {
		since = oldest
	}
	return func(yield func(flowRun) bool) {
		var last time.Time
		give := func(start, end, decided time.Time) bool {
			if start.Before(since) || (!last.IsZero() && !start.Before(last)) {
				return true
			}
			last = start
			outcome, exists := e.outcomeOf(f, end, decided)
			return !exists || yield(flowRun{f, start, end, decided, outcome})
		}
		for _, s := range slices.Backward(f.states.spans(exports)) {
			until := s.to
			if until.IsZero() {
				until = e.now
			}
			if until.Before(since) {
				return
			}
			instant := e.settings.ImmediateRuns
			for start := until.Truncate(window); ; start = start.Add(-window) {
				if instant && !start.After(s.from) {
					instant = false
					if !give(s.from, s.from, s.from) {
						return
					}
				}
				end := start.Add(window)
				if !end.After(s.from) || start.Before(since.Add(-window)) {
					break
				}
				if !s.to.IsZero() && !start.Before(s.to) {
					continue // the flow stopped just as this window began
				}
				decided := end
				if !s.to.IsZero() && s.to.Before(end) {
					decided = s.to
				}
				// The last moment inside: what changes as the window closes belongs to the next one.
				if !give(start, end, decided.Add(-time.Nanosecond)) {
					return
				}
			}
		}
	}
}

// outcomeOf says how the run of a window that closes at end turned out, judged by the world as it was at decided.
func (e *Emulator) outcomeOf(f *flow, end, decided time.Time) (outcome runOutcome, exists bool) {
	how, _ := f.runs.at(decided)
	if how == RunsNone {
		return "", false
	}
	if end.After(e.now) || how == RunsStall {
		return runProcessing, true
	}
	if how == RunsFail || e.unreachable(f, decided) || f.account == nil {
		return runFailed, true
	}
	g, ok := f.account.grants.at(decided)
	if !ok || !g.serves(f.target.advertiser(), decided) {
		return runFailed, true
	}
	return runSuccess, true
}

// unreachable tells that the flow's card stood on an API that was closed at the moment.
func (e *Emulator) unreachable(f *flow, at time.Time) bool {
	closed := e.world.oldClosed
	return f.spec.role == cardOld && !closed.IsZero() && !at.Before(closed)
}

// lastRun is the flow's newest completed run, or nil.
func (e *Emulator) lastRun(f *flow) *lastRunBody {
	looked := 0
	for r := range e.runsOf(f, time.Time{}) {
		if r.outcome != runProcessing {
			return &lastRunBody{r.id(), string(r.outcome), r.start.UnixMilli(), r.end.UnixMilli()}
		}
		if looked++; looked == 3 {
			break
		}
	}
	return nil
}

// listedRun renders the run; the streaming form is not published, so it is the batch form without files.
func (e *Emulator) listedRun(r flowRun) listed {
	f := r.flow
	stamp := r.end
	if r.outcome == runProcessing {
		stamp = e.now
	}
	id := r.id()
	body := runBody{
		ID: id, CreatedAt: r.start.UnixMilli(), UpdatedAt: stamp.UnixMilli(),
		CreatedBy: serviceUser, UpdatedBy: serviceUser, CreatedClient: serviceUser, UpdatedClient: serviceUser,
		SandboxID: f.sandbox.id, SandboxName: f.sandbox.name, IMSOrgID: f.sandbox.org.id,
		FlowID: f.id, FlowSpec: version1(f.spec.FlowSpecID), ProviderRefID: stableID("provider ref", id),
		Etag: etag(id, 1, stamp), Activities: []any{}, Metrics: e.metricsOf(r),
	}
	return listed{value: body, served: Served{ID: id, State: string(r.outcome)}}
}

func (e *Emulator) metricsOf(r flowRun) runMetrics {
	received := int64(r.flow.profiles)
	if how, _ := r.flow.runs.at(r.decided); how == RunsEmpty || r.outcome == runProcessing {
		received = 0
	}
	counts := runCounts{Input: received}
	m := runMetrics{
		Duration: runDuration{StartedAtUTC: r.start.UnixMilli()},
		Latency:  map[string]int{"minMs": 40, "maxMs": 900, "avgMs": 210},
		Status:   runStatus{Status: e.spell(r.outcome), Errors: []runInfo{}, ActivityRefs: []any{}},
	}
	m.Records.FailedInfo = []runInfo{}
	switch r.outcome {
	case runSuccess:
		counts.Created, counts.Output = received, received
	case runFailed:
		counts.Failed = received
		info := runInfo{Code: "ACTIVATION_STREAM-0000-FAILED", Message: e.failureOf(r), Count: received, Type: "Error"}
		m.Records.FailedInfo, m.Status.Errors = []runInfo{info}, []runInfo{info}
	case runProcessing:
	}
	if r.outcome != runProcessing {
		m.Duration.CompletedAtUTC = r.end.UnixMilli()
	}
	m.Size = map[string]int64{"inputBytes": received * 128, "outputBytes": counts.Output * 128}
	target := runSummary{ID: r.flow.target.id, runCounts: counts}
	for _, audience := range r.flow.audiences() {
		target.Entities = append(target.Entities, runSummary{ID: "segment:" + audience.ID, runCounts: counts})
	}
	m.Records.runCounts = counts
	m.Records.SourceSummaries = []runSummary{{ID: r.flow.sourceID, runCounts: counts}}
	m.Records.TargetSummaries = []runSummary{target}
	m.Records.SkippedInfo, m.Records.WarningInfo = []runInfo{}, []runInfo{}
	return m
}

// failureOf says why the run failed.
func (e *Emulator) failureOf(r flowRun) string {
	if e.unreachable(r.flow, r.decided) {
		return "the destination's API answered 410"
	}
	return "the destination did not accept the account's authorization"
}

// spell writes the status in the spelling that is set; the vendor's documents show several.
func (e *Emulator) spell(outcome runOutcome) string {
	switch e.settings.RunStatus {
	case "title":
		return strings.ToUpper(string(outcome[:1])) + string(outcome[1:])
	case "upper":
		return strings.ToUpper(string(outcome))
	default:
		return string(outcome)
	}
}

// listRuns is GET /runs, newest first.
func (c *call) listRuns() answer {
	flows, since := c.runSelection()
	var runs []*flowRun
	for _, f := range flows {
		for r := range c.runsOf(f, since) {
			runs = append(runs, &r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *flowRun) int {
		return cmp.Or(b.start.Compare(a.start), cmp.Compare(a.flow.id, b.flow.id))
	})
	return c.list("/runs", each(runs, always, func(r *flowRun) listed { return c.listedRun(*r) }))
}

// runSelection narrows what has to be computed; the filters themselves are applied afterwards all the same.
func (c *call) runSelection() (flows []*flow, since time.Time) {
	q, bad := parseQuery(c.r.URL.Query())
	if bad != nil {
		return nil, since // list reports it
	}
	wanted := func(*flow) bool { return true }
	for _, property := range q.cursor.Property {
		if ids, ok := strings.CutPrefix(property, "flowId=="); ok {
			wanted = func(f *flow) bool { return slices.Contains(strings.Split(ids, ","), f.id) }
		}
		rest, ok := strings.CutPrefix(property, "metrics.durationSummary.startedAtUTC>")
		if ms, err := strconv.ParseFloat(strings.TrimPrefix(rest, "="), 64); ok && err == nil && math.Abs(ms) < 1<<53 {
			since = time.UnixMilli(int64(ms))
		}
	}
	for _, f := range c.sandbox.flows {
		if c.visible(f) && wanted(f) {
			flows = append(flows, f)
		}
	}
	return flows, since
}

// readRun is GET /runs/{id}.
func (c *call) readRun() answer {
	ms, err := strconv.ParseInt(strings.ReplaceAll(c.entry.ID[:min(13, len(c.entry.ID))], "-", ""), 16, 64)
	if err == nil {
		start := time.UnixMilli(ms)
		for _, f := range c.sandbox.flows {
			if !c.visible(f) || runID(f, start) != c.entry.ID {
				continue
			}
			for r := range c.runsOf(f, start) {
				if r.id() == c.entry.ID {
					return c.one(c.listedRun(r))
				}
			}
		}
	}
	return c.notFound("1101-404", "runs", c.entry.ID)
}
