package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cutover/internal/migration"
)

// described is a pairing as text: "old=new", "old?" with its candidates, "old-" for one left out.
func described(before, after []migration.Dataflow, choices map[string]string) []string {
	matches, questions, left := migration.PairUp(before, after, choices)
	var out []string
	for _, m := range matches {
		out = append(out, m.Old.ID+"="+m.New.ID)
	}
	for _, q := range questions {
		out = append(out, q.Old+"? "+strings.Join(q.Candidates, ","))
	}
	for _, d := range left {
		out = append(out, d.ID+"-")
	}
	return out
}

func TestPairUp(t *testing.T) {
	t.Parallel()
	renamed := func(d migration.Dataflow, name string) migration.Dataflow { d.Name = name; return d }
	owned := func(d migration.Dataflow, advertiser string) migration.Dataflow { d.Advertiser = advertiser; return d }
	holding := func(d migration.Dataflow, ids ...string) migration.Dataflow {
		d.Audiences = audiences(ids...)
		return d
	}
	inSandbox := func(d migration.Dataflow, sandbox string) migration.Dataflow { d.Sandbox = sandbox; return d }
	for name, c := range map[string]struct {
		old, copies []migration.Dataflow
		choices     map[string]string
		want        []string
	}{
		"nothing":            {nil, nil, nil, nil},
		"copies alone":       {nil, []migration.Dataflow{copied("n1", "A")}, nil, nil},
		"by name":            {[]migration.Dataflow{old("o1", "A"), old("o2", "B")}, []migration.Dataflow{copied("n1", "B"), copied("n2", "A")}, nil, []string{"o1=n2", "o2=n1"}},
		"blanks do not tell": {[]migration.Dataflow{old("o1", " A")}, []migration.Dataflow{copied("n1", "A ")}, nil, []string{"o1=n1"}},
		"capitals do": {
			[]migration.Dataflow{old("o1", "A")},
			[]migration.Dataflow{owned(holding(copied("n1", "a"), "x"), "9")},
			nil,
			[]string{"o1? "},
		},
		"the only one of its name, whatever its audiences": {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{holding(copied("n1", "A"), "z")}, nil, []string{"o1=n1"}},
		"no copy":                       {[]migration.Dataflow{old("o1", "A")}, nil, nil, []string{"o1? "}},
		"renamed is proposed, not made": {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{copied("n1", "A (copy)")}, nil, []string{"o1? n1"}},
		"renamed, known by its audiences": {
			[]migration.Dataflow{old("o1", "A")},
			[]migration.Dataflow{owned(copied("n1", "C"), "9"), owned(holding(copied("n2", "C"), "z"), "9")},
			nil,
			[]string{"o1? n1"},
		},
		"one name twice on both cards": {
			[]migration.Dataflow{old("o1", "A"), old("o2", "A")},
			[]migration.Dataflow{copied("n1", "A"), copied("n2", "A")},
			nil,
			[]string{"o1? n1,n2", "o2? n1,n2"},
		},
		"one name twice on the old card": {[]migration.Dataflow{old("o1", "A"), old("o2", "A")}, []migration.Dataflow{copied("n1", "A")}, nil, []string{"o1? n1", "o2? n1"}},
		"one name twice on the new card": {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{copied("n1", "A"), copied("n2", "A")}, nil, []string{"o1? n1,n2"}},
		"one name, told apart by advertisers": {
			[]migration.Dataflow{owned(old("o1", "A"), "1"), owned(old("o2", "A"), "2")},
			[]migration.Dataflow{owned(copied("n1", "A"), "2"), owned(copied("n2", "A"), "1")},
			nil,
			[]string{"o1=n2", "o2=n1"},
		},
		"one name, advertisers partly unknown": {
			[]migration.Dataflow{owned(old("o1", "A"), "1"), owned(old("o2", "A"), "2")},
			[]migration.Dataflow{owned(copied("n1", "A"), ""), owned(copied("n2", "A"), "")},
			nil,
			[]string{"o1? n1,n2", "o2? n1,n2"},
		},
		"another advertiser is another dataflow": {
			[]migration.Dataflow{owned(old("o1", "A"), "1")},
			[]migration.Dataflow{holding(owned(copied("n1", "A"), "2"), "z")},
			nil,
			[]string{"o1? "},
		},
		"an unknown advertiser is no other": {[]migration.Dataflow{owned(old("o1", "A"), "")}, []migration.Dataflow{owned(copied("n1", "A"), "2")}, nil, []string{"o1=n1"}},
		"one name and advertiser, told apart by audiences": {
			[]migration.Dataflow{holding(old("o1", "A"), "a"), holding(old("o2", "A"), "b", "c")},
			[]migration.Dataflow{holding(copied("n1", "A"), "c", "b"), holding(copied("n2", "A"), "a", "a")},
			nil,
			[]string{"o1=n2", "o2=n1"},
		},
		"audiences tell only one apart": {
			[]migration.Dataflow{holding(old("o1", "A"), "a"), holding(old("o2", "A"), "b")},
			[]migration.Dataflow{holding(copied("n1", "A"), "a"), holding(copied("n2", "A"), "c")},
			nil,
			[]string{"o1=n1", "o2? *"},
		},
		"another sandbox never": {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{inSandbox(copied("n1", "A"), "emea")}, nil, []string{"o1? "}},
		"each sandbox by itself": {
			[]migration.Dataflow{old("o1", "A"), inSandbox(old("o2", "A"), "emea")},
			[]migration.Dataflow{inSandbox(copied("n1", "A"), "emea"), copied("n2", "A")},
			nil,
			[]string{"o2=n1", "o1=n2"},
		},
		"a choice wins over names": {
			[]migration.Dataflow{old("o1", "A"), old("o2", "B")},
			[]migration.Dataflow{copied("n1", "A"), copied("n2", "B")},
			map[string]string{"o1": "n2", "o2": "n1"},
			[]string{"o1=n2", "o2=n1"},
		},
		"a choice settles both": {
			[]migration.Dataflow{old("o1", "A"), old("o2", "A")},
			[]migration.Dataflow{copied("n1", "A"), copied("n2", "A")},
			map[string]string{"o1": "n2"},
			[]string{"o1=n2", "o2=n1"},
		},
		"a chosen copy is nobody else's": {
			[]migration.Dataflow{old("o1", "A"), old("o2", "B")},
			[]migration.Dataflow{copied("n1", "A")},
			map[string]string{"o2": "n1"},
			[]string{"o2=n1", "o1? "},
		},
		"left out": {
			[]migration.Dataflow{old("o1", "A"), old("o2", "A")},
			[]migration.Dataflow{copied("n1", "A")},
			map[string]string{"o1": migration.LeaveOut},
			[]string{"o2=n1", "o1-"},
		},
		"a chosen copy that is gone":               {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{copied("n1", "A")}, map[string]string{"o1": "n9"}, []string{"o1? n1"}},
		"a chosen copy of another sandbox":         {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{inSandbox(copied("n1", "A"), "emea")}, map[string]string{"o1": "n1"}, []string{"o1? "}},
		"a choice for a dataflow that is not here": {[]migration.Dataflow{old("o1", "A")}, []migration.Dataflow{copied("n1", "A")}, map[string]string{"o9": "n9"}, []string{"o1=n1"}},
		"an unchanged renamed copy, chosen": {
			[]migration.Dataflow{old("o1", "A")},
			[]migration.Dataflow{renamed(copied("n1", "A"), "A 2024")},
			map[string]string{"o1": "n1"},
			[]string{"o1=n1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := described(c.old, c.copies, c.choices)
			require.Len(t, got, len(c.want), "%q", got)
			for i, want := range c.want {
				if begins, partly := strings.CutSuffix(want, "*"); partly {
					require.Contains(t, got[i], begins)
					continue
				}
				require.Equal(t, want, got[i])
			}
		})
	}
}

