package adobe

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// ConnectionSpec is a card of the destinations catalog. Specs are the same for all organizations.
type ConnectionSpec struct {
	ID   string
	Name string
}

func (c ConnectionSpec) id() string { return c.ID }

type wireSpec struct {
	ID   text `json:"id"`
	Name text `json:"name"`
}

func (w wireSpec) value() ConnectionSpec {
	return ConnectionSpec{ID: string(w.ID), Name: string(w.Name)}
}

// ConnectionSpecs returns the specs with one of the names, sorted by id. A name
// can stand for no spec or for several. All names go in one call, except those
// that hold a comma, which a filter would read as two names: each of these is
// asked for alone and found only if the service takes it whole.
func (s *Sandbox) ConnectionSpecs(ctx context.Context, names ...string) ([]ConnectionSpec, error) {
	const op = "list connection specs"
	var plain []string
	var filters []string
	for _, name := range names {
		switch {
		case name == "":
			return nil, fmt.Errorf("adobe: %s: empty name", op)
		case strings.Contains(name, ","):
			filters = append(filters, "name=="+name)
		default:
			plain = append(plain, name)
		}
	}
	if len(plain) > 0 {
		filters = append(filters, "name=="+strings.Join(plain, ","))
	}
	if len(filters) == 0 {
		return nil, fmt.Errorf("adobe: %s: no name to look for", op)
	}
	asked := make([]query, 0, len(filters))
	for _, filter := range filters {
		asked = append(asked, query{op: op, resource: "/connectionSpecs", filters: []string{filter}})
	}
	specs, err := list[wireSpec, ConnectionSpec](ctx, s, asked...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(specs, func(c ConnectionSpec) bool { return !slices.Contains(names, c.Name) }), nil
}
