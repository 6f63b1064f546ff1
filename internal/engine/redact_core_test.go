package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const canary = "s3cr3t/canary+91ab"

// teller is a Stringer, an error and a marshaler that tells too much.
type teller struct{ Word string }

func (s teller) String() string { return "word " + s.Word }
func (s teller) Error() string  { return "failed with " + s.Word }
func (s teller) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("word", s.Word)
	return e.AddReflected("more", map[string]string{"deep": s.Word})
}

// verbose is an error whose details say more than its message.
type verbose struct{ word string }

func (verbose) Error() string { return "failed" }
func (v verbose) Format(f fmt.State, verb rune) {
	fmt.Fprint(f, "failed")
	if verb == 'v' && f.Flag('+') {
		fmt.Fprint(f, " with "+v.word)
	}
}

func everyField(word string) []zapcore.Field {
	return []zapcore.Field{
		zap.String("string", "is "+word), zap.Error(fmt.Errorf("outer: %w", errors.New(word))), zap.NamedError("verbose", verbose{word}),
		zap.Stringer("stringer", teller{word}), zap.Reflect("reflected", map[string]any{"a": []string{word}, "n": 1}), zap.Any("struct", struct{ Word string }{word}),
		zap.Strings("strings", []string{"x", word}), zap.Errors("errors", []error{teller{word}}), zap.Object("object", teller{word}), zap.Inline(teller{word}),
		zap.ByteString("bytes", []byte(word)), zap.Binary("binary", []byte("..."+word)), zap.Any("any", teller{word}), zap.Dict("dict", zap.String("x", word)),
		zap.Stringp("pointer", &word), zap.Reflect("raw", json.RawMessage(`{"access_token":"`+word+`"}`)),
	}
}

func TestNoLineHoldsASecret(t *testing.T) {
	t.Parallel()
	for _, format := range []string{FormatJSON, FormatConsole} {
		for _, field := range everyField(canary) {
			var plain, out bytes.Buffer
			leaky, err := NewLogger(format, "debug", &plain)
			require.NoError(t, err)
			leaky.Info("line", field)
			require.NotZero(t, holdsAny(plain.Bytes()), "%s would leak", field.Key)

			logger, err := NewRedactedLogger(format, "debug", &out, NewRedactor(canary))
			require.NoError(t, err)
			logger.Info("written "+canary, field)
			logger.With(field).Warn("with")
			logger.WithLazy(field).Warn("with lazily")
			logger.Sugar().Errorw("sugared", "key", canary, "cause", errors.New(canary))
			require.Zero(t, holdsAny(out.Bytes()), "%s: %s", field.Key, out.String())
			require.GreaterOrEqual(t, strings.Count(out.String(), redacted), 6, "%s: %s", field.Key, out.String())
			if format == FormatJSON {
				for line := range bytes.Lines(out.Bytes()) {
					require.True(t, json.Valid(line), string(line))
				}
			}
		}
	}
}

// holdsAny counts the forms of the canary that are there.
func holdsAny(text []byte) (n int) {
	for _, f := range formsOf(canary) {
		n += bytes.Count(text, []byte(f.text))
	}
	return n
}

func TestLinesWithoutASecretAreTheSame(t *testing.T) {
	t.Parallel()
	fields := append(everyField("harmless"), zap.Int("n", 7), zap.Duration("d", time.Second), zap.Time("t", time.Unix(1, 0)), zap.Bool("b", true), zap.Namespace("inner"),
		zap.Error(nil), zap.Stringer("nil", (*teller)(nil)), zap.NamedError("no error", (*teller)(nil)), zap.Reflect("channel", make(chan int)), zap.Skip())
	fields = append(fields[:15], fields[16:]...) // the raw one names a token
	for _, format := range []string{FormatJSON, FormatConsole} {
		var plain, out bytes.Buffer
		for w, redactor := range map[*bytes.Buffer]*Redactor{&plain: nil, &out: NewRedactor(canary)} {
			logger, err := NewRedactedLogger(format, "info", w, redactor)
			require.NoError(t, err)
			logger = logger.WithOptions(zap.WithClock(still{}), zap.AddStacktrace(zapcore.ErrorLevel))
			logger.Debug("below the level")
			logger.With(fields...).Error("line", fields...)
		}
		require.Equal(t, plain.String(), out.String())
		require.NotContains(t, out.String(), redacted)
		require.NotContains(t, out.String(), "below")
	}
}

// still is a clock that stands.
type still struct{}

func (still) Now() time.Time                       { return time.Unix(0, 0) }
func (still) NewTicker(time.Duration) *time.Ticker { return nil }

func TestTheSDKsLinesAreRedactedToo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	redactor := NewRedactor()
	base, err := NewRedactedLogger(FormatJSON, "debug", &out, redactor)
	require.NoError(t, err)
	logger := log.With(SDKLogger(base), "Who", "worker")
	redactor.Add(canary) // a token that came up after the logger was made
	logger.Error("Activity error.", "Error", errors.New("refused "+canary), "Body", map[string]string{"b": canary})
	require.Zero(t, holdsAny(out.Bytes()), out.String())
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "refused [redacted]", line["Error"])
	require.Equal(t, map[string]any{"b": "[redacted]"}, line["Body"], "what is around it stays")
	require.Equal(t, "worker", line["Who"])
}
