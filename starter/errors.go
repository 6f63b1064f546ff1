package main

import (
	"errors"
	"fmt"

	"cutover/internal/yamlfile"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// kind says to programs what went wrong.
type kind string

const (
	kindUsage       kind = "usage"       // command line, manifest or playbook
	kindFailed      kind = "failed"      // anything without a kind of its own
	kindUnreachable kind = "unreachable" // Temporal
	kindNotStarted  kind = "not_started" // the organization has no workflow
	kindFinished    kind = "finished"    // its workflow has ended
	kindRefused     kind = "refused"     // the workflow refused what was asked, and nothing changed
	kindNoWorker    kind = "no_worker"   // nothing polls the task queue
)

// failure is an error with its kind.
type failure struct {
	kind kind
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(k kind, format string, args ...any) error {
	return &failure{kind: k, err: fmt.Errorf(format, args...)}
}

func usage(format string, args ...any) error { return fail(kindUsage, format, args...) }

func isKind(err error, k kind) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.kind == k
}

// toldError is a failure that the printed result tells of already.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

type errorAnswer struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Kind    kind        `json:"kind"`
	Message string      `json:"message"`
	Faults  []faultBody `json:"faults,omitempty"` // of a file, all of them
}

type faultBody struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

// report tells of the error, if there is one, and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(a.stderr, "starter: "+err.Error())
	body := errorBody{Kind: kindFailed, Message: err.Error()}
	if f, ok := errors.AsType[*failure](err); ok {
		body.Kind = f.kind
	}
	if faults, ok := errors.AsType[yamlfile.Faults](err); ok {
		for _, fault := range faults {
			body.Faults = append(body.Faults, faultBody(fault))
		}
	}
	var told toldError
	if a.output == formatJSON && !errors.As(err, &told) {
		_ = writeJSON(a.stdout, errorAnswer{Error: body}) // the line above told it already
	}
	if body.Kind == kindUsage {
		return exitUsage
	}
	return exitFailed
}
