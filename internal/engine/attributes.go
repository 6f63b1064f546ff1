package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc"
)

// AttributeLister lists the search attributes of a namespace; the OperatorService of a client.Client is one.
type AttributeLister interface {
	ListSearchAttributes(ctx context.Context, in *operatorservice.ListSearchAttributesRequest, opts ...grpc.CallOption) (*operatorservice.ListSearchAttributesResponse, error)
}

// ErrCannotList is wrapped when the server keeps the list of search attributes from this client, as a hosted one may. Nothing is known then.
var ErrCannotList = errors.New("the server does not show its search attributes")

// SearchAttributesError lists the search attributes that a namespace lacks or has with another type. A workflow that sets one of them would
// hang in a retry loop with no visible error.
type SearchAttributesError struct {
	Namespace string
	Missing   []string          // names, sorted
	Wrong     map[string]string // name to the type it has
	Want      map[string]enumspb.IndexedValueType
}

func (e *SearchAttributesError) Error() string {
	var parts []string
	if len(e.Missing) > 0 {
		create := []string{"temporal operator search-attribute create --namespace", e.Namespace}
		for _, name := range e.Missing {
			create = append(create, "--name", name, "--type", e.Want[name].String())
		}
		parts = append(parts, "search attributes are missing: create them with: "+strings.Join(create, " "))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Wrong)) {
		parts = append(parts, fmt.Sprintf("search attribute %[1]s has the type %[2]s instead of %[3]s: replace it with: "+
			"temporal operator search-attribute remove --yes --namespace %[4]s --name %[1]s && "+
			"temporal operator search-attribute create --namespace %[4]s --name %[1]s --type %[3]s",
			name, e.Wrong[name], e.Want[name], e.Namespace))
	}
	return "namespace " + e.Namespace + ": " + strings.Join(parts, "; ")
}

// CheckSearchAttributes makes sure that the namespace has all of want. Its error for one that does not is *SearchAttributesError.
func CheckSearchAttributes(ctx context.Context, c AttributeLister, namespace string, want map[string]enumspb.IndexedValueType) error {
	have, err := c.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	var denied *serviceerror.PermissionDenied
	var absent *serviceerror.Unimplemented
	switch {
	case errors.As(err, &denied), errors.As(err, &absent):
		return fmt.Errorf("%w: %w", ErrCannotList, err)
	case err != nil:
		return fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	fault := &SearchAttributesError{Namespace: namespace, Wrong: map[string]string{}, Want: want}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, ok := have.GetCustomAttributes()[name]
		if !ok {
			got, ok = have.GetSystemAttributes()[name]
		}
		switch {
		case !ok:
			fault.Missing = append(fault.Missing, name)
		case got != want[name]:
			fault.Wrong[name] = got.String()
		}
	}
	if len(fault.Missing) > 0 || len(fault.Wrong) > 0 {
		return fault
	}
	return nil
}
