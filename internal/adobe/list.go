package adobe

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	pageSize = 100
	maxPages = 1000
	// Keeps a filter of ids well below the length of a URL that every proxy accepts.
	idsPerRequest = 50
	continuation  = "continuationToken"
)

// wire is an entity as Adobe writes it; value is the same as this package says it.
type wire[T any] interface{ value() T }

// entity is anything with an id of Adobe's.
type entity interface{ id() string }

// query is one list call: a resource and filters that must all hold.
type query struct {
	op       string
	resource string
	paged    bool // whether the resource knows limit
	filters  []string
}

// list reads every page of a query. An item that moved to a later page while we
// read is met twice: the later reading counts. The result is sorted by id.
func list[W wire[T], T entity](ctx context.Context, s *Sandbox, queries ...query) ([]T, error) {
	found := make(map[string]T)
	for _, q := range queries {
		err := s.pages(ctx, q, func(got answer, raw json.RawMessage) error {
			item, err := decode[W, T](s, got, raw)
			if err != nil {
				return err
			}
			found[item.id()] = item
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	items := make([]T, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		items = append(items, found[id])
	}
	return items, nil
}

// read reads one entity, which Adobe wraps in a list of one.
func read[W wire[T], T entity](ctx context.Context, s *Sandbox, op, resource, id string) (T, error) {
	var none T
	if err := checkID(op, id); err != nil {
		return none, err
	}
	got, err := s.send(ctx, request{op: op, method: http.MethodGet, path: resource + "/" + id})
	if err != nil {
		return none, err
	}
	page, err := s.page(got)
	if err != nil {
		return none, err
	}
	if len(page.items) != 1 {
		return none, s.malformed(got, "items with exactly one entity", got.body)
	}
	item, err := decode[W, T](s, got, page.items[0])
	if err != nil {
		return none, err
	}
	if item.id() != id {
		return none, s.malformed(got, "the entity "+id, page.items[0])
	}
	return item, nil
}

func decode[W wire[T], T entity](s *Sandbox, got answer, raw json.RawMessage) (T, error) {
	var w W
	if err := json.Unmarshal(raw, &w); err != nil {
		var none T
		return none, s.malformed(got, "an item with fields of the documented types", raw)
	}
	item := w.value()
	if item.id() == "" {
		return item, s.malformed(got, "an item with an id", raw)
	}
	return item, nil
}

// pages reads every page of a query. Dataflows with long audience lists can make a page too long to be read: the query
// then begins anew with shorter pages, and what was met before is met again.
func (s *Sandbox) pages(ctx context.Context, q query, each func(answer, json.RawMessage) error) error {
	for limit := pageSize; ; limit /= 4 {
		err := s.pagesOf(ctx, q, limit, each)
		if !q.paged || limit < 4 || !tooLong(err) {
			return err
		}
	}
}

func (s *Sandbox) pagesOf(ctx context.Context, q query, limit int, each func(answer, json.RawMessage) error) error {
	params := url.Values{"property": q.filters}
	if q.paged {
		params.Set("limit", strconv.Itoa(limit))
	}
	seen := make(map[string]bool)
	for range maxPages {
		got, err := s.send(ctx, request{op: q.op, method: http.MethodGet, path: q.resource, query: params})
		if err != nil {
			return err
		}
		page, err := s.page(got)
		if err != nil {
			return err
		}
		for _, raw := range page.items {
			if err := each(got, raw); err != nil {
				return err
			}
		}
		if page.next == "" {
			return nil
		}
		token, ok := s.continuation(q.resource, page.next)
		if !ok {
			return s.malformed(got, "a next link to "+q.resource+" of the same service with a "+continuation, []byte(page.next))
		}
		if seen[token] {
			return s.malformed(got, "a "+continuation+" not seen before in this listing", []byte(token))
		}
		seen[token] = true
		params.Set(continuation, token)
	}
	return s.malformed(answer{op: q.op}, fmt.Sprintf("at most %d pages", maxPages), nil)
}

type page struct {
	items []json.RawMessage
	next  string
}

func (s *Sandbox) page(got answer) (page, error) {
	var body struct {
		Items *[]json.RawMessage `json:"items"`
		Links struct {
			Next struct {
				Href text `json:"href"`
			} `json:"next"`
		} `json:"_links"`
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Items == nil {
		return page{}, s.malformed(got, "a JSON object with an items array", got.body)
	}
	return page{items: *body.Items, next: string(body.Links.Next.Href)}, nil
}

// continuation takes the token out of a next link. The link is relative to the
// service, not to the host, and is never followed itself: the token goes back to
// the resource it came from, so a link elsewhere is refused and not obeyed.
func (s *Sandbox) continuation(resource, href string) (string, bool) {
	link, err := url.Parse(href)
	if err != nil || link.Opaque != "" || link.User != nil {
		return "", false
	}
	base := s.client.flow
	below := path.Clean("/" + link.Path)
	if link.Host == "" || strings.HasPrefix(below, base.Path+"/") {
		below = strings.TrimPrefix(below, base.Path)
	} else {
		return "", false
	}
	elsewhere := (link.Host != "" && link.Host != base.Host) || (link.Scheme != "" && link.Scheme != base.Scheme)
	if elsewhere || below != resource {
		return "", false
	}
	token := link.Query().Get(continuation)
	return token, token != ""
}

// anyOf returns the values of one filter, as many per filter as fit into a
// request. No value at all would list everything, so that is refused.
func anyOf(op, field string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("adobe: %s: no id to look for", op)
	}
	for _, id := range ids {
		if err := checkID(op, id); err != nil {
			return nil, err
		}
	}
	var filters []string
	for chunk := range slices.Chunk(ids, idsPerRequest) {
		filters = append(filters, field+"=="+strings.Join(chunk, ","))
	}
	return filters, nil
}

// queries returns one paged query per filter, each with the further filters.
func queries(op, resource string, oneOf []string, further ...string) []query {
	all := make([]query, 0, len(oneOf))
	for _, filter := range oneOf {
		all = append(all, query{op: op, resource: resource, paged: true, filters: append([]string{filter}, further...)})
	}
	return all
}

// only drops what a filter should have kept away: a service that overlooks it must
// not bring in another card's entities. An item that does not tell is not dropped
// in silence.
func only[T entity](s *Sandbox, op string, items []T, field string, wanted []string, of func(T) string) ([]T, error) {
	for _, item := range items {
		if of(item) == "" {
			return nil, s.malformed(answer{op: op}, "items with "+field, []byte("item "+item.id()+" without it"))
		}
	}
	return slices.DeleteFunc(items, func(item T) bool { return !slices.Contains(wanted, of(item)) }), nil
}
