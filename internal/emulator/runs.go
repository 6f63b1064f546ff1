package emulator

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxWindows bounds the history of a flow: as many runs as ninety days have hours.
const maxWindows = 90 * 24

// maxSummaries bounds the audiences a run counts one by one. The vendor has such figures for some destinations only; a
// page of runs of a long list would not fit into an answer.
const maxSummaries = 100

// flowRun is one run, computed from what flow, account and stage were at its time.
type flowRun struct {
	flow       *flow
	start, end time.Time
	decided    time.Time // the moment whose state of the world decided the outcome
	plan       runPlan
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
			plan, _ := f.runs.at(decided)
			outcome, exists := e.outcomeOf(f, plan, end, decided)
			return !exists || yield(flowRun{f, start, end, decided, plan, outcome})
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
func (e *Emulator) outcomeOf(f *flow, plan runPlan, end, decided time.Time) (outcome runOutcome, exists bool) {
	if plan.how == RunsNone {
		return "", false
	}
	if end.After(e.now) || plan.how == RunsStall {
		return runProcessing, true
	}
	if plan.how == RunsFail || e.closedTo(f.spec, decided) || f.account == nil {
		return runFailed, true
	}
	g, ok := f.account.grants.at(decided)
	if !ok || !g.serves(f.target.advertiser(), decided) {
		return runFailed, true
	}
	return runSuccess, true
}

// closedTo tells that the card stood on an API that was closed at the moment.
func (e *Emulator) closedTo(s *spec, at time.Time) bool {
	closed := e.world.oldClosed
	return s.role == cardOld && !closed.IsZero() && !at.Before(closed)
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
	received := r.plan.received()
	if r.outcome == runProcessing {
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
		counts.Failed = r.plan.lost()
		counts.Created, counts.Output = received-counts.Failed, received-counts.Failed
		if counts.Failed > 0 {
			code, message := lostRecords()
			m.Records.FailedInfo = []runInfo{{Code: code, Message: message, Count: counts.Failed, Type: "Error"}}
		}
	case runFailed:
		counts.Failed = received
		code, message := e.failureOf(r)
		info := runInfo{Code: code, Message: message, Count: received, Type: "Error"}
		m.Records.FailedInfo, m.Status.Errors = []runInfo{info}, []runInfo{info}
	case runProcessing:
	}
	if r.outcome != runProcessing {
		m.Duration.CompletedAtUTC = r.end.UnixMilli()
	}
	m.Size = map[string]int64{"inputBytes": received * 128, "outputBytes": counts.Output * 128}
	target := runSummary{ID: r.flow.target.id, runCounts: counts}
	if audiences := r.flow.audiences(); len(audiences) <= maxSummaries {
		for _, audience := range audiences {
			target.Entities = append(target.Entities, runSummary{ID: "segment:" + audience.ID, runCounts: counts})
		}
	}
	m.Records.runCounts = counts
	m.Records.SourceSummaries = []runSummary{{ID: r.flow.sourceID, runCounts: counts}}
	m.Records.TargetSummaries = []runSummary{target}
	m.Records.SkippedInfo, m.Records.WarningInfo = []runInfo{}, []runInfo{}
	return m
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
	q, bad := parseQuery(c.r.URL.Query())
	if bad != nil {
		return c.refuse(bad.code, "Bad request", "%s", bad.detail)
	}
	flows, since := c.runSelection(&q)
	var runs []*flowRun
	for _, f := range flows {
		for r := range c.runsOf(f, since) {
			runs = append(runs, &r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *flowRun) int {
		return cmp.Or(b.start.Compare(a.start), cmp.Compare(a.flow.id, b.flow.id))
	})
	return c.answerList("/runs", q, each(runs, always, func(r *flowRun) listed { return c.listedRun(*r) }))
}

// runSelection takes out of the query the filters it can answer before any run is computed: a long history of many
// flows is then paged without rendering what no page shows.
func (c *call) runSelection(q *query) (flows []*flow, since time.Time) {
	var ids []string
	q.filters = slices.DeleteFunc(q.filters, func(f filter) bool {
		switch {
		case f.is("flowId", "==") && ids == nil:
			ids = f.values
			return true
		case f.is("metrics.durationSummary.startedAtUTC", ">="):
			ms, err := strconv.ParseInt(f.values[0], 10, 64)
			if from := time.UnixMilli(ms); err == nil && from.After(since) {
				since = from
			}
			return err == nil
		default:
			return false
		}
	})
	for _, f := range c.sandbox.flows {
		if c.visible(f) && (ids == nil || slices.Contains(ids, f.id)) {
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
