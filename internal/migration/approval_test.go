package migration_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// approving is a playbook whose plans somebody must agree to.
func approving(a migration.Approval) migration.Playbook {
	return with(pinterest(), func(p *migration.Playbook) { p.Approval = a })
}

func TestHowManyMustAgree(t *testing.T) {
	t.Parallel()
	for approval, needs := range map[migration.Approval]int{migration.NoApproval: 0, migration.OperatorApproval: 1, migration.TwoPersons: 2, "": 0} {
		require.Equal(t, needs, approval.Needs(), approval)
	}
}

func TestTwoDifferentPeopleAgree(t *testing.T) {
	t.Parallel()
	p := approving(migration.TwoPersons)
	s := planned(twoPairs(), p)
	require.Contains(t, s.Waits(acme(), p, look)[0].What, "by 2 different people (so far: nobody)")
	require.NoError(t, s.RefuseApproval("ada", s.Plan.Hash, p))
	s.Approve("ada", look)
	require.True(t, s.NeedsApproval(p))
	require.Empty(t, s.Due(p))
	require.Contains(t, s.Waits(acme(), p, look)[0].What, "(so far: ada)")
	for _, same := range []string{"ada", "Ada", " ADA "} {
		require.EqualError(t, s.RefuseApproval(same, s.Plan.Hash, p), same+" approved the plan "+s.Plan.Hash+" already; it takes 2 different people")
		again := *s
		again.Consents = slices.Clone(s.Consents)
		again.Approve(same, look)
		require.True(t, again.NeedsApproval(p), "a name in other letters is no second person")
	}
	require.NoError(t, s.RefuseApproval("bo", s.Plan.Hash, p))
	s.Approve("bo", look)
	require.False(t, s.NeedsApproval(p))
	require.Len(t, s.Due(p), 2)
	require.EqualError(t, s.RefuseApproval("cy", s.Plan.Hash, p), "nothing of the plan "+s.Plan.Hash+" waits for an approval")
	require.Len(t, s.Consents, 2)
	require.Equal(t, []string{"ada", "bo"}, []string{s.Consents[0].By, s.Consents[1].By}, "who agreed to what, and when, is kept")
	require.Equal(t, s.Plan.Hash, s.Consents[0].Plan)
	require.Equal(t, look, s.Consents[0].At)
}

// Each pair needs both words; a change takes away what was said of that pair alone.
func TestConsentIsKeptPairByPair(t *testing.T) {
	t.Parallel()
	p := approving(migration.TwoPersons)
	s := planned(twoPairs(), p)
	s.Approve("ada", look)
	s.Approve("bo", look)
	seen := twoPairs()
	seen.Old[0].Target = "another"
	s.Follow(makePlan(seen, p, nil), p)
	require.True(t, s.NeedsApproval(p))
	require.NoError(t, s.RefuseApproval("ada", s.Plan.Hash, p))
	s.Pairs[0].Progress = migration.Held
	require.False(t, s.NeedsApproval(p), "of the other one nothing changed")
	s.Pairs[0].Progress = migration.Ready
	s.Approve("ada", look)
	require.True(t, s.NeedsApproval(p), "one of two")
	s.Approve("bo", look)
	require.False(t, s.NeedsApproval(p))
	require.Len(t, s.Consents, 4, "what was said before stays on record")
	require.Empty(t, s.Consents[0].Pairs)
}

func TestConsentsAreBounded(t *testing.T) {
	t.Parallel()
	p := approving(migration.OperatorApproval)
	s := planned(twoPairs(), p)
	for i := range 50 {
		s.Approve(fmt.Sprint("operator ", i), look)
	}
	require.Len(t, s.Consents, 20)
	require.Equal(t, "operator 49", s.Consents[19].By)
}

