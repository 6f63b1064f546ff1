package migration

import (
	"cmp"
	"slices"
	"strings"
)

// Question is an old dataflow whose copy is not certain. A person answers with the update pair; until then nothing of it is touched.
type Question struct {
	Old        string   `json:"old"`
	Name       string   `json:"name"`
	Sandbox    string   `json:"sandbox"`
	Candidates []string `json:"candidates,omitempty"` // new-card dataflow ids that could be the copy, the likeliest first
	More       int      `json:"more,omitempty"`       // others that could be and are not named
	Why        string   `json:"why"`
}

// LeaveOut is the answer to a question that says: this dataflow is not carried over.
const LeaveOut = "none"

// Match is an old dataflow and the one that is its copy.
type Match struct{ Old, New Dataflow }

// PairUp finds each old dataflow's copy. Adobe documents no rule that ties the two, so name, advertiser and audiences must single out one copy
// that no other old dataflow could claim; whatever is not unique becomes a question. Choices (old id to new id, or LeaveOut) are a person's
// answers and win. The order of the inputs does not matter.
func PairUp(before, after []Dataflow, choices map[string]string) (matches []Match, questions []Question, left []Dataflow) {
	before = slices.SortedFunc(slices.Values(before), byID)
	taken, used := map[string]bool{}, map[string]bool{}
	for _, choice := range choices {
		taken[choice] = true
	}
	var open, asked []Dataflow
	why := map[string]string{} // a person's answer to a question leads nowhere
	for _, d := range before {
		switch choice, chosen := choices[d.ID]; {
		case chosen && choice == LeaveOut:
			left = append(left, d)
		case chosen && used[choice]:
			asked, why[d.ID] = append(asked, d), choice+" is chosen for another dataflow too"
		case chosen:
			used[choice] = true
			if i := slices.IndexFunc(after, func(n Dataflow) bool { return n.ID == choice && n.Sandbox == d.Sandbox }); i >= 0 {
				matches = append(matches, Match{d, after[i]})
				continue
			}
			asked, why[d.ID] = append(asked, d), "the chosen copy "+choice+" is not listed"
		default:
			open = append(open, d)
		}
	}
	free := slices.DeleteFunc(slices.SortedFunc(slices.Values(after), byID), func(n Dataflow) bool { return taken[n.ID] })

	for _, d := range open {
		candidates := likely(d, free)
		if len(candidates) == 1 && len(claimants(candidates[0], open)) == 1 {
			matches = append(matches, Match{d, candidates[0]})
			continue
		}
		if exact := withAudiencesOf(d, candidates); len(exact) == 1 && len(withAudiencesOf(exact[0], claimants(exact[0], open))) == 1 {
			matches = append(matches, Match{d, exact[0]})
			continue
		}
		asked = append(asked, d)
	}
	for _, m := range matches {
		taken[m.New.ID] = true
	}
	free = slices.DeleteFunc(free, func(n Dataflow) bool { return taken[n.ID] })
	for _, d := range asked {
		q := ask(d, likely(d, free), free)
		q.Why = cmp.Or(why[d.ID], q.Why)
		questions = append(questions, q)
	}
	return matches, questions, left
}

// likely are the new dataflows that could be d's copy: same sandbox, same name, and not another advertiser.
func likely(d Dataflow, among []Dataflow) []Dataflow {
	return slices.DeleteFunc(slices.Clone(among), func(n Dataflow) bool { return !couldBeCopy(d, n) })
}

// claimants are the old dataflows that n could be the copy of.
func claimants(n Dataflow, among []Dataflow) []Dataflow {
	return slices.DeleteFunc(slices.Clone(among), func(d Dataflow) bool { return !couldBeCopy(d, n) })
}

func couldBeCopy(d, n Dataflow) bool {
	return d.Sandbox == n.Sandbox && strings.TrimSpace(d.Name) == strings.TrimSpace(n.Name) &&
		(d.Advertiser == n.Advertiser || d.Advertiser == "" || n.Advertiser == "")
}

func withAudiencesOf(d Dataflow, among []Dataflow) []Dataflow {
	want := sorted(audienceIDs(d.Audiences))
	return slices.DeleteFunc(slices.Clone(among), func(n Dataflow) bool { return !slices.Equal(sorted(audienceIDs(n.Audiences)), want) })
}

func ask(d Dataflow, candidates, free []Dataflow) Question {
	q := Question{Old: d.ID, Name: d.Name, Sandbox: d.Sandbox, Why: "several dataflows fit by name, advertiser and audiences"}
	switch len(candidates) {
	case 0:
		// A renamed copy is worth proposing, never worth assuming.
		for _, n := range free {
			if n.Sandbox == d.Sandbox && (n.Advertiser == d.Advertiser || len(withAudiencesOf(d, []Dataflow{n})) == 1) {
				candidates = append(candidates, n)
			}
		}
		q.Why = "no dataflow of the new card has its name and advertiser"
	case 1:
		q.Why = "the only dataflow that fits could be the copy of another one too"
	}
	slices.SortStableFunc(candidates, func(a, b Dataflow) int { return cmp.Compare(likeness(d, b), likeness(d, a)) })
	if q.More = max(0, len(candidates)-maxCandidates); q.More > 0 {
		candidates = candidates[:maxCandidates]
	}
	for _, n := range candidates {
		q.Candidates = append(q.Candidates, n.ID)
	}
	return q
}

// A question names this many candidates.
const maxCandidates = 20

// likeness ranks a candidate: the same name tells most, then the same advertiser, then the same audiences.
func likeness(d, n Dataflow) (rank int) {
	if strings.TrimSpace(d.Name) == strings.TrimSpace(n.Name) {
		rank += 4
	}
	if d.Advertiser == n.Advertiser {
		rank += 2
	}
	if len(withAudiencesOf(d, []Dataflow{n})) == 1 {
		rank++
	}
	return rank
}
