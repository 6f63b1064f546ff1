package vendorhttp

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextInAnyForm(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Text{
		`"a \"b\""`: `a "b"`,
		`""`:        "",
		`12`:        "12",
		`1.50`:      "1.50",
		`true`:      "true",
		`null`:      "",
		`{"a":1}`:   "",
		`[1]`:       "",
	} {
		var got Text
		require.NoError(t, json.Unmarshal([]byte(raw), &got))
		require.Equal(t, want, got, raw)
	}
}
