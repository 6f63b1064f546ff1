package emulator

import (
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Page sizes of Flow Service; the maximum is documented, the default is what a known client asks for.
const (
	defaultLimit = 20
	maxLimit     = 100
)

// listed is one entity as a list shows it: a struct with JSON names, or a map.
type listed struct {
	value   any
	served  Served
	decoded any // what filters and orders look into, set once needed
}

// query is what a list call asks for.
type query struct {
	limit, offset int
	filters       []filter
	orders        []ordering
	count         bool
	cursor        cursor
	roots         []string // members of an entity that filters and orders look into
}

// cursor is what a continuation token holds. It repeats the query, so that a caller may leave it out.
type cursor struct {
	Offset   int      `json:"o"`
	Limit    int      `json:"l"`
	Property []string `json:"p,omitempty"`
	OrderBy  string   `json:"s,omitempty"`
}

func (c cursor) token() string { return base64.RawURLEncoding.EncodeToString(mustJSON(c)) }

func parseCursor(token string) (cursor, *badQuery) {
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, &c) != nil || c.Offset < 0 {
		return cursor{}, badQueryf("1452-400", "continuationToken is not valid")
	}
	return c, nil
}

func parseQuery(values url.Values) (query, *badQuery) {
	q := query{limit: defaultLimit, cursor: cursor{Property: values["property"], OrderBy: values.Get("orderby")}}
	if token := values.Get("continuationToken"); token != "" {
		resumed, bad := parseCursor(token)
		if bad != nil {
			return query{}, bad
		}
		q.cursor, q.limit, q.offset = resumed, resumed.Limit, resumed.Offset
	}
	q.count = values.Get("count") == "true"
	if values.Has("limit") {
		if q.count {
			return query{}, badQueryf("1401-400", "limit and count cannot be used together")
		}
		limit, err := strconv.Atoi(values.Get("limit"))
		if err != nil || limit < 1 || limit > maxLimit {
			return query{}, badQueryf("1453-400", "limit %q must be a number from 1 to %d", values.Get("limit"), maxLimit)
		}
		q.limit = limit
	}
	for _, property := range q.cursor.Property {
		f, bad := parseFilter(property)
		if bad != nil {
			return query{}, bad
		}
		q.filters, q.roots = append(q.filters, f), append(q.roots, f.path[0].name)
	}
	var bad *badQuery
	q.orders, bad = parseOrder(q.cursor.OrderBy)
	for _, o := range q.orders {
		q.roots = append(q.roots, o.path[0].name)
	}
	return q, bad
}

// rendering shows an entity once it is known to be needed.
type rendering func() listed

// list answers a list call: path is the href's, all are the entities in the service's own order.
func (c *call) list(path string, all iter.Seq[rendering]) answer {
	q, bad := parseQuery(c.r.URL.Query())
	if bad != nil {
		return c.refuse(bad.code, "Bad request", "%s", bad.detail)
	}
	return c.answerList(path, q, all)
}

func (c *call) answerList(path string, q query, all iter.Seq[rendering]) answer {
	if c.fault != nil && c.fault.Effect == EffectDuplicatePage && q.offset > 0 {
		q.offset-- // as if an entity had been created before this page: everything moves on by one
	}
	// Without order and count one entity beyond the page is enough to know that more follow.
	enough := q.offset + q.limit + 1
	var fitting []listed
	for show := range all {
		var item listed
		if asked := len(q.filters)+len(q.orders) > 0; asked || (len(fitting) >= q.offset && !q.count) {
			item = show()
		}
		if !q.fits(&item) {
			continue
		}
		fitting = append(fitting, item)
		if !q.count && len(q.orders) == 0 && len(fitting) == enough {
			break
		}
	}
	if q.count {
		c.entry.Applied = true
		return reply(http.StatusOK, map[string]int{"count": len(fitting)})
	}
	if len(q.orders) > 0 {
		slices.SortStableFunc(fitting, func(a, b listed) int { return less(a.decoded, b.decoded, q.orders) })
	}
	return c.page(path, q, fitting)
}

func (q *query) fits(item *listed) bool {
	if len(q.filters)+len(q.orders) > 0 {
		item.decoded = decodeMembers(item.value, q.roots)
	}
	return !slices.ContainsFunc(q.filters, func(f filter) bool { return !f.match(item.decoded) })
}

// page cuts the page out and says where the next one is.
func (c *call) page(path string, q query, fitting []listed) answer {
	from, to := min(q.offset, len(fitting)), min(q.offset+q.limit, len(fitting))
	items := make([]json.RawMessage, 0, to-from)
	for _, item := range fitting[from:to] {
		items = append(items, mustJSON(item.value))
		c.entry.Served = append(c.entry.Served, item.served)
	}
	body := map[string]any{"items": items}
	if to < len(fitting) {
		next := q.cursor
		next.Offset, next.Limit = to, q.limit
		body["_links"] = map[string]any{
			"next": map[string]string{"href": path + "?continuationToken=" + next.token()},
		}
	}
	c.entry.Applied = true
	return reply(http.StatusOK, body)
}

// one answers a single read, wrapped like a list.
func (c *call) one(item listed) answer {
	c.entry.Served = []Served{item.served}
	c.entry.ContentVersion, c.entry.Applied = item.served.ContentVersion, true
	return reply(http.StatusOK, map[string]any{"items": []any{item.value}})
}