func TestQuestionsSayWhy(t *testing.T) {
	t.Parallel()
	why := func(before, after []migration.Dataflow, choices map[string]string) string {
		_, questions, _ := migration.PairUp(before, after, choices)
		require.Len(t, questions, 1)
		require.Equal(t, "A", questions[0].Name)
		require.Equal(t, "prod", questions[0].Sandbox)
		return questions[0].Why
	}
	a := old("o1", "A")
	require.Contains(t, why([]migration.Dataflow{a}, nil, nil), "no dataflow of the new card")
	require.Contains(t, why([]migration.Dataflow{a}, []migration.Dataflow{copied("n1", "A"), copied("n2", "A")}, nil), "several")
	require.Contains(t, why([]migration.Dataflow{a}, nil, map[string]string{"o1": "n9"}), "n9 is not listed")
	_, questions, _ := migration.PairUp([]migration.Dataflow{a, old("o2", "A")}, []migration.Dataflow{copied("n1", "A")}, nil)
	require.Contains(t, questions[0].Why, "another one too")
}

// However many could be the copy, a person reads a few: the likeliest, and how many others there are.
func TestAQuestionNamesTheLikeliest(t *testing.T) {
	t.Parallel()
	asked := with(old("o1", "A"), func(d *migration.Dataflow) { d.Advertiser = "" })
	var after []migration.Dataflow
	for i := range 30 {
		after = append(after, with(copied(fmt.Sprintf("n%02d", i), "A"), func(d *migration.Dataflow) { d.Audiences = audiences("z") }))
	}
	after[29].Audiences, after[28].Audiences = asked.Audiences, asked.Audiences
	after[27].Advertiser = ""
	_, questions, _ := migration.PairUp([]migration.Dataflow{asked}, after, nil)
	require.Len(t, questions[0].Candidates, 20)
	require.Equal(t, 10, questions[0].More)
	require.Equal(t, []string{"n27", "n28", "n29", "n00"}, questions[0].Candidates[:4])
	_, questions, _ = migration.PairUp([]migration.Dataflow{asked}, after[:20], nil)
	require.Len(t, questions[0].Candidates, 20)
	require.Zero(t, questions[0].More)

	s := ready()
	s.ask()
	s.Plan.Questions[0].More = 10
	require.Contains(t, s.Waits(s.o, s.p, s.now)[0].What, "several dataflows fit (and 10 more that are not named)")
}

