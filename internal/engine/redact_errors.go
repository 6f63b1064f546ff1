package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
)

// maxDetails bounds the details of one error that are kept.
const maxDetails = 16

// Interceptor keeps secrets in an activity's error, or its panic, from reaching Temporal. What the error says to the engine stays: its type, whether
// and when it is tried again, its category and its details.
func (r *Redactor) Interceptor() interceptor.WorkerInterceptor {
	return &redactingInterceptor{redactor: r}
}

type redactingInterceptor struct {
	interceptor.WorkerInterceptorBase

	redactor *Redactor
}

// InterceptActivity stands around an activity.
func (i *redactingInterceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &redactingActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, redactor: i.redactor}
}

type redactingActivity struct {
	interceptor.ActivityInboundInterceptorBase

	redactor *Redactor
}

// ExecuteActivity runs the activity.
func (a *redactingActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	defer func() {
		if cause := recover(); cause != nil {
			text := fmt.Sprint(cause)
			if clean := a.redactor.Redact(text); clean != text {
				panic(clean)
			}
			panic(cause) // the SDK makes an error of it
		}
	}()
	result, err := a.Next.ExecuteActivity(ctx, in)
	return result, a.redactor.RedactError(err)
}

// RedactError returns an error without secrets: err itself if there is none in it or in any of its causes.
func (r *Redactor) RedactError(err error) error {
	if err == nil || r.clean(err) {
		return err
	}
	cause := r.RedactError(errors.Unwrap(err))
	switch err := err.(type) { //nolint:errorlint // each of the chain has its turn
	case *temporal.ApplicationError:
		return temporal.NewApplicationErrorWithOptions(r.Redact(err.Message()), err.Type(), temporal.ApplicationErrorOptions{
			NonRetryable: err.NonRetryable(), Cause: cause, Details: details(err), NextRetryDelay: err.NextRetryDelay(), Category: err.Category(),
		})
	case *temporal.CanceledError:
		return temporal.NewCanceledErrorWithOptions(temporal.CanceledErrorOptions{Message: r.Redact(err.Error()), Details: details(err), Cause: cause})
	}
	// What the SDK makes of any other error: one to try again, whose type is the name of its Go type.
	return temporal.NewApplicationErrorWithOptions(r.Redact(err.Error()), typeName(err), temporal.ApplicationErrorOptions{Cause: cause})
}

// clean tells whether an error and all its causes, which Temporal keeps one by one, hold no secret.
func (r *Redactor) clean(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if text := err.Error(); r.Redact(text) != text {
			return false
		}
	}
	return true
}

// details reads all details of an error, which does not tell how many there are: a place that stays as it was is one too many.
func details(err interface{ Details(into ...any) error }) (kept []any) {
	defer func() { _ = recover() }() // the SDK cannot read a nil detail
	type unread struct{}
	for n := 1; n <= maxDetails; n++ {
		values := slices.Repeat([]any{unread{}}, n)
		into := make([]any, n)
		for i := range values {
			into[i] = &values[i]
		}
		if err.Details(into...) != nil || values[n-1] == any(unread{}) {
			break
		}
		kept = values
	}
	return kept
}

// typeName is what the SDK calls an error that is not its own.
func typeName(err error) string {
	kind := reflect.TypeOf(err)
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Name() == "errorString" { // of errors.New
		return ""
	}
	return kind.Name()
}
