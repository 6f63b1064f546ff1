package playbooks_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
	"cutover/playbooks"
)

func read(t *testing.T, file string) migration.Playbook {
	t.Helper()
	data, err := fs.ReadFile(playbooks.FS, file)
	require.NoError(t, err)
	p, err := migration.ParsePlaybook(file, data, time.Time{})
	require.NoError(t, err)
	return p
}

func TestEveryPlaybookIsValidAndNamedAfterItsFile(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(playbooks.FS, "*")
	require.NoError(t, err)
	require.Subset(t, files, []string{"pinterest-v5.yaml", "amazon-s3.yaml"})
	for _, file := range files {
		require.Equal(t, file, read(t, file).Name+".yaml")
	}
}

// The dates are Adobe's, and the whole last day counts in Adobe's own zone.
func TestPinterestDates(t *testing.T) {
	t.Parallel()
	p := read(t, "pinterest-v5.yaml")
	require.Equal(t, "America/Los_Angeles", p.Zone)
	require.Equal(t, migration.Timeline{
		Available:        time.Date(2023, 11, 16, 8, 0, 0, 0, time.UTC),
		ReauthenticateBy: time.Date(2023, 12, 16, 8, 0, 0, 0, time.UTC),
		Shutdown:         time.Date(2024, 1, 19, 8, 0, 0, 0, time.UTC),
	}, p.Timeline)
}

func TestPinterestStepsAndPolicies(t *testing.T) {
	t.Parallel()
	p := read(t, "pinterest-v5.yaml")
	const day = migration.Duration(24 * time.Hour)
	require.Equal(t, "(Deprecating) Pinterest", p.Old.Label())
	require.Equal(t, []string{"(New) Pinterest", "Pinterest"}, p.New.Names)
	require.Equal(t, []migration.Duration{14 * day, 7 * day, 3 * day, day}, p.Reminders.BeforeReauthenticateBy)
	require.Equal(t, []migration.Duration{14 * day, 7 * day, 3 * day, day}, p.Reminders.BeforeShutdown)
	require.Equal(t, 7*day, p.Reminders.AfterShutdownEvery)
	require.True(t, p.Reauthentication.Needed)
	require.Equal(t, 30*day, p.Reauthentication.Lease, "Pinterest sign-ins last 30 days in Adobe")
	require.Equal(t, migration.EnableFirst, p.CutOver.Order, "a gap loses updates for good")
	require.Equal(t, migration.Ask, p.Drift.AudienceMissing, "an audience added to the old card later must not be lost in silence")
	require.Equal(t, migration.CarryOver, p.Drift.AudienceAdded)
	require.Equal(t, migration.Block, p.Drift.Advertiser, "nobody's data goes to another ad account")
	require.Equal(t, 3*day, p.Reauthentication.RenewBefore)
	require.True(t, p.CutOver.Canary)
	require.Equal(t, migration.Rollback{OnFailure: true, Within: 14 * day, CarryBack: migration.CarryOver, NoWayBack: migration.Ignore}, p.Rollback)
	require.Positive(t, p.Verification.Sample)
	require.Positive(t, p.Watch.Poll)
	require.Equal(t, migration.NoApproval, p.Approval)
	for _, link := range []string{p.Links.Accounts, p.Links.Guide} {
		require.True(t, strings.HasPrefix(link, "https://"), link)
	}
}

// Nobody signs in again for Amazon S3, so there is one deadline, and its cards are known by their ids.
func TestAmazonS3(t *testing.T) {
	t.Parallel()
	p := read(t, "amazon-s3.yaml")
	end := time.Date(2023, 7, 27, 7, 0, 0, 0, time.UTC)
	require.Equal(t, end, p.Timeline.Shutdown, "26 July still counts, in summer time")
	require.Equal(t, end, p.Timeline.ReauthenticateBy)
	require.Equal(t, migration.Open, p.Timeline.Stage(end.Add(-time.Second)))
	require.False(t, p.Reauthentication.Needed)
	require.Equal(t, "4890fc95-5a1f-4983-94bb-e060c08e3f81", p.Old.SpecID)
	require.Equal(t, "4fce964d-3f37-408f-9778-e597338a21ee", p.New.SpecID)
	require.Equal(t, migration.DisableFirst, p.CutOver.Order, "a file written twice costs more than one written late")
	require.Equal(t, migration.OperatorApproval, p.Approval)
	first, ok := p.NextMilestone(p.Timeline.Available)
	require.True(t, ok)
	require.Equal(t, migration.Milestone{Kind: migration.Reminder, Name: "shutdown-30d", At: end.Add(-30 * 24 * time.Hour)}, first)
}