// A person who looked at an earlier plan is told what became of it.
func TestAStaleApprovalIsRefusedWithTheDifference(t *testing.T) {
	t.Parallel()
	p := approving(migration.OperatorApproval)
	require.EqualError(t, (&migration.State{}).RefuseApproval("ada", "x", p), "there is no plan to approve yet")
	for name, c := range map[string]struct {
		change func(*migration.Snapshot)
		want   string
	}{
		"edited": {func(s *migration.Snapshot) { s.Old[0].Target = "t" }, `dataflow "Shoppers" (o1) changed, now: switch`},
		"drifted": {
			func(s *migration.Snapshot) { s.Old[0].Audiences = audiences("a", "b", "c") },
			`dataflow "Shoppers" (o1) changed, now: switch, held: audience missing on the copy: "Audience c" (c)`,
		},
		"new": {func(s *migration.Snapshot) {
			s.Old, s.New = append(s.Old, old("o3", "C")), append(s.New, copied("n3", "C"))
		}, `dataflow "C" (o3) is new in it`},
		"gone": {func(s *migration.Snapshot) { s.Old, s.New = s.Old[:1], s.New[:1] }, "dataflow o2 is not in it any more"},
		"switched off and deleted": {
			func(s *migration.Snapshot) { s.Old[0].State, s.Old, s.New = migration.Disabled, s.Old[:1], s.New[:1] },
			`dataflow "Shoppers" (o1) changed, now: leave switched off; dataflow o2 is not in it any more`,
		},
		"asked": {func(s *migration.Snapshot) { s.Old = append(s.Old, old("o3", "C")) }, "only what is held or asked changed"},
	} {
		s := planned(twoPairs(), p)
		was, seen := s.Plan.Hash, twoPairs()
		c.change(&seen)
		s.Follow(makePlan(seen, p, nil), p)
		require.EqualError(t, s.RefuseApproval("ada", was, p), fmt.Sprintf("the plan is now %s, not %s: %s; look at it with starter plan, then approve that one", s.Plan.Hash, was, c.want), name)
		require.ErrorContains(t, s.RefuseApproval("ada", "0000000000000000", p), "no plan of this organization had that hash lately", name)
	}
	carried := approving(migration.OperatorApproval)
	carried.Drift.AudienceMissing = migration.CarryOver
	s := planned(twoPairs(), carried)
	was, seen := s.Plan.Hash, twoPairs()
	seen.Old[0].Audiences = audiences("a", "b", "c")
	s.Follow(makePlan(seen, carried, nil), carried)
	require.ErrorContains(t, s.RefuseApproval("ada", was, carried), `changed, now: switch, add audience "Audience c" (c)`)
}

func TestMarksAreBounded(t *testing.T) {
	t.Parallel()
	p := approving(migration.OperatorApproval)
	s := planned(twoPairs(), p)
	hashes := []string{s.Plan.Hash}
	for i := range 5 {
		seen := twoPairs()
		seen.Old[0].Target = fmt.Sprint("t", i)
		plan := makePlan(seen, p, nil)
		s.Follow(plan, p)
		s.Follow(plan, p)
		hashes = append(hashes, plan.Hash)
	}
	require.Len(t, s.Marks, 3, "the same plan again is no other plan")
	require.Equal(t, hashes[4], s.Marks[2].Hash)
	require.ErrorContains(t, s.RefuseApproval("ada", hashes[0], p), "lately")
	require.ErrorContains(t, s.RefuseApproval("ada", hashes[4], p), "Shoppers")

	free := planned(twoPairs(), pinterest())
	seen := twoPairs()
	seen.Old[0].Target = "t"
	free.Follow(makePlan(seen, pinterest(), nil), pinterest())
	require.Empty(t, free.Marks, "where nobody approves nothing is kept for it")

	many := planned(twoPairs(), p)
	was, crowd := many.Plan.Hash, twoPairs()
	for i := range 30 {
		crowd.Old, crowd.New = append(crowd.Old, old(fmt.Sprint("x", i), fmt.Sprint("X", i))), append(crowd.New, copied(fmt.Sprint("y", i), fmt.Sprint("X", i)))
	}
	many.Follow(makePlan(crowd, p, nil), p)
	require.ErrorContains(t, many.RefuseApproval("ada", was, p), "; and 20 more; look")
}