func TestPairUpChangesNoInput(t *testing.T) {
	t.Parallel()
	before, after := []migration.Dataflow{old("o2", "B"), old("o1", "A")}, []migration.Dataflow{copied("n2", "A"), copied("n1", "B")}
	migration.PairUp(before, after, map[string]string{"o1": "n2"})
	require.Equal(t, []string{"o2", "o1"}, ids(before))
	require.Equal(t, []string{"n2", "n1"}, ids(after))
}

// drawChoices answers for some old dataflows, each with a new one of its own, one that does not exist, or none.
func drawChoices(t *rapid.T, before, after []migration.Dataflow) map[string]string {
	choices := map[string]string{}
	answers := shuffled(t, append(ids(after), "gone", migration.LeaveOut))
	for _, d := range before {
		switch {
		case len(answers) == 0:
		case rapid.IntRange(0, 3).Draw(t, "choose for "+d.ID) == 0:
			choices[d.ID], answers = answers[0], answers[1:]
		}
	}
	return choices
}

func TestPairUpProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawDataflows(t, "o", 7, false), drawDataflows(t, "n", 7, true)
		choices := drawChoices(t, before, after)
		matches, questions, left := migration.PairUp(before, after, choices)

		ends, used := map[string]int{}, map[string]int{}
		for _, m := range matches {
			ends[m.Old.ID]++
			used[m.New.ID]++
			require.Equal(t, m.Old.Sandbox, m.New.Sandbox, "a pair is never made across sandboxes")
			if choice, chosen := choices[m.Old.ID]; chosen {
				require.Equal(t, choice, m.New.ID, "a person's answer wins")
			}
		}
		for _, q := range questions {
			ends[q.Old]++
			require.NotEmpty(t, q.Why)
		}
		for _, d := range left {
			ends[d.ID]++
			require.Equal(t, migration.LeaveOut, choices[d.ID], "nothing is left out unasked")
		}
		require.Len(t, ends, len(before))
		for id, n := range ends {
			require.Equal(t, 1, n, "%s ends in exactly one place", id)
		}
		for id, n := range used {
			require.Equal(t, 1, n, "%s is the copy of one dataflow", id)
		}

		m, q, l := migration.PairUp(shuffled(t, before), shuffled(t, after), choices)
		require.Equal(t, []any{matches, questions, left}, []any{m, q, l}, "the order of a listing means nothing")
	})
}

