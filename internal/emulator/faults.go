package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a fault does to a call.
const (
	EffectStatus        = "status"         // Status instead of the answer, nothing done
	EffectDelay         = "delay"          // waits Delay before the work; the work is done even if the caller has gone
	EffectCutBefore     = "cut_before"     // connection closed, nothing done
	EffectCutAfter      = "cut_after"      // work done, connection closed before the answer
	EffectStaleEtag     = "stale_etag"     // reads show the etag before this one; writes find that the etag has just moved
	EffectTransition    = "transition"     // an action stays in the state between for Delay
	EffectDuplicatePage = "duplicate_page" // a following page begins with the last item of the page before
	EffectExpiredToken  = "expired_token"  // 401 401013 (Pinterest: 401 code 2), nothing done
	EffectHTML          = "html"           // an HTML page with Status (default 502), nothing done
	EffectTruncated     = "truncated"      // work done, half of the JSON answered
	EffectRedirect      = "redirect"       // 302 to Location, another host, nothing done
	EffectHide          = "hide"           // flows are missing from the answer
)

// effects are all of them.
var effects = []string{ //nolint:gochecknoglobals // a constant list
	EffectStatus, EffectDelay, EffectCutBefore, EffectCutAfter, EffectStaleEtag, EffectTransition, EffectDuplicatePage,
	EffectExpiredToken, EffectHTML, EffectTruncated, EffectRedirect, EffectHide,
}

// Fault is a rule: which calls go wrong, how often and how. The first rule that strikes wins.
type Fault struct {
	ID              string        `json:"id"               yaml:"id"`               // default: fault-<n>
	Route           string        `json:"route"            yaml:"route"`            // "POST /flows/{id}/action", "* /flows*", "*"
	Organization    string        `json:"organization"     yaml:"organization"`     // only its calls; empty = all
	Probability     float64       `json:"probability"      yaml:"probability"`      // 0 means always
	Times           int           `json:"times"            yaml:"times"`            // strikes at most; 0 = no limit
	After           int           `json:"after"            yaml:"after"`            // matching calls let through first
	PerOrganization bool          `json:"per_organization" yaml:"per_organization"` // Times and After count each organization by itself
	Effect          string        `json:"effect"           yaml:"effect"`
	Status          int           `json:"status"           yaml:"status"`
	RetryAfter      time.Duration `json:"retry_after"      yaml:"retry_after"` // header of a status fault; 0 = absent
	Delay           time.Duration `json:"delay"            yaml:"delay"`
	Location        string        `json:"location"         yaml:"location"` // of a redirect; default https://elsewhere.example/
}

type activeFault struct {
	Fault
	route   route
	matched map[string]int
	struck  map[string]int
}

// UnmarshalJSON reads durations as text, such as "1s".
func (f *Fault) UnmarshalJSON(text []byte) error {
	type plain Fault
	wire := struct {
		*plain
		RetryAfter string `json:"retry_after"`
		Delay      string `json:"delay"`
	}{plain: (*plain)(f)}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wire); err != nil {
		return fmt.Errorf("read fault: %w", err)
	}
	for _, d := range []struct {
		text string
		into *time.Duration
	}{{wire.RetryAfter, &f.RetryAfter}, {wire.Delay, &f.Delay}} {
		if d.text == "" {
			continue
		}
		value, err := time.ParseDuration(d.text)
		if err != nil {
			return fmt.Errorf("read fault: %w", err)
		}
		*d.into = value
	}
	return nil
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	return json.Marshal(struct {
		plain
		RetryAfter string `json:"retry_after"`
		Delay      string `json:"delay"`
	}{plain(f), f.RetryAfter.String(), f.Delay.String()})
}

func (f *Fault) validate() error {
	if !slices.Contains(effects, f.Effect) {
		return fmt.Errorf("fault %q: effect %q is not known: write one of %s", f.ID, f.Effect, strings.Join(effects, ", "))
	}
	if _, err := parseRoute(f.Route); err != nil {
		return fmt.Errorf("fault %q: %w", f.ID, err)
	}
	if f.Effect == EffectStatus && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("fault %q: status %d: write an HTTP error status", f.ID, f.Status)
	}
	if f.Probability < 0 || f.Probability > 1 {
		return fmt.Errorf("fault %q: probability %v: write a number from 0 to 1", f.ID, f.Probability)
	}
	return nil
}

// route is a method and a path, either of which may end in a star.
type route struct {
	method, path string
}

func parseRoute(text string) (route, error) {
	if text == "" || text == "*" {
		return route{"*", "*"}, nil
	}
	method, path, ok := strings.Cut(text, " ")
	if !ok || (!strings.HasPrefix(path, "/") && path != "*") {
		return route{}, fmt.Errorf("route %q: write a method and a path, such as POST /flows/{id}/action", text)
	}
	return route{method, anonymous(path)}, nil
}

