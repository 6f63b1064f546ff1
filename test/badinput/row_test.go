package badinput_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"cutover/test/stack"
)

// Exit codes that all three binaries share.
const (
	done   = 0
	failed = 1
	usage  = 2
)

// inResult is the kind of a failure that the printed result tells of, so that no JSON error follows it.
const inResult = "in the result"

// marker is part of every secret that a row plants: nothing may print it.
const marker = "sekret"

// patience bounds one command: each bounds its own waits to less.
const patience = time.Minute

// row is one bad input and what a person must read about it.
type row struct {
	name    string
	files   []file
	env     []string
	command string // split at spaces; the first word is the binary
	code    int
	kind    string   // of the starter's JSON error; empty: usage for exit code 2, else failed
	says    []string // on standard error, each once: what is wrong, where, what to do
	prints  []string // on standard output, of a command that does its work all the same
}

// file is what a row finds in its working directory.
type file struct {
	path, content string
	mode          fs.FileMode // 0600 if not given
}

// folder is the mode of a directory that stands where a file should: also root cannot read it as one.
const folder = fs.ModeDir

func (f file) write(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, f.path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	if f.mode.IsDir() {
		require.NoError(t, os.MkdirAll(path, 0o700))
		return
	}
	mode := f.mode
	if mode == 0 {
		mode = 0o600
	}
	require.NoError(t, os.WriteFile(path, []byte(f.content), 0o600))
	require.NoError(t, os.Chmod(path, mode)) // past the umask
}

// run gives the row's command its surroundings and checks what it does. A command of the starter that fails is also asked for JSON.
func (r row) run(t *testing.T, at place) {
	t.Helper()
	for _, f := range r.files {
		f.write(t, at.dir)
	}
	r.check(t, at.command(t, r.env, r.command))
	if rest, ok := strings.CutPrefix(r.command, "starter "); ok && r.code != done && !strings.Contains(rest, "-o ") {
		r.checkJSON(t, at.command(t, r.env, "starter -o json "+rest))
	}
}

// place is where commands run: the binaries, a working directory and the environment that all of them get.
type place struct {
	binaries stack.Binaries
	dir      string
	env      []string
}

func (p place) command(t *testing.T, env []string, line string) stack.Answer {
	t.Helper()
	words := strings.Fields(line)
	binary := map[string]string{"worker": p.binaries.Worker, "starter": p.binaries.Starter, "emulator": p.binaries.Emulator}[words[0]]
	require.NotEmpty(t, binary, "%q names no binary", line)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := stack.Starter{Binary: binary, Dir: p.dir, Env: slices.Concat(p.env, env)}.Run(ctx, words[1:]...)
	require.NoError(t, err, "it does not end by itself; it said: %s%s", answer.Stderr, answer.Stdout)
	t.Logf("%s: exit code %d\n%s%s", line, answer.Code, answer.Stderr, answer.Stdout)
	return answer
}

// check looks at an answer as a person at a terminal does.
func (r row) check(t *testing.T, a stack.Answer) {
	t.Helper()
	assert.Equal(t, r.code, a.Code, "exit code")
	r.checkMessage(t, a.Stderr)
	for _, part := range r.prints {
		assert.Contains(t, a.Stdout, part)
	}
	if len(r.prints) == 0 {
		assert.Empty(t, a.Stdout, "an error belongs on standard error alone")
	}
	assert.NotContains(t, a.Stdout, marker)
}

// log lines of a worker or emulator that had begun its work; the error itself is a line of its own.
var logLine = regexp.MustCompile(`(?m)^(\{"level":.*\}|\d{4}-\d\d-\d\dT\S+\t.*)\n`)

func (r row) checkMessage(t *testing.T, stderr string) {
	t.Helper()
	assert.NotContains(t, stderr, marker)
	message := logLine.ReplaceAllString(stderr, "")
	for _, part := range r.says {
		assert.Equal(t, 1, strings.Count(message, part), "%q must be said once in: %s", part, message)
	}
	if r.code != done {
		program, _, _ := strings.Cut(r.command, " ")
		assert.Regexp(t, "(?m)^"+program+": ", message, "the message must begin with the program's name")
	}
	checkWording(t, message)
}

// jargon is what means something to those who wrote the program only.
var jargon = regexp.MustCompile(`goroutine \d|panic:|runtime error|\.go:\d|%!|<nil>|0x[0-9a-f]{6}|!!\w|unmarshal|rpc error|in type |` +
	`\b(emulator|migration|config|workflows|activities)\.[A-Z]`)

func checkWording(t *testing.T, message string) {
	t.Helper()
	assert.NotRegexp(t, jargon, message)
	seen := map[string]bool{}
	for line := range strings.Lines(message) {
		assert.False(t, seen[line], "said twice: %s", line)
		seen[line] = true
	}
}

// checkJSON looks at an answer as a program does: the same message, with its kind.
func (r row) checkJSON(t *testing.T, a stack.Answer) {
	t.Helper()
	assert.Equal(t, r.code, a.Code, "exit code with -o json")
	r.checkMessage(t, a.Stderr)
	assert.NotContains(t, a.Stdout, marker)
	for _, part := range r.prints {
		assert.Contains(t, a.Stdout, part)
	}
	if r.kind == inResult {
		assert.NotContains(t, a.Stdout, `"kind"`, "the result tells of the failure already")
		return
	}
	var answer struct {
		Error struct{ Kind, Message string } `json:"error"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.Stdout), &answer), "one JSON object on standard output: %s", a.Stdout)
	kind := r.kind
	if kind == "" {
		kind = map[int]string{failed: "failed", usage: "usage"}[r.code]
	}
	assert.Equal(t, kind, answer.Error.Kind)
	assert.Contains(t, a.Stderr, answer.Error.Message, "people and programs must be told the same")
}
