package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

// refusal is an error of a package that knows no Temporal.
type refusal struct{ word string }

func (r *refusal) Error() string { return "refused " + r.word }

func TestErrorsKeepWhatTheEngineNeeds(t *testing.T) {
	t.Parallel()
	r := NewRedactor(canary)
	err := r.RedactError(temporal.NewApplicationErrorWithOptions("said "+canary, "Kind", temporal.ApplicationErrorOptions{
		NonRetryable: true, NextRetryDelay: time.Minute, Category: temporal.ApplicationErrorCategoryBenign,
		Details: []any{"detail", 7, struct{ A string }{"a"}}, Cause: fmt.Errorf("because %s: %w", canary, &refusal{canary}),
	}))
	var got *temporal.ApplicationError
	require.ErrorAs(t, err, &got)
	require.Equal(t, "said [redacted]", got.Message())
	require.Equal(t, "Kind", got.Type())
	require.True(t, got.NonRetryable())
	require.Equal(t, time.Minute, got.NextRetryDelay())
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, got.Category())
	var text string
	var number int
	var value struct{ A string }
	require.NoError(t, got.Details(&text, &number, &value))
	require.Equal(t, []any{"detail", 7, "a"}, []any{text, number, value.A})
	require.Error(t, got.Details(new(any), new(any), new(any), new(any)), "no detail is made up")
	require.EqualError(t, err, "said [redacted] (type: Kind, retryable: false): because [redacted]: refused [redacted] (type: wrapError, retryable: true): refused [redacted] (type: refusal, retryable: true)")
}

func TestErrorsThatCrossedTemporalKeepTheirDetails(t *testing.T) {
	t.Parallel()
	failures := temporal.GetDefaultFailureConverter()
	crossed := failures.FailureToError(failures.ErrorToFailure(temporal.NewApplicationError("said "+canary, "Kind", "detail", 7)))
	err := NewRedactor(canary).RedactError(crossed)
	crossed = failures.FailureToError(failures.ErrorToFailure(err))
	var got *temporal.ApplicationError
	require.ErrorAs(t, crossed, &got)
	require.Equal(t, "said [redacted]", got.Message())
	var text string
	var number, third int
	require.NoError(t, got.Details(&text, &number, &third))
	require.Equal(t, []any{"detail", 7, 0}, []any{text, number, third})
}

func TestErrorsWithoutASecretAreTheSame(t *testing.T) {
	t.Parallel()
	r := NewRedactor(canary)
	for _, err := range []error{
		nil, errors.New("plain"), &refusal{"plainly"}, context.Canceled, context.DeadlineExceeded, activity.ErrResultPending, temporal.NewCanceledError("detail"),
		temporal.NewApplicationError("plain", "Kind", "detail "+canary), // details are the code's own choice
		fmt.Errorf("wrapped: %w", temporal.NewNonRetryableApplicationError("plain", "Kind", nil)),
	} {
		require.True(t, r.RedactError(err) == err, "%v", err) //nolint:errorlint,testifylint // the very same
	}
}

func TestCancellationStaysCancellation(t *testing.T) {
	t.Parallel()
	r := NewRedactor(canary)
	err := r.RedactError(fmt.Errorf("ask %s: %w", canary, context.Canceled))
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), canary)

	err = r.RedactError(temporal.NewCanceledErrorWithOptions(temporal.CanceledErrorOptions{Message: "stopped " + canary, Details: []any{"detail"}}))
	var canceled *temporal.CanceledError
	require.ErrorAs(t, err, &canceled)
	require.EqualError(t, err, "stopped [redacted]")
	var text string
	require.NoError(t, canceled.Details(&text))
	require.Equal(t, "detail", text)

	require.EqualError(t, r.RedactError(temporal.NewApplicationError("x "+canary, "", nil)), "x [redacted]", "a nil detail is no reason to fail")
}

func TestNothingLeavesAnActivityWithASecret(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail func() error
		kind string
	}{
		"application error": {func() error {
			return temporal.NewNonRetryableApplicationError("said "+canary, "Kind", errors.New(canary))
		}, "Kind"},
		"plain error":        {func() error { return errors.New("said " + canary) }, ""},
		"error of a package": {func() error { return &refusal{canary} }, "refusal"},
		"wrapped error":      {func() error { return fmt.Errorf("said: %w", &refusal{canary}) }, "wrapError"},
		"joined errors":      {func() error { return errors.Join(errors.New("one"), &refusal{canary}) }, "joinError"},
		"panic":              {func() error { panic("at " + canary) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(r *Redactor) error {
				var suite testsuite.WorkflowTestSuite
				env := suite.NewTestActivityEnvironment()
				env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{r.Interceptor()}})
				env.RegisterActivityWithOptions(func() error { return tc.fail() }, activity.RegisterOptions{Name: "fail"})
				_, err := env.ExecuteActivity("fail")
				require.Error(t, err)
				return err
			}
			leaky, err := run(nil), run(NewRedactor(canary))
			require.ErrorContains(t, leaky, canary)
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				require.NotContains(t, cause.Error(), canary)
			}
			require.ErrorContains(t, err, redacted)
			var was, is *temporal.ApplicationError
			if errors.As(leaky, &was) {
				require.ErrorAs(t, err, &is)
				require.Equal(t, tc.kind, is.Type())
				require.Equal(t, was.Type(), is.Type())
				require.Equal(t, was.NonRetryable(), is.NonRetryable())
			}
		})
	}
}
