package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"cutover/internal/adobe"
	"cutover/internal/engine"
	"cutover/internal/notify"
	"cutover/internal/pinterest"
)

// Error types that workflows and search attributes know. They are frozen by histories.
const (
	NotYet            = "NotYet"            // benign: what is waited for has not happened
	RateLimited       = "RateLimited"       // 429: retried when the vendor says
	Unavailable       = "VendorUnavailable" // 5xx, timeout, broken connection: retried with backoff
	Stopped           = "WritesStopped"     // by an operator: retried, which the queue holds until the release
	TokenRefused      = "TokenRefused"      // 401 although the token was renewed: retried, a person is told when that does not help
	CredentialRefused = "CredentialRefused" // Adobe does not take the client secret or its scopes
	ReauthRequired    = "ReauthRequired"    // the account's sign-in is over
	PlanStale         = "PlanStale"         // a side of the pair changed since the plan
	Refused           = "VendorRefused"     // 400, 403, 404, 410, 422: repeating it does not help
	RollbackRefused   = "RollbackRefused"   // nothing leads back, or going back would lose changes
	Malformed         = "MalformedAnswer"   // not what the contract says
	Misconfigured     = "Misconfigured"     // our own configuration lacks something
	ChannelFailed     = "ChannelFailed"     // a notice went by another channel than the first
	NoticeUndelivered = "NoticeUndelivered" // a notice went by no channel: retried
)

// lookAgain is how soon a write is looked at again whose answer was lost, or that was not sent because writes are stopped: then the queue holds it.
const lookAgain = time.Second

// mapError turns what a client or a store returned into the error a workflow sees: its type says what follows. The text is the clients' own,
// which they keep free of secrets and of bodies that could hold one.
func mapError(ctx context.Context, operation string, err error) error {
	if err == nil {
		return nil
	}
	var (
		application *temporal.ApplicationError
		answer      *adobe.Error
		token       *adobe.TokenError
		malformed   *adobe.MalformedError
		transport   *adobe.TransportError
		partner     *pinterest.Error
		garbled     *pinterest.MalformedError
	)
	var (
		undelivered *notify.UndeliveredError
		lost        lostAnswer
		gate        *engine.GateError
	)
	message := fmt.Sprintf("%s: %v", operation, err)
	switch {
	case errors.As(err, &application):
		return err
	case ctx.Err() != nil:
		return ctx.Err() // cancelled or out of time: the engine knows
	case errors.As(err, &gate) && gate.Cause == nil:
		return benign(message, Stopped, lookAgain)
	case errors.As(err, &gate):
		return transient(message, Unavailable, lookAgain)
	case errors.As(err, &undelivered):
		return transient(message, NoticeUndelivered, 0)
	case errors.As(err, &malformed), errors.As(err, &garbled):
		return permanent(message, Malformed)
	case errors.Is(err, pinterest.ErrInvalidGrant):
		return permanent(message, ReauthRequired)
	case errors.Is(err, pinterest.ErrUnauthorized): // only tokens are asked for here, so it is the app's own secret
		return permanent(message, Misconfigured)
	case errors.As(err, &partner):
		return mapStatus(message, partner.Status, partner.RetryAfter, Refused)
	case errors.As(err, &token):
		return mapStatus(message, token.Status, token.RetryAfter, CredentialRefused)
	case errors.Is(err, adobe.ErrPrecondition):
		return permanent(message, PlanStale)
	case errors.As(err, &answer):
		return mapStatus(message, answer.Status, answer.RetryAfter, Refused)
	case errors.As(err, &lost):
		return transient(message, Unavailable, lookAgain)
	case errors.As(err, &transport), errors.Is(err, context.DeadlineExceeded):
		return transient(message, Unavailable, 0)
	}
	var misconfigured interface{ Misconfigured() bool }
	if errors.As(err, &misconfigured) {
		return permanent(message, Misconfigured)
	}
	return transient(message, Unavailable, 0)
}

func mapStatus(message string, status int, retryAfter time.Duration, refused string) error {
	switch {
	case status == 429:
		return transient(message, RateLimited, retryAfter)
	case status == 401 && refused == Refused:
		return transient(message, TokenRefused, 0)
	case status == 408, status >= 500:
		return transient(message, Unavailable, retryAfter)
	default:
		return permanent(message, refused)
	}
}

// hopeless tells that nothing more comes of asking the vendor about this entity: it refuses to answer, or fails again where it failed before. Being
// throttled, cancelled or unauthorized says nothing of the entity.
func hopeless(ctx context.Context, err error) bool {
	var (
		answer    *adobe.Error
		malformed *adobe.MalformedError
		transport *adobe.TransportError
		again     = activity.GetInfo(ctx).Attempt > 1
	)
	switch {
	case ctx.Err() != nil, errors.Is(err, adobe.ErrUnauthorized):
		return false
	case errors.As(err, &answer):
		return answer.Status != 429 && (again || !answer.Temporary())
	case errors.As(err, &malformed):
		return malformed.Sandbox != "" // else it is about a token
	case errors.As(err, &transport):
		return again && transport.Sandbox != ""
	}
	return false
}

func transient(message, kind string, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{NextRetryDelay: after})
}

func permanent(message, kind string) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{NonRetryable: true})
}

// notYet is how a poll says that it must look again: retries write no history, no error is counted, and the Web UI shows the last answer.
func notYet(answer string, after time.Duration) error { return benign(answer, NotYet, after) }

// benign is a failure that is nobody's fault: it is logged for whoever looks closely, and counted nowhere.
func benign(message, kind string, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: after, Category: temporal.ApplicationErrorCategoryBenign,
	})
}