// anonymous drops the names of a path's placeholders.
func anonymous(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

func (r route) matches(ep endpoint) bool {
	if r.method != "*" && r.method != ep.method {
		return false
	}
	path := anonymous(ep.path)
	if prefix, open := strings.CutSuffix(r.path, "*"); open {
		return strings.HasPrefix(path, prefix)
	}
	return r.path == path
}

// addFault activates a rule that was validated.
func (e *Emulator) addFault(f Fault) Fault {
	e.faultSeq++
	if f.ID == "" {
		f.ID = "fault-" + strconv.Itoa(e.faultSeq)
	}
	parsed, err := parseRoute(f.Route)
	if err != nil {
		return f // validated before
	}
	e.faults = append(e.faults, &activeFault{Fault: f, route: parsed, matched: map[string]int{}, struck: map[string]int{}})
	return f
}

// strike finds the fault that hits the call, if any.
func (e *Emulator) strike(c *call) *activeFault {
	org := ""
	if c.org != nil {
		org = c.org.id
	}
	for _, f := range e.faults {
		if f.route.matches(c.endpoint) && (f.Organization == "" || f.Organization == org) && f.hits(e.seed, org) {
			return f
		}
	}
	return nil
}

// hits counts the call and decides. The draw depends on seed, rule, organization and the call's number alone, so that
// organizations running side by side do not change each other's luck.
func (f *activeFault) hits(seed int64, org string) bool {
	f.matched["/"+org]++
	draw := rand.New(rand.NewPCG(uint64(seed), hash(f.ID, org, strconv.Itoa(f.matched["/"+org])))).Float64() //nolint:gosec // luck, not secrecy
	key := ""
	if f.PerOrganization {
		key = org
	}
	f.matched[key+"#"]++
	switch {
	case f.matched[key+"#"] <= f.After:
		return false
	case f.Times > 0 && f.struck[key] >= f.Times:
		return false
	case f.Probability > 0 && draw >= f.Probability:
		return false
	}
	f.struck[key]++
	return true
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part + "\x00")) // a hash never fails
	}
	return h.Sum64()
}

// before is the answer of a fault that keeps the work from being done.
func (c *call) before() (out answer, final bool) {
	switch f := c.fault; f.Effect {
	case EffectStatus:
		out = c.failed(f.Status)
		if f.RetryAfter > 0 {
			out.header.Set("Retry-After", seconds(f.RetryAfter))
		}
		return out, true
	case EffectExpiredToken:
		return c.failed(http.StatusUnauthorized), true
	case EffectHTML:
		status := f.Status
		if status == 0 {
			status = http.StatusBadGateway
		}
		return answer{
			status: status, header: http.Header{"Content-Type": {"text/html"}},
			body: []byte("<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>The origin cannot be reached</h1></body></html>"),
		}, true
	case EffectRedirect:
		out = empty(http.StatusFound)
		out.header.Set("Location", or(f.Location, "https://elsewhere.example/"))
		return out, true
	case EffectCutBefore:
		return answer{}, true
	default:
		return answer{}, false
	}
}

// failed is the vendor's own body for an HTTP status.
func (c *call) failed(status int) answer {
	switch c.vendor {
	case vendorIMS:
		return imsRefusal(status, "server_error", http.StatusText(status))
	case vendorPinterest:
		code := map[int]int{http.StatusUnauthorized: 2, http.StatusTooManyRequests: 8, http.StatusServiceUnavailable: 4197}[status]
		if code == 0 {
			code = status
		}
		return pinterestRefusal(status, code, http.StatusText(status))
	case vendorAdobe:
	}
	switch status {
	case http.StatusUnauthorized:
		return gatewayRefusal("401013", "Oauth token is not valid")
	case http.StatusTooManyRequests:
		return gatewayRefusal("429050", "Too many requests")
	case http.StatusServiceUnavailable:
		return c.refuse("1103-503", "Service unavailable", "the service is unavailable, retry")
	case http.StatusGatewayTimeout:
		return c.refuse("1104-504", "Gateway timeout", "the gateway timed out")
	case http.StatusPreconditionFailed:
		return shortRefusal(status, "FLOW-1404-412: the version supplied does not match", "injected")
	default:
		return c.refuse("1102-"+strconv.Itoa(status), http.StatusText(status), "the request could not be completed")
	}
}

// after spoils an answer whose work is done.
func (c *call) after(out answer) (spoilt answer, lost bool) {
	switch c.fault.Effect {
	case EffectCutAfter:
		return out, true
	case EffectTruncated:
		out.body = out.body[:len(out.body)/2]
	}
	return out, false
}

// latencyOf is the real time the vendor takes for this call.
func (e *Emulator) latencyOf(ep endpoint) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, rl := range e.settings.RouteLatency {
		if r, err := parseRoute(rl.Route); err == nil && r.matches(ep) {
			return rl.Latency
		}
	}
	return e.settings.Latency
}
