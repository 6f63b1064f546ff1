package pinterest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"cutover/internal/vendorhttp"
)

const (
	headerRequestID = "x-pinterest-rid"
	pageSize        = 250
	maxPages        = 1000
)

// call is one read of the API.
type call struct {
	op      string
	method  string
	path    string // below the version
	query   url.Values
	secrets []string
}

type answer struct {
	body      []byte
	requestID string
}

func (c *Client) get(ctx context.Context, r call, accessToken string) (answer, error) {
	if accessToken == "" {
		return answer{}, fmt.Errorf("pinterest: %s: no access token", r.op)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	target := *c.api
	target.Path += r.path
	target.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), nil)
	if err != nil {
		return answer{}, fmt.Errorf("pinterest: %s: the request cannot be built", r.op)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)

	started := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, r.transportError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := vendorhttp.ReadBody(resp.Body)
	if err != nil {
		return answer{}, r.transportError(err)
	}
	got := answer{body: body, requestID: vendorhttp.Show(resp.Header.Get(headerRequestID), vendorhttp.MaxCode, r.secrets...)}
	c.log.Debug("pinterest request",
		zap.String("operation", r.op), zap.String("method", r.method), zap.String("path", r.path),
		zap.Int("status", resp.StatusCode), zap.String("request_id", got.requestID), zap.Duration("took", time.Since(started)))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return answer{}, c.refusal(r, resp, body, got.requestID)
	case len(body) > vendorhttp.MaxBody:
		return answer{}, r.malformed(got, "an answer of at most 16 MiB", body)
	default:
		return got, nil
	}
}

func (r call) transportError(cause error) error {
	return &TransportError{Op: r.op, Method: r.method, Path: r.path, Err: vendorhttp.TransportCause(cause, r.secrets...)}
}

func (r call) malformed(got answer, want string, fragment []byte) error {
	return &MalformedError{
		Op: r.op, Want: want, Got: vendorhttp.Show(string(fragment), vendorhttp.MaxMessage, r.secrets...), RequestID: got.requestID,
	}
}

// entity is anything with an id of Pinterest's.
type entity interface{ id() string }

// wire is an entity as Pinterest writes it.
type wire[T any] interface{ value() T }

// list reads every page. An item met twice counts as read last; the result is sorted by id.
func list[W wire[T], T entity](ctx context.Context, c *Client, accessToken, op, path string) ([]T, error) {
	r := call{
		op: op, method: http.MethodGet, path: path, secrets: []string{accessToken},
		query: url.Values{"page_size": {strconv.Itoa(pageSize)}},
	}
	found := make(map[string]T)
	seen := make(map[string]bool)
	for range maxPages {
		got, err := c.get(ctx, r, accessToken)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items    *[]W `json:"items"`
			Bookmark text `json:"bookmark"`
		}
		if err := json.Unmarshal(got.body, &page); err != nil || page.Items == nil {
			return nil, r.malformed(got, "a JSON object with an items array", got.body)
		}
		for _, w := range *page.Items {
			item := w.value()
			if item.id() == "" {
				return nil, r.malformed(got, "items with an id", got.body)
			}
			found[item.id()] = item
		}
		bookmark := string(page.Bookmark)
		if bookmark == "" {
			return sorted(found), nil
		}
		if seen[bookmark] {
			return nil, r.malformed(got, "a bookmark not seen before in this listing", []byte(bookmark))
		}
		seen[bookmark] = true
		r.query.Set("bookmark", bookmark)
	}
	return nil, r.malformed(answer{}, fmt.Sprintf("at most %d pages", maxPages), nil)
}

func sorted[T any](found map[string]T) []T {
	items := make([]T, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		items = append(items, found[id])
	}
	return items
}

// idPattern keeps a path inside its resource; Pinterest's ids are digits.
var idPattern = regexp.MustCompile(`^[0-9]{1,32}$`)

func checkID(op, id string) error {
	if !idPattern.MatchString(id) {
		return fmt.Errorf("pinterest: %s: %q is not an id (digits only)", op, vendorhttp.Clip(id, vendorhttp.MaxCode))
	}
	return nil
}
