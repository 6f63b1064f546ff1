package invariants

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A shorter secret would be found everywhere by chance.
const shortestSecret = 8

// leaks looks for every secret in every text: as it is, as URLs, forms and JSON write it, and in base64 wherever in a longer value it began.
func leaks(w *world) []Violation {
	var found []Violation
	leak := func(what string) { found = append(found, Violation{Invariant: NoLeak, What: what}) }
	if len(w.Secrets) == 0 || len(w.Texts) == 0 {
		leak(fmt.Sprintf("%d secrets and %d texts: nothing was checked", len(w.Secrets), len(w.Texts)))
	}
	var haystack searcher
	for _, secret := range w.Secrets {
		if len(secret.Value) < shortestSecret {
			leak(secret.What + " is too short to be looked for")
			continue
		}
		haystack.add(secret)
	}
	for _, text := range w.Texts {
		for _, needle := range haystack.search(text.Data) {
			if needle.home == "" || !strings.HasPrefix(text.Where, needle.home) {
				leak(fmt.Sprintf("%s stands in %s, %s", needle.what, text.Where, needle.form))
			}
		}
	}
	return found
}

// needle is one form of a secret.
type needle struct {
	what, form, home string
	bytes            []byte
}

// searcher looks for many needles in one pass. Needles are found by their first four bytes, so that a long list costs no more than a short one.
type searcher struct {
	first   [1 << 16]bool
	needles map[uint32][]needle
}

func (s *searcher) add(secret Secret) {
	known := map[string]bool{}
	put := func(form, text string) {
		if known[text] || len(text) < shortestSecret {
			return
		}
		known[text] = true
		if s.needles == nil {
			s.needles = map[uint32][]needle{}
		}
		n := needle{secret.What, form, secret.Home, []byte(text)}
		s.first[binary.BigEndian.Uint16(n.bytes)] = true
		key := binary.BigEndian.Uint32(n.bytes)
		s.needles[key] = append(s.needles[key], n)
	}
	put("in clear", secret.Value)
	put("form-encoded", url.QueryEscape(secret.Value))
	put("path-encoded", url.PathEscape(secret.Value))
	if quoted, err := json.Marshal(secret.Value); err == nil {
		put("in JSON", string(quoted[1:len(quoted)-1]))
	}
	for offset := range 3 {
		put("in base64", inside(base64.RawStdEncoding, secret.Value, offset))
		put("in base64 for URLs", inside(base64.RawURLEncoding, secret.Value, offset))
	}
}

// inside is the part of the base64 of any value holding the secret that depends on the secret alone, when the secret begins offset bytes after
// a multiple of three.
func inside(encoding *base64.Encoding, secret string, offset int) string {
	const bitsPerByte, bitsPerLetter = 8, 6
	encoded := encoding.EncodeToString(append(make([]byte, offset), secret...))
	from := (offset*bitsPerByte + bitsPerLetter - 1) / bitsPerLetter
	to := (offset + len(secret)) * bitsPerByte / bitsPerLetter
	return encoded[from:to]
}

// search returns each needle that the data holds, once.
func (s *searcher) search(data []byte) []needle {
	var found []needle
	for i := 0; i+4 <= len(data); i++ {
		if !s.first[binary.BigEndian.Uint16(data[i:])] {
			continue
		}
		for _, n := range s.needles[binary.BigEndian.Uint32(data[i:])] {
			if bytes.HasPrefix(data[i:], n.bytes) && !slices.ContainsFunc(found, func(f needle) bool { return f.what == n.what && f.form == n.form }) {
				found = append(found, n)
			}
		}
	}
	return found
}
