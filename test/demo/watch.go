package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/workflows"
)

const (
	// sampleEvery is how often each organization is asked how it stands.
	sampleEvery = 500 * time.Millisecond
	// answerWithin bounds one question: a worker that was killed does not answer.
	answerWithin = 5 * time.Second
)

// watched is what the organizations said while they were watched.
type watched struct {
	running sync.WaitGroup

	mu        sync.Mutex
	samples   []invariants.Sample
	questions map[string][]migration.Question // by organization
	ended     map[string]bool                 // whose workflow has ended
	events    map[string]int64                // length of its history
}

// watch asks every organization how it stands until its workflow has ended.
func (p *play) watch(ctx context.Context) *watched {
	w := &watched{questions: map[string][]migration.Question{}, ended: map[string]bool{}, events: map[string]int64{}}
	for _, o := range p.organizations {
		w.running.Go(func() { p.follow(ctx, o, w) })
	}
	return w
}

// wait returns when every organization's workflow has ended or patience has.
func (w *watched) wait() *watched {
	w.running.Wait()
	return w
}

func (p *play) follow(ctx context.Context, o *organization, w *watched) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	planned := ""
	for {
		ended := p.ended(ctx, o, w)
		status, err := query[migration.Status](ctx, p, o, workflows.QueryStatus)
		if err == nil {
			w.add(status)
			p.say.progress(o, status)
			o.latest.Store(&status)
			if status.PlanHash != planned && p.questions(ctx, o, w) == nil {
				planned = status.PlanHash
			}
			if ended {
				w.end(o)
				return
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watched) add(status migration.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples = append(w.samples, invariants.Sample{At: time.Now(), Status: status})
}

func (w *watched) end(o *organization) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[o.ID] = true
}

// ended asks the engine, because an outcome that a workflow shows is not the end of it.
func (p *play) ended(ctx context.Context, o *organization, w *watched) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	described, err := p.engine.DescribeWorkflowExecution(ctx, o.workflowID(), "")
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events[o.ID] = described.GetWorkflowExecutionInfo().GetHistoryLength()
	return described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// questions keeps what a new plan asks. A candidate that the plan pairs with another dataflow is not in doubt.
func (p *play) questions(ctx context.Context, o *organization, w *watched) error {
	plan, err := query[*migration.Plan](ctx, p, o, workflows.QueryPlan)
	if err != nil || plan == nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range plan.Questions {
		q.Candidates = slices.DeleteFunc(slices.Clone(q.Candidates), func(id string) bool {
			return slices.ContainsFunc(plan.Pairs, func(p migration.Pair) bool { return p.New == id })
		})
		w.questions[o.ID] = append(w.questions[o.ID], q)
	}
	return nil
}

func query[T any](ctx context.Context, p *play, o *organization, name string) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var result T
	answer, err := p.engine.QueryWorkflow(ctx, o.workflowID(), "", name)
	if err != nil {
		return result, fmt.Errorf("query %s of %s: %w", name, o.ID, err)
	}
	err = answer.Get(&result)
	return result, err
}

// voice tells people what happens, one line at a time.
type voice struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
	phase map[string]migration.Phase
}

func newVoice(out io.Writer) *voice {
	return &voice{out: out, start: time.Now(), phase: map[string]migration.Phase{}}
}

// begin has the clock of the lines start.
func (v *voice) begin(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.start = at
}

func (v *voice) line(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.write(fmt.Sprintf(format, args...))
}

func (v *voice) plain(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.out, format+"\n", args...)
}

func (v *voice) write(text string) {
	fmt.Fprintf(v.out, "%5.1fs  %s\n", time.Since(v.start).Seconds(), text)
}

// progress says when an organization enters a phase, and what it waits for there.
func (v *voice) progress(o *organization, s migration.Status) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.phase[o.ID] == s.Phase {
		return
	}
	v.phase[o.ID] = s.Phase
	text := fmt.Sprintf("%-8s %-17s %-16s", o.Name, o.name, s.Phase)
	if len(s.Waits) > 0 {
		text += " " + shorten(s.Waits[0].Who+": "+s.Waits[0].What)
	}
	v.write(text)
}

// maxLine keeps a line of progress on one line of a terminal.
const maxLine = 90

func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxLine {
		return string(runes[:maxLine-1]) + "…"
	}
	return text
}