// twin is what a person could not tell apart by name, advertiser and audiences.
func twin(a, b migration.Dataflow) bool {
	return a.Sandbox == b.Sandbox && strings.TrimSpace(a.Name) == strings.TrimSpace(b.Name) && a.Advertiser == b.Advertiser &&
		fmt.Sprint(sortedIDs(a)) == fmt.Sprint(sortedIDs(b))
}

func TestNoGuess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawDataflows(t, "o", 7, false), drawDataflows(t, "n", 7, true)
		matches, _, _ := migration.PairUp(before, after, nil)
		for _, m := range matches {
			for _, d := range before {
				require.False(t, d.ID != m.Old.ID && twin(d, m.Old), "%s could be meant as well as %s", d.ID, m.Old.ID)
			}
			for _, n := range after {
				require.False(t, n.ID != m.New.ID && twin(n, m.New), "%s could be the copy as well as %s", n.ID, m.New.ID)
			}
		}
	})
}

// However many others stand around: dataflows that are alike are never matched, nor is one with several copies that are alike.
func TestAmbiguityIsAlwaysAsked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawDataflows(t, "o", 4, false), drawDataflows(t, "n", 4, true)
		model := drawDataflow(t, "model", false)
		alike := func(prefix string, n int) (out []migration.Dataflow) {
			for i := range n {
				out = append(out, with(model, func(d *migration.Dataflow) {
					d.ID, d.Audiences = fmt.Sprintf("%s%d", prefix, i), shuffled(t, d.Audiences)
				}))
			}
			return out
		}
		olds := rapid.IntRange(1, 3).Draw(t, "alike on the old card")
		copies := rapid.IntRange(1, 3).Draw(t, "alike on the new card")
		if olds == 1 && copies == 1 {
			copies = 2
		}
		matches, questions, _ := migration.PairUp(shuffled(t, append(before, alike("same-old", olds)...)), shuffled(t, append(after, alike("same-new", copies)...)), nil)
		for _, m := range matches {
			require.NotContains(t, m.Old.ID, "same-old")
			require.NotContains(t, m.New.ID, "same-new")
		}
		asked := 0
		for _, q := range questions {
			if strings.HasPrefix(q.Old, "same-old") {
				asked++
				for i := range copies {
					require.Contains(t, q.Candidates, fmt.Sprintf("same-new%d", i))
				}
			}
		}
		require.Equal(t, olds, asked)
	})
}

// Where every dataflow differs from the others in name, advertiser or audiences, exact copies are all found.
func TestExactCopiesAreFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var before, after []migration.Dataflow
		for _, d := range drawDataflows(t, "o", 8, false) {
			d.Advertiser = rapid.SampledFrom([]string{"1", "2"}).Draw(t, "advertiser")
			if known(before, d) {
				continue
			}
			before = append(before, d)
			after = append(after, with(d, func(n *migration.Dataflow) { n.ID, n.Account, n.State = "copy-of-"+d.ID, "v5", migration.Disabled }))
		}
		matches, questions, _ := migration.PairUp(shuffled(t, before), shuffled(t, after), nil)
		require.Empty(t, questions)
		require.Len(t, matches, len(before))
		for _, m := range matches {
			require.Equal(t, "copy-of-"+m.Old.ID, m.New.ID)
		}
	})
}

func known(among []migration.Dataflow, d migration.Dataflow) bool {
	for _, other := range among {
		if twin(other, d) {
			return true
		}
	}
	return false
}

func sortedIDs(d migration.Dataflow) []string {
	var out []string
	for _, a := range d.Audiences {
		out = append(out, a.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// One dataflow is the copy of one: the second person to choose it is asked again.
func TestTwoChoicesOfOneCopy(t *testing.T) {
	t.Parallel()
	matches, questions, left := migration.PairUp(twoPairs().Old, twoPairs().New, map[string]string{"o1": "n1", "o2": "n1"})
	require.Empty(t, left)
	require.LessOrEqual(t, len(matches), 1)
	require.NotEmpty(t, questions)
	require.Equal(t, 2, len(matches)+len(questions))
}
