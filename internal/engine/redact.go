package engine

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"sync"
)

// redacted stands where a secret stood.
const redacted = "[redacted]"

const (
	// minSecret is the length below which a secret is not looked for, in bytes: it would be found in words that hide nothing.
	minSecret = 6
	// maxSecrets bounds the secrets that Add brought, about 2 KB each; of more, the oldest is forgotten. What looks like a token is hidden all the
	// same.
	maxSecrets = 4096
)

// Redactor hides secrets in text: those it was given, in every form in which one may be echoed (see forms), and whatever looks like a token. Text
// without a secret stays as it is. It is safe for concurrent use; a nil *Redactor hides nothing.
type Redactor struct {
	mu      sync.RWMutex
	forms   map[string]form
	lengths map[uint32][]length // of the forms that begin with these four bytes, longest first
	known   map[string]bool
	added   []string // the secrets that came by Add, oldest first
}

// NewRedactor hides these secrets for as long as it lives. Secrets shorter than 6 bytes are left out.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{forms: map[string]form{}, lengths: map[uint32][]length{}, known: map[string]bool{}}
	for _, secret := range secrets {
		r.learn(secret)
	}
	return r
}

// TooShortToHide tells whether a Redactor leaves the secret out.
func TooShortToHide(secret string) bool { return secret != "" && len(secret) < minSecret }

// Add hides one more secret, such as a token that was just issued.
func (r *Redactor) Add(secret string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.learn(secret) {
		return
	}
	r.added = append(r.added, secret)
	if len(r.added) > maxSecrets {
		r.forget(r.added[0])
		r.added = r.added[1:]
	}
}

// Redact returns text without its secrets.
func (r *Redactor) Redact(text string) string {
	if r == nil || len(text) < minSecret {
		return text
	}
	return hidePatterns(r.hideKnown(text))
}

// hideKnown replaces every form of every known secret; of several that begin at one place, the longest.
func (r *Redactor) hideKnown(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.forms) == 0 {
		return text
	}
	var out strings.Builder
	done := 0 // text up to here is in out
	for i := 0; i+keyLength <= len(text); i++ {
		for _, l := range r.lengths[keyOf(text[i:])] {
			if i+l.bytes > len(text) {
				continue
			}
			f, found := r.forms[text[i:i+l.bytes]]
			if !found {
				continue
			}
			start, end := f.around(text, i)
			out.WriteString(text[done:max(done, start)])
			out.WriteString(redacted)
			done = end
			i = end - 1
			break
		}
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// tokenPattern is what a token looks like to whoever does not know it.
type tokenPattern struct {
	hint    string // in lower case; text without it in any case is not searched
	pattern *regexp.Regexp
	keep    string // what stays, in the form of Regexp.Expand
	secret  func(value string) bool
}

// tokenPatterns find tokens in headers, forms, queries and JSON, also JSON within JSON.
var tokenPatterns = []tokenPattern{
	{"bearer", regexp.MustCompile(`(?i)\b(bearer\s+)([a-z0-9._~+/-]{8,}=*)`), "${1}" + redacted, hasDigit},
	{"basic", regexp.MustCompile(`(?i)\b(basic\s+)([a-z0-9+/]{8,}=*)`), "${1}" + redacted, isBasic},
	{"pin", regexp.MustCompile(`()\b(pin[arc]_[A-Za-z0-9._-]{8,})`), redacted, nil},
	{"eyj", regexp.MustCompile(`()\b(eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)+)`), redacted, nil}, // JSON web token: {" in base64
	{"_token", regexp.MustCompile(`(?i)((?:access|refresh)_token=)([^&\s"'\\]+)`), "${1}" + redacted, nil},
	{"_token", regexp.MustCompile(`(?i)(\\*"(?:access|refresh)_token\\*"\s*:\s*\\*")((?:[^"\\]|\\/)+)`), "${1}" + redacted, nil},
	{"client_secret", regexp.MustCompile(`(?i)(client_secret=)([^&\s"'\\]+)`), "${1}" + redacted, nil},
	{"client_secret", regexp.MustCompile(`(?i)(\\*"client_secret\\*"\s*:\s*\\*")((?:[^"\\]|\\/)+)`), "${1}" + redacted, nil},
	{"code", regexp.MustCompile(`(?i)\b(code=)([a-z0-9._~%+/-]{16,}=*)`), "${1}" + redacted, isCode},
	{"code", regexp.MustCompile(`(?i)(\\*"code\\*"\s*:\s*\\*")([a-z0-9._~%+/=-]{16,})`), "${1}" + redacted, isCode},
}

func hidePatterns(text string) string {
	for _, p := range tokenPatterns {
		if !containsFold(text, p.hint) {
			continue
		}
		var out []byte
		done := 0
		for _, at := range p.pattern.FindAllStringSubmatchIndex(text, -1) {
			if value := text[at[4]:at[5]]; value == redacted || p.secret != nil && !p.secret(value) {
				continue
			}
			out = append(out, text[done:at[0]]...)
			out = p.pattern.ExpandString(out, p.keep, text, at)
			done = at[1]
		}
		if done > 0 {
			text = string(append(out, text[done:]...))
		}
	}
	return text
}

// hasDigit tells a token from the words that people write in its place, such as "bearer authentication".
func hasDigit(value string) bool { return strings.ContainsAny(value, "0123456789") }

// isCode tells an authorization code from an error's code, such as ServiceUnavailableException or CONNECTOR-2001-500.
func isCode(value string) bool { return hasDigit(value) && strings.ToUpper(value) != value }

// isBasic tells a name and a password from words, such as "basic information".
func isBasic(value string) bool {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	return err == nil && bytes.IndexByte(plain, ':') > 0
}

// containsFold tells whether text holds a hint, which is in lower case, in any case.
func containsFold(text, hint string) bool {
	first := hint[0]
	for i := 0; i+len(hint) <= len(text); i++ {
		if c := text[i]; (c == first || c == first-'a'+'A') && strings.EqualFold(text[i:i+len(hint)], hint) {
			return true
		}
	}
	return false
}
