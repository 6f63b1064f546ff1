package emulator

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// filter is one `property` parameter: any of the values found at path must compare.
type filter struct {
	path   []step
	op     string
	values []string
	fold   bool // compare without regard to case
}

// step is one name of a path; each marks an array whose members are all followed.
type step struct {
	name string
	each bool
}

// badQuery is a query the service refuses, with its code.
type badQuery struct {
	code, detail string
}

func (b *badQuery) Error() string { return b.code + ": " + b.detail }

func badQueryf(code, format string, args ...any) *badQuery {
	return &badQuery{code, fmt.Sprintf(format, args...)}
}

// comparisons are the operators the service has.
var comparisons = []string{"==", ">=", "<=", ">", "<"} //nolint:gochecknoglobals // a constant list

// propertyForm splits a filter; the operator is any run of comparison signs, so that unknown ones can be named.
var propertyForm = regexp.MustCompile(`^([\w.\[\]\-]+)([=<>!~]+)(.*)$`)

// parseFilter reads one `property` value.
func parseFilter(text string) (filter, *badQuery) {
	parts := propertyForm.FindStringSubmatch(text)
	if parts == nil {
		return filter{}, badQueryf("1451-400", "property %q is not of the form path, operator, value", text)
	}
	path, op, value := parts[1], parts[2], parts[3]
	switch {
	case op == "~":
		return filter{}, badQueryf("1440-400", "operator ~ is not implemented")
	case !slices.Contains(comparisons, op):
		return filter{}, badQueryf("1450-400", "operator %s is not known", op)
	case value == "":
		return filter{}, badQueryf("1453-400", "property %q has no value", text)
	case op == ">=" && path == "id":
		return filter{}, badQueryf("1448-400", "operator >= cannot be used on id")
	}
	f := filter{op: op, values: strings.Split(value, ","), fold: strings.HasSuffix(path, "statusSummary.status")}
	if op != "==" && len(f.values) > 1 {
		return filter{}, badQueryf("1443-400", "operator %s takes one value", op)
	}
	var bad *badQuery
	f.path, bad = parsePath(path)
	return f, bad
}

func parsePath(path string) ([]step, *badQuery) {
	var steps []step
	for name := range strings.SplitSeq(path, ".") {
		name, each := strings.CutSuffix(name, "[]")
		if name == "" || strings.ContainsAny(name, "[]") {
			return nil, badQueryf("1449-400", "field %q is not a path", path)
		}
		steps = append(steps, step{name, each})
	}
	return steps, nil
}

// is tells that the filter compares this plain path by this operator.
func (f filter) is(path, op string) bool {
	names := make([]string, 0, len(f.path))
	for _, s := range f.path {
		if s.each {
			return false
		}
		names = append(names, s.name)
	}
	return f.op == op && strings.Join(names, ".") == path
}

// match tells whether the entity, decoded from JSON, passes the filter.
func (f filter) match(entity any) bool {
	return slices.ContainsFunc(follow(entity, f.path), func(found any) bool {
		return slices.ContainsFunc(f.values, func(want string) bool {
			order, fits := compareValue(found, want, f.fold)
			return fits && holds(f.op, order)
		})
	})
}

func holds(op string, order int) bool {
	switch op {
	case "==":
		return order == 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	case ">=":
		return order >= 0
	default:
		return order <= 0
	}
}

// follow collects every value at the path. An array is entered only where the path says [].
func follow(value any, path []step) []any {
	if len(path) == 0 {
		return []any{value}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	next, ok := object[path[0].name]
	if !ok {
		return nil
	}
	if !path[0].each {
		return follow(next, path[1:])
	}
	array, ok := next.([]any)
	if !ok {
		return nil
	}
	var found []any
	for _, member := range array {
		found = append(found, follow(member, path[1:])...)
	}
	return found
}

// compareValue orders a JSON scalar against the text of a filter: numbers as numbers, all else as text.
func compareValue(found any, want string, fold bool) (order int, fits bool) {
	switch v := found.(type) {
	case float64:
		w, err := strconv.ParseFloat(want, 64)
		if err != nil {
			return 0, false
		}
		return compare(v, w), true
	case bool:
		return strings.Compare(strconv.FormatBool(v), want), true
	case string:
		if fold {
			return strings.Compare(strings.ToLower(v), strings.ToLower(want)), true
		}
		return strings.Compare(v, want), true
	default:
		return 0, false
	}
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// ordering is one field of `orderby`.
type ordering struct {
	path       []step
	descending bool
}

func parseOrder(text string) ([]ordering, *badQuery) {
	var orders []ordering
	if text == "" {
		return nil, nil
	}
	for field := range strings.SplitSeq(text, ",") {
		o := ordering{}
		switch field[:min(1, len(field))] {
		case "-":
			o.descending, field = true, field[1:]
		case "+", " ": // an unescaped plus arrives as a space
			field = field[1:]
		}
		if field == "" || strings.ContainsAny(field[:1], "-+*!~ ") {
			return nil, badQueryf("1433-400", "orderby %q: the sign must be + or -", text)
		}
		path, bad := parsePath(field)
		if bad != nil {
			return nil, badQueryf("1432-400", "orderby %q names no field", text)
		}
		o.path = path
		orders = append(orders, o)
	}
	return orders, nil
}

// decodeMembers gives of the entity what is named, as decoded from JSON. The rest is large and seldom asked about.
func decodeMembers(entity any, names []string) map[string]any {
	decoded := make(map[string]any, len(names))
	for _, name := range names {
		var v any
		if member, ok := memberOf(entity, name); ok && json.Unmarshal(mustJSON(member), &v) == nil {
			decoded[name] = v
		}
	}
	return decoded
}

// memberOf finds a member by its JSON name in a map, or in a struct and what it embeds.
func memberOf(entity any, name string) (any, bool) {
	if object, ok := entity.(map[string]any); ok {
		member, ok := object[name]
		return member, ok
	}
	return fieldOf(reflect.ValueOf(entity), name)
}

func fieldOf(v reflect.Value, name string) (any, bool) {
	for field, value := range v.Fields() {
		if field.Anonymous {
			if member, ok := fieldOf(value, name); ok {
				return member, true
			}
			continue
		}
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == name {
			return value.Interface(), options != "omitempty" || !value.IsZero()
		}
	}
	return nil, false
}

// less orders two decoded entities by the fields.
func less(a, b any, orders []ordering) int {
	for _, o := range orders {
		order := compareAny(first(follow(a, o.path)), first(follow(b, o.path)))
		if o.descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func first(values []any) any {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

func compareAny(a, b any) int {
	if x, ok := a.(float64); ok {
		if y, ok := b.(float64); ok {
			return compare(x, y)
		}
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
