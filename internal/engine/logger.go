package engine

import (
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Formats of NewLogger.
const (
	FormatJSON    = "json"    // one object per line, for machines
	FormatConsole = "console" // for people
)

// NewLogger returns a logger that writes lines of this format and level (debug, info, warn or error) to w.
func NewLogger(format, level string, w io.Writer) (*zap.Logger, error) {
	return NewRedactedLogger(format, level, w, nil)
}

// NewRedactedLogger is NewLogger whose lines pass through a redactor; nil hides nothing.
func NewRedactedLogger(format, level string, w io.Writer, redactor *Redactor) (*zap.Logger, error) {
	atLeast, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = func(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
		enc.AppendString(t.UTC().Format(time.RFC3339Nano))
	}
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch format {
	case FormatJSON:
		encoder = zapcore.NewJSONEncoder(encoding)
	case FormatConsole:
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	default:
		return nil, fmt.Errorf("log format %q is unknown; use %s or %s", format, FormatJSON, FormatConsole)
	}
	core := redactor.Core(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), atLeast))
	return zap.New(core, zap.AddCaller()), nil
}

// sdkLogger carries the SDK's log lines to zap. The SDK itself logs an activity's benign application error at debug level and every other one
// as an error, so nothing is filtered here.
type sdkLogger struct{ zap *zap.SugaredLogger }

var (
	_ log.Logger          = sdkLogger{}
	_ log.WithLogger      = sdkLogger{}
	_ log.WithSkipCallers = sdkLogger{}
)

// SDKLogger returns logger in the form that the SDK takes.
func SDKLogger(logger *zap.Logger) log.Logger {
	return sdkLogger{logger.WithOptions(zap.AddCallerSkip(1)).Sugar()} // the caller is whoever calls this adapter
}

func (l sdkLogger) Debug(msg string, keyvals ...any) { l.zap.Debugw(msg, keyvals...) }
func (l sdkLogger) Info(msg string, keyvals ...any)  { l.zap.Infow(msg, keyvals...) }
func (l sdkLogger) Warn(msg string, keyvals ...any)  { l.zap.Warnw(msg, keyvals...) }
func (l sdkLogger) Error(msg string, keyvals ...any) { l.zap.Errorw(msg, keyvals...) }

// With returns a logger that adds keyvals to every line.
func (l sdkLogger) With(keyvals ...any) log.Logger { return sdkLogger{l.zap.With(keyvals...)} }

// WithCallerSkip returns a logger that names a caller further up.
func (l sdkLogger) WithCallerSkip(skip int) log.Logger {
	return sdkLogger{l.zap.WithOptions(zap.AddCallerSkip(skip))}
}
