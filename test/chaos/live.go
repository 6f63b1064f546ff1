package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"cutover/internal/emulator"
	"cutover/internal/migration"
	"cutover/test/invariants"
	"cutover/test/stack"
	"cutover/workflows"
)

const (
	// sampleEvery is how often an organization is asked how it stands while something happens to it.
	sampleEvery = time.Second
	// sampleQuiet is how often while nothing does: what a workflow says is then moved by its timers alone.
	sampleQuiet = 4 * time.Second
	// restAfter times as long as an answer took nobody asks: a server on a busy machine must not be kept busy by whoever looks on.
	restAfter = 5
)

func (o *organization) workflowID() string { return workflows.WorkflowID(playbookName, o.ID) }

// live starts the organization's workflow, has its people act, and follows it to its end.
func (o *organization) live(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, orgPatience, fmt.Errorf("no end after %s", orgPatience))
	defer cancel()
	if err := stack.Pause(ctx, o.delay); err != nil {
		return
	}
	o.began = time.Now()
	if err := errors.Join(o.consented(ctx), o.spoil(ctx), o.begin(ctx)); err != nil {
		o.trouble = err
		return
	}
	defer o.mend(context.WithoutCancel(ctx))
	var following sync.WaitGroup
	following.Go(func() { o.follow(ctx) })
	acting, stop := context.WithCancelCause(ctx)
	following.Go(func() { o.losesTokens(acting) })
	o.trouble = o.people(acting, o)
	stop(nil)
	following.Wait()
}

// begin starts the workflow, however often it takes.
func (o *organization) begin(ctx context.Context) error {
	p, err := o.playbook()
	if err != nil {
		return err
	}
	in := workflows.Input{Organization: o.Organization, Playbook: p}
	for {
		trying, cancel := context.WithTimeout(ctx, answerWithin)
		_, err := o.run.engine.ExecuteWorkflow(trying, workflows.StartOptions(in, time.Now()), workflows.MigrateOrganizationName, in)
		cancel()
		var started *serviceerror.WorkflowExecutionAlreadyStarted
		if err == nil || errors.As(err, &started) { // by an earlier try whose answer was lost
			return nil
		}
		if err := stack.Pause(ctx, startEvery); err != nil {
			return fmt.Errorf("start the workflow: %w", err)
		}
	}
}

// losesTokens ends the organization's access tokens a while after the sign-in, if that was drawn.
func (o *organization) losesTokens(ctx context.Context) {
	if o.expire == 0 {
		return
	}
	for !o.any(func(e emulator.Entry) bool { return afterSignIn.reached(e, false) || afterRenewal.reached(e, false) }) {
		if stack.Pause(ctx, lookEvery) != nil {
			return
		}
	}
	if stack.Pause(ctx, o.expire) == nil {
		_ = o.run.vendor.ExpireTokens(ctx, o.client.ClientID) // a client that has none loses none
	}
}

func (o *organization) any(such func(emulator.Entry) bool) bool {
	return slices.ContainsFunc(o.entries(), such)
}

// follow asks the organization how it stands until its workflow has ended.
func (o *organization) follow(ctx context.Context) {
	planned := ""
	for {
		o.stirred.Store(false)
		asking := time.Now()
		status, err := query[migration.Status](ctx, o, workflows.QueryStatus)
		if err == nil {
			o.sample(status)
			o.hear(ctx, status)
			if status.PlanHash != planned && o.asked(ctx) == nil {
				planned = status.PlanHash
			}
			// An outcome that a workflow shows is not the end of it.
			if status.Phase.Done() && o.closed(ctx) {
				o.finish(ctx)
				return
			}
		}
		if o.rest(ctx, restAfter*time.Since(asking)) != nil {
			return
		}
	}
}

// rest lets time pass until it is worth asking again, at least this long.
func (o *organization) rest(ctx context.Context, atLeast time.Duration) error {
	if err := stack.Pause(ctx, min(atLeast, answerWithin)); err != nil {
		return err
	}
	for rested := time.Duration(0); rested == 0 || rested < sampleQuiet && !o.stirred.Load(); rested += sampleEvery {
		if err := stack.Pause(ctx, sampleEvery); err != nil {
			return err
		}
	}
	return nil
}

// finish takes the last word, which may be later than the last sample.
func (o *organization) finish(ctx context.Context) {
	status, err := query[migration.Status](ctx, o, workflows.QueryStatus)
	for err != nil {
		if stack.Pause(ctx, tryAgain) != nil {
			return
		}
		status, err = query[migration.Status](ctx, o, workflows.QueryStatus)
	}
	o.sample(status)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
}

// sample keeps a status that says something new.
func (o *organization) sample(status migration.Status) {
	last := o.latest.Swap(&status)
	if last != nil && reflect.DeepEqual(*last, status) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.samples = append(o.samples, invariants.Sample{At: time.Now(), Status: status})
}

func (o *organization) closed(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	described, err := o.run.engine.DescribeWorkflowExecution(ctx, o.workflowID(), "")
	return err == nil && described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// asked keeps what a new plan asks. A candidate that the plan pairs with another dataflow is not in doubt.
func (o *organization) asked(ctx context.Context) error {
	plan, err := query[*migration.Plan](ctx, o, workflows.QueryPlan)
	if err != nil || plan == nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, q := range plan.Questions {
		q.Candidates = slices.DeleteFunc(slices.Clone(q.Candidates), func(id string) bool {
			return slices.ContainsFunc(plan.Pairs, func(p migration.Pair) bool { return p.New == id })
		})
		o.questions = append(o.questions, q)
	}
	return nil
}

func query[T any](ctx context.Context, o *organization, name string) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var result T
	answer, err := o.run.engine.QueryWorkflow(ctx, o.workflowID(), "", name)
	if err != nil {
		return result, fmt.Errorf("query %s of %s: %w", name, o.ID, err)
	}
	err = answer.Get(&result)
	return result, err
}
