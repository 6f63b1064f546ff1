package migration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

func TestLookAtPartner(t *testing.T) {
	t.Parallel()
	seen := func(name string, hours int) migration.PartnerAudience {
		return migration.PartnerAudience{Name: name, Updated: assessed.Add(time.Duration(hours) * time.Hour)}
	}
	base := migration.PartnerBase{
		Account: "v5", Advertiser: "549", Names: []string{"Shoppers", "Visitors", "New ones", "Elsewhere"},
		Before: []migration.PartnerAudience{seen("Shoppers", 0), seen("Visitors", 0)},
	}
	small := seen("Visitors", 0)
	small.TooSmall = true
	look := migration.LookAtPartner(base, []migration.PartnerAudience{seen("Shoppers", 1), small, seen("New ones", 1), seen("Of somebody else", 1)})
	require.Equal(t, &migration.PartnerLook{Exported: 4, Found: 3, Updated: 2, TooSmall: []string{"Visitors"}}, look)
	require.Equal(t, "at the destination 3 of 4 audiences found by name, 2 updated since the switch; too small to be served: Visitors", look.String())
	require.Equal(t, "at the destination 0 of 4 audiences found by name, 0 updated since the switch", migration.LookAtPartner(base, nil).String())
	require.Equal(t, "not looked up at the destination: no grant is held", migration.PartnerLook{Skipped: "no grant is held"}.String())
}

func TestALookAtThePartnerSettlesOnlyWhatIsTooFew(t *testing.T) {
	t.Parallel()
	all := &migration.PartnerLook{Exported: 2, Found: 2, Updated: 2}
	few := migration.JudgeRuns("n1", []migration.Run{{ID: "r1", Dataflow: "n1", Status: migration.RunSucceeded, Completed: assessed, Activated: 5}}, assessed,
		migration.Verification{Sample: 100}, migration.Baseline{})
	require.Equal(t, migration.RunPending, few.Status)
	require.Equal(t, migration.RunSucceeded, few.Confirm(all).Status)
	require.Equal(t, all, few.Confirm(all).Partner)
	for name, look := range map[string]*migration.PartnerLook{
		"nobody looked": nil, "skipped": {Skipped: "no grant is held", Exported: 2, Updated: 2}, "not all": {Exported: 2, Found: 2, Updated: 1}, "nothing exported": {},
	} {
		confirmed := few.Confirm(look)
		require.Equal(t, migration.RunPending, confirmed.Status, name)
		require.Equal(t, few.Reason, confirmed.Reason, name)
		require.Equal(t, look, confirmed.Partner, name)
	}
	pending := migration.JudgeRuns("n1", nil, assessed, migration.Verification{Sample: 100}, migration.Baseline{})
	require.Equal(t, migration.RunPending, pending.Confirm(all).Status, "no run at all is not too few")
	failed := migration.JudgeRuns("n1", []migration.Run{{ID: "r1", Dataflow: "n1", Status: migration.RunFailed, Completed: assessed}}, assessed,
		migration.Verification{Sample: 100}, migration.Baseline{})
	require.Equal(t, migration.RunFailed, failed.Confirm(all).Status)
	require.Equal(t, migration.RunSucceeded, migration.RunVerdict{Status: migration.RunSucceeded}.Confirm(migration.LookAtPartner(migration.PartnerBase{Names: []string{"a"}}, nil)).Status,
		"what it does not show proves nothing")
}

// What is too few and mostly failed, or nothing at all, did not update the destination: something else did.
func TestALookAtThePartnerDoesNotExcuseFailures(t *testing.T) {
	t.Parallel()
	all := &migration.PartnerLook{Exported: 2, Found: 2, Updated: 2}
	for name, run := range map[string]migration.Run{"all failed": {Failed: 5}, "most failed": {Activated: 1, Failed: 4}, "nothing delivered": {}} {
		run.ID, run.Dataflow, run.Status, run.Completed = "r1", "n1", migration.RunSucceeded, assessed
		few := migration.JudgeRuns("n1", []migration.Run{run}, assessed, migration.Verification{Sample: 100, MoreFailed: 10}, migration.Baseline{})
		require.Equal(t, migration.RunPending, few.Status, name)
		require.Equal(t, migration.RunPending, few.Confirm(all).Status, name)
	}
}
