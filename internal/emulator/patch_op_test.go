package emulator_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/emulator"
)

// The ledger tells an audience that comes or goes from every other change, so that a check can follow audiences.
func TestLedgerNamesAudienceChanges(t *testing.T) {
	t.Parallel()
	const selectors = "/transformations/0/params/segmentSelectors/selectors"
	audience := func(id, more string) string {
		return fmt.Sprintf(`{"type":"PLATFORM_SEGMENT","value":{"id":%q%s}}`, id, more)
	}
	for name, tc := range map[string]struct{ ops, op, detail string }{
		"comes":             {`[{"op":"add","path":"` + selectors + `/-","value":` + audience("late", "") + `}]`, emulator.OpAddAudience, "late"},
		"external comes":    {`[{"op":"add","path":"` + selectors + `/0","value":` + audience("ext", `,"systemSegmentId":"sys"`) + `}]`, emulator.OpAddAudience, "sys"},
		"goes":              {`[{"op":"remove","path":"` + selectors + `/1"}]`, emulator.OpRemoveAudience, "b"},
		"all go":            {`[{"op":"replace","path":"` + selectors + `","value":[]}]`, emulator.OpPatch, ""},
		"one for another":   {`[{"op":"replace","path":"` + selectors + `/0","value":` + audience("late", "") + `}]`, emulator.OpPatch, ""},
		"one changes":       {`[{"op":"add","path":"` + selectors + `/0/value/description","value":"x"}]`, emulator.OpPatch, ""},
		"comes with a name": {`[{"op":"add","path":"` + selectors + `/-","value":` + audience("late", "") + `},{"op":"add","path":"/name","value":"x"}]`, emulator.OpPatch, ""},
		"comes with a mapping": {
			`[{"op":"add","path":"` + selectors + `/-","value":` + audience("late", "") + `},{"op":"remove","path":"/transformations/0/params/profileSelectors"}]`,
			emulator.OpPatch, "",
		},
		"comes while one changes": {
			`[{"op":"replace","path":"` + selectors + `","value":[` + audience("a", `,"description":"x"`) + `,` + audience("b", "") + `,` + audience("late", "") + `]}]`,
			emulator.OpPatch, "",
		},
		"refused": {`[{"op":"add","path":"` + selectors + `/9","value":` + audience("late", "") + `}]`, emulator.OpPatch, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := small(t, func(s *emulator.Scenario) {
				s.Organizations[0].Sandboxes[0].Dataflows[0].Audiences = []emulator.Audience{{ID: "a"}, {ID: "b"}}
			}).login()
			for _, card := range []string{"old", "new"} {
				flow := b.flow(card, "Holiday shoppers")
				out := b.patch("/flows/"+flow.ID, text(b.get("/flows/" + flow.ID).items(t)[0], "etag"), tc.ops)
				entry := b.last(emulator.KindWrite)
				require.Equal(t, out.status == http.StatusOK, entry.Applied)
				require.Equal(t, []string{"flow", flow.ID, tc.op, tc.detail}, []string{entry.Entity, entry.ID, entry.Op, entry.Detail})
				require.Equal(t, name != "refused", entry.Applied)
			}
		})
	}
}
