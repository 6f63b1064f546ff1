package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form is a secret as a server, a library or a log may spell it.
type form struct {
	text          string
	before, after int // characters of base64 beside it that hold a part of the secret too
	uses          int // secrets that it is a form of
}

// length is one that forms have which begin alike.
type length struct{ bytes, uses int }

// around is where the form at i begins and ends in text, with what is beside it.
func (f form) around(text string, i int) (start, end int) {
	start, end = i, i+len(f.text)
	for n := f.before; n > 0 && start > 0 && isBase64(text[start-1]); n-- {
		start--
	}
	for n := f.after; n > 0 && end < len(text) && isBase64(text[end]); n-- {
		end++
	}
	return start, end
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+/-_", c) >= 0
}

// formsOf lists a secret in clear, in URLs (query and path, both cases of hexadecimal digits), in JSON and quoted, and within base64.
func formsOf(secret string) []form {
	texts := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")}
	for _, escaped := range texts[1:] {
		texts = append(texts, lowerHex(escaped))
	}
	for _, html := range []bool{true, false} {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(html)
		if err := encoder.Encode(secret); err == nil {
			texts = append(texts, unquote(strings.TrimSuffix(out.String(), "\n")))
		}
	}
	texts = append(texts, unquote(strconv.Quote(secret)), unquote(strconv.QuoteToASCII(secret)))
	var forms []form
	for _, text := range texts {
		if !slices.Contains(forms, form{text: text}) {
			forms = append(forms, form{text: text})
		}
	}
	// In base64 a secret may begin at each of three places of a group; what of it shares a character with a neighbour is not fixed.
	for shift := range 3 {
		n := shift + len(secret)
		padded := append(make([]byte, shift, n), secret...)
		f := form{before: min(shift, 1), after: min(n%3, 1)}
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)
			f.text = text[(8*shift+5)/6 : 8*n/6]
			if !slices.Contains(forms, f) {
				forms = append(forms, f)
			}
		}
	}
	return forms
}

func unquote(quoted string) string { return strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`) }

// lowerHex spells the digits of percent-encoding in lower case.
func lowerHex(escaped string) string {
	out := []byte(escaped)
	for i := range out {
		if i > 0 && out[i-1] == '%' || i > 1 && out[i-2] == '%' {
			out[i] = bytes.ToLower(out[i : i+1])[0]
		}
	}
	return string(out)
}

// keyLength is how many bytes choose among the forms: all have as many.
const keyLength = 4

func keyOf(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// learn takes a secret in, unless it is known, too short or part of what would stand in its place.
func (r *Redactor) learn(secret string) bool {
	if len(secret) < minSecret || r.known[secret] || strings.Contains(redacted, secret) {
		return false
	}
	r.known[secret] = true
	for _, f := range formsOf(secret) {
		if same, ok := r.forms[f.text]; ok {
			f.before, f.after, f.uses = max(f.before, same.before), max(f.after, same.after), same.uses
		}
		f.uses++
		r.forms[f.text] = f
		key := keyOf(f.text)
		at, ok := slices.BinarySearchFunc(r.lengths[key], len(f.text), longestFirst)
		if !ok {
			r.lengths[key] = slices.Insert(r.lengths[key], at, length{bytes: len(f.text)})
		}
		r.lengths[key][at].uses++
	}
	return true
}

func longestFirst(l length, bytes int) int { return bytes - l.bytes }

// forget is learn undone.
func (r *Redactor) forget(secret string) {
	delete(r.known, secret)
	for _, f := range formsOf(secret) {
		known := r.forms[f.text]
		if known.uses--; known.uses == 0 {
			delete(r.forms, f.text)
		} else {
			r.forms[f.text] = known
		}
		key := keyOf(f.text)
		at, _ := slices.BinarySearchFunc(r.lengths[key], len(f.text), longestFirst)
		if r.lengths[key][at].uses--; r.lengths[key][at].uses == 0 {
			r.lengths[key] = slices.Delete(r.lengths[key], at, at+1)
		}
		if len(r.lengths[key]) == 0 {
			delete(r.lengths, key)
		}
	}
}
