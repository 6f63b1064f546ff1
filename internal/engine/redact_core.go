package engine

import (
	"encoding/json"
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Core returns a core that writes to core what is left of each line without secrets: its message, its stack and every field.
func (r *Redactor) Core(core zapcore.Core) zapcore.Core {
	if r == nil {
		return core
	}
	return redactingCore{core, r}
}

type redactingCore struct {
	zapcore.Core

	redactor *Redactor
}

// With returns a core that adds the fields to every line.
func (c redactingCore) With(fields []zapcore.Field) zapcore.Core {
	return redactingCore{c.Core.With(c.redactor.fields(fields)), c.redactor}
}

// Check has the line written here, not past us.
func (c redactingCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write writes the line without its secrets.
func (c redactingCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	entry.Message = c.redactor.Redact(entry.Message)
	entry.Stack = c.redactor.Redact(entry.Stack)
	return c.Core.Write(entry, c.redactor.fields(fields)) //nolint:wrapcheck // zap's own, to zap
}

// fields returns fields without secrets: the same slice if there are none.
func (r *Redactor) fields(fields []zapcore.Field) []zapcore.Field {
	copied := false
	for i, field := range fields {
		clean, changed := r.field(field)
		if !changed {
			continue
		}
		if !copied {
			fields, copied = append([]zapcore.Field(nil), fields...), true
		}
		fields[i] = clean
	}
	return fields
}

// field returns a field without secrets, as text or JSON if it held one.
func (r *Redactor) field(field zapcore.Field) (clean zapcore.Field, changed bool) {
	var text string
	switch field.Type {
	case zapcore.StringType:
		text = field.String
	case zapcore.ErrorType, zapcore.StringerType:
		var ok bool
		if text, ok = wording(field.Interface); !ok {
			return field, false
		}
	case zapcore.ByteStringType, zapcore.BinaryType:
		bytes, _ := field.Interface.([]byte)
		text = string(bytes)
	case zapcore.ReflectType, zapcore.ArrayMarshalerType, zapcore.ObjectMarshalerType, zapcore.InlineMarshalerType:
		return r.structure(field)
	default: // numbers, instants and the like
		return field, false
	}
	redacted := r.Redact(text)
	return zap.String(field.Key, redacted), redacted != text
}

// structure looks at a value as the JSON that it becomes.
func (r *Redactor) structure(field zapcore.Field) (clean zapcore.Field, changed bool) {
	text, ok := asJSON(field)
	if !ok {
		return field, false
	}
	redacted := r.Redact(text)
	if redacted == text {
		return field, false
	}
	key := field.Key
	if field.Type == zapcore.InlineMarshalerType {
		key = "fields" // they lose their places: some of them are not what they were
	}
	if json.Valid([]byte(redacted)) {
		return zap.Reflect(key, json.RawMessage(redacted)), true
	}
	return zap.String(key, redacted), true
}

// asJSON is false for what cannot be written; zap says so in its place.
func asJSON(field zapcore.Field) (text string, ok bool) {
	defer func() { // as zap does around a method of a nil pointer
		if recover() != nil {
			text, ok = "", false
		}
	}()
	value := field.Interface
	if field.Type != zapcore.ReflectType {
		encoder := zapcore.NewMapObjectEncoder()
		field.AddTo(encoder)
		value = encoder.Fields[field.Key]
		if field.Type == zapcore.InlineMarshalerType {
			value = encoder.Fields
		}
	}
	out, err := json.Marshal(value)
	return string(out), err == nil
}

// wording is all that zap writes of an error or a Stringer: with the details that some errors add to it.
func wording(value any) (text string, ok bool) {
	defer func() { // as zap does around a method of a nil pointer
		if recover() != nil {
			text, ok = "", false
		}
	}()
	switch value := value.(type) {
	case error:
		text = value.Error()
		if _, verbose := value.(fmt.Formatter); verbose {
			if more := fmt.Sprintf("%+v", value); more != text {
				text += "\n" + more
			}
		}
		return text, true
	case fmt.Stringer:
		return value.String(), true
	}
	return "", false
}
