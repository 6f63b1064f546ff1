package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutover/internal/migration"
)

const (
	maxRows = 200 // of a table
	maxList = 12  // names in a cell
)

func sections(e Evidence) []section {
	s := e.Status
	all := []section{
		scope(s), waits(s.Waits), notices(s.Notices), accounts(s.Accounts), plan(e), approvals(s.Consents), toggles(s.Pairs), carried(s.Pairs),
		verification(s.Pairs), drift(s.Pairs), rollbacks(s.Pairs), undelivered(e.Missed), deeds(s.Deeds), problems(s.Problems),
	}
	for i := range all {
		all[i].cut()
	}
	return all
}

// cut bounds a table and what stands in it.
func (s *section) cut() {
	if more := len(s.Rows) - maxRows; more > 0 {
		s.Rows, s.More = s.Rows[:maxRows], more
	}
	for _, row := range s.Rows {
		for i := range row {
			row[i].Text, row[i].Note = brief(row[i].Text), brief(row[i].Note)
		}
	}
}

func at(t time.Time) cell { return cell{Text: instant(t), Class: "fixed"} }

// dataflow is a pair as people recognize it.
func dataflow(p migration.PairState) cell { return cell{Text: p.Name, Note: "sandbox " + p.Sandbox} }

// listed joins the first few texts and counts the rest.
func listed(texts []string) string {
	if more := len(texts) - maxList; more > 0 {
		texts = append(slices.Clone(texts[:maxList]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "\n")
}

func scope(s migration.Status) section {
	section := section{ID: "scope", Title: "Scope", Head: []string{"In scope", "Because"}}
	switch {
	case s.Phase == migration.NotAffected:
		section.Rows = [][]cell{{{Text: "no"}, {Text: s.Reason}}}
	case s.Reason != "":
		section.Rows = [][]cell{{{Text: "yes"}, {Text: s.Reason}}}
	}
	return section
}

func waits(list []migration.Wait) section {
	s := section{ID: "waits", Title: "What is waited for", Head: []string{"On", "For", "Since", "By"}}
	for _, w := range list {
		s.Rows = append(s.Rows, []cell{{Text: w.Who}, {Text: w.What}, at(w.Since), at(w.By)})
	}
	return s
}

func notices(list []migration.Sent) section {
	s := section{ID: "notices", Title: "Notices", Head: []string{"When", "What", "To"}}
	for _, n := range list {
		to := listed(n.To)
		if to == "" {
			to = "the operator"
		}
		s.Rows = append(s.Rows, []cell{at(n.At), {Text: noticeName(n.Kind)}, {Text: to}})
	}
	return s
}

func noticeName(kind migration.NoticeKind) string {
	switch kind {
	case migration.NoticeStart:
		return "what happens and what to do"
	case migration.NoticeReminder:
		return "reminder"
	case migration.NoticeRefused:
		return "a sign-in was not confirmed"
	case migration.NoticeRescheduled:
		return "the dates moved"
	case migration.NoticeDeadline:
		return "a deadline passed"
	case migration.NoticeAttention:
		return "an operator is needed"
	case migration.NoticeRenew:
		return "a sign-in ends soon"
	case migration.NoticeUndelivered:
		return "what was not delivered"
	}
	return string(kind)
}

func accounts(list []migration.AccountState) section {
	s := section{ID: "sign-ins", Title: "Who re-authenticated", Head: []string{"Account", "State", "Verified at", "Good until", "Why"}}
	for _, a := range list {
		state := cell{Text: "signed in", Tone: "good"}
		switch {
		case !a.Verified:
			state = cell{Text: "waits for a sign-in", Tone: "wait", Note: "since " + instant(a.Since)}
		case !a.RenewSince.IsZero():
			state.Note = "asked for again since " + instant(a.RenewSince)
		case a.ByGrant:
			state.Note = "by the grant that is held"
		}
		end := at(a.LeaseEnd)
		if a.Verified && a.LeaseEnd.IsZero() {
			end.Text = "no end known"
		}
		why := cell{Text: a.Note}
		if a.ClaimedBy != "" {
			why.Note = "claimed by " + a.ClaimedBy + ", not yet checked"
		}
		s.Rows = append(s.Rows, []cell{{Text: a.Name, Note: a.ID + ", sandbox " + a.Sandbox}, state, at(a.VerifiedAt), end, why})
	}
	return s
}

func plan(e Evidence) section {
	s := section{ID: "plan", Title: "Plan", Head: []string{"Dataflow", "Old and its copy", "To do", "Differences", "State"}}
	if e.Plan != nil {
		s.Intro = fmt.Sprintf("Plan %s of %s. Of each pair, %s.", e.Plan.Hash, instant(e.Plan.MadeAt), orderName(e.Plan.Order))
	}
	for _, p := range worstFirst(e.Status.Pairs) {
		todo := cell{Text: string(p.Action)}
		if n := len(p.Carry); n > 0 {
			todo.Note = fmt.Sprintf("%d changes of audiences carried over", n)
		}
		state := cell{Text: string(p.Progress), Tone: progressTone(p), Note: cmp.Or(p.Hold, p.Note)}
		s.Rows = append(s.Rows, []cell{dataflow(p), {Text: p.Old + "\n" + p.New, Class: "code"}, todo, {Text: differences(p.Drift)}, state})
	}
	if e.Plan != nil {
		for _, q := range e.Plan.Questions {
			s.Rows = append(s.Rows, []cell{
				{Text: q.Name, Note: "sandbox " + q.Sandbox},
				{Text: q.Old, Class: "code"},
				{Text: "ask which is its copy"},
				{Text: listed(q.Candidates)},
				{Text: "held", Tone: "bad", Note: q.Why},
			})
		}
		if n := len(e.Plan.Left); n > 0 {
			s.After = "Left out by a person's choice: " + strings.ReplaceAll(listed(e.Plan.Left), "\n", ", ") + "."
		}
	}
	return s
}

func orderName(o migration.Order) string {
	if o == migration.DisableFirst {
		return "the old dataflow is disabled first, then its copy enabled"
	}
	return "the copy is enabled first, then the old dataflow disabled"
}

// worstFirst puts what a person should look at where no cut hides it.
func worstFirst(pairs []migration.PairState) []migration.PairState {
	order := []migration.Progress{migration.Held, migration.WentBack, migration.Ready, migration.Switched}
	rank := func(p migration.PairState) int {
		if i := slices.Index(order, p.Progress); i >= 0 {
			return i
		}
		return len(order)
	}
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b migration.PairState) int { return rank(a) - rank(b) })
	return sorted
}

func progressTone(p migration.PairState) string {
	switch p.Progress {
	case migration.Verified:
		return "good"
	case migration.Held, migration.WentBack:
		return "bad"
	case migration.LeftOff:
		return ""
	case migration.Ready, migration.Switched:
	}
	if p.Failing {
		return "bad"
	}
	return "wait"
}

// differences counts a pair's differences by kind and by what is done about them.
func differences(list []migration.Drift) string {
	counts := map[string]int{}
	var kinds []string
	for _, d := range list {
		kind := string(d.Kind) + " (" + policyName(d.Policy) + ")"
		if counts[kind]++; counts[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	for i, kind := range kinds {
		if n := counts[kind]; n > 1 {
			kinds[i] = strconv.Itoa(n) + " × " + kind
		}
	}
	if len(kinds) == 0 {
		return "none"
	}
	return strings.Join(kinds, "\n")
}

func policyName(p migration.Policy) string {
	switch p {
	case migration.CarryOver:
		return "carried over"
	case migration.Ask:
		return "a person decides"
	case migration.Block:
		return "holds"
	case migration.Ignore:
		return "accepted"
	}
	return "not decided"
}

func approvals(list []migration.Consent) section {
	s := section{ID: "approvals", Title: "Approvals", Head: []string{"When", "Who", "Plan", "Dataflows"}}
	for _, c := range list {
		covers := cell{Text: strconv.Itoa(len(c.Pairs))}
		if len(c.Pairs) == 0 {
			covers.Text = "replaced by a later one"
		}
		s.Rows = append(s.Rows, []cell{at(c.At), {Text: c.By}, {Text: c.Plan, Class: "code"}, covers})
	}
	return s
}

func toggles(pairs []migration.PairState) section {
	s := section{ID: "toggles", Title: "Every toggle", Head: []string{"When", "Dataflow", "Card", "Before", "After"}}
	type toggle struct {
		migration.Toggled
		pair migration.PairState
	}
	var all []toggle
	for _, p := range pairs {
		for _, t := range p.Toggled {
			all = append(all, toggle{t, p})
		}
	}
	slices.SortStableFunc(all, func(a, b toggle) int { return a.At.Compare(b.At) })
	for _, t := range all {
		id := t.pair.New
		if t.Card == "old" {
			id = t.pair.Old
		}
		s.Rows = append(s.Rows, []cell{
			at(t.At), {Text: t.pair.Name, Note: id, Class: "id"}, {Text: t.Card}, {Text: string(t.From), Class: "fixed"}, {Text: string(t.To), Tone: stateTone(t.To), Note: t.Note},
		})
	}
	return s
}

func stateTone(s migration.DataflowState) string {
	if s == migration.Enabled {
		return "good"
	}
	return ""
}

func carried(pairs []migration.PairState) section {
	s := section{ID: "audiences", Title: "Audiences carried over", Head: []string{"When", "Dataflow", "Change", "Where"}}
	for _, p := range pairs {
		for _, c := range p.Carried {
			where := "the copy"
			if c.Back {
				where = "the old dataflow, before it was rolled back"
			}
			s.Rows = append(s.Rows, []cell{at(c.At), dataflow(p), {Text: c.String()}, {Text: where}})
		}
	}
	slices.SortStableFunc(s.Rows, func(a, b []cell) int { return strings.Compare(a[0].Text, b[0].Text) })
	return s
}

func verification(pairs []migration.PairState) section {
	s := section{ID: "verification", Title: "Verification", Head: []string{"Dataflow", "Result", "Flow run", "Delivered", "Usual", "Why"}}
	for _, p := range worstFirst(pairs) {
		if p.Verdict == nil && p.Progress != migration.Switched && p.Progress != migration.Verified {
			continue
		}
		v := migration.RunVerdict{}
		if p.Verdict != nil {
			v = *p.Verdict
		}
		counts, usual := cell{Text: "–"}, cell{Text: "–"}
		if v.Activated+v.Failed > 0 {
			counts = cell{Text: fmt.Sprintf("%d identities", v.Activated), Note: fmt.Sprintf("%d failed", v.Failed)}
		}
		if v.Expected > 0 {
			usual.Text = fmt.Sprintf("about %d", v.Expected)
		}
		s.Rows = append(s.Rows, []cell{dataflow(p), result(p), {Text: cmp.Or(v.Run, "–"), Class: "code"}, counts, usual, {Text: cmp.Or(v.Reason, p.Note), Note: atPartner(v.Partner)}})
	}
	return s
}

// atPartner is what the destination itself showed, or why nobody looked.
func atPartner(look *migration.PartnerLook) string {
	if look == nil {
		return ""
	}
	return look.String()
}

func result(p migration.PairState) cell {
	switch {
	case p.Progress == migration.Verified:
		return cell{Text: "pass", Tone: "good"}
	case p.Verdict != nil && p.Verdict.Status == migration.RunFailed:
		return cell{Text: "fail", Tone: "bad"}
	case p.Verdict != nil && p.Verdict.Status == migration.RunSucceeded:
		return cell{Text: "pass", Tone: "good"}
	case p.Overdue:
		return cell{Text: "inconclusive", Tone: "bad", Note: "for longer than the playbook's bound"}
	case p.Verdict != nil:
		return cell{Text: "inconclusive", Tone: "wait"}
	}
	return cell{Text: "awaited", Tone: "wait"}
}

func drift(pairs []migration.PairState) section {
	s := section{ID: "drift", Title: "Drift seen", Head: []string{"Dataflow", "Difference", "What", "Done about it"}}
	for _, p := range worstFirst(pairs) {
		for _, d := range p.Drift {
			s.Rows = append(s.Rows, []cell{dataflow(p), {Text: string(d.Kind)}, {Text: d.Item}, {Text: policyName(d.Policy)}})
		}
	}
	return s
}

func rollbacks(pairs []migration.PairState) section {
	s := section{ID: "rollbacks", Title: "Rollbacks", Head: []string{"When", "Dataflow", "State", "Who and why"}}
	for _, p := range pairs {
		told := false
		for _, t := range p.Toggled {
			if wentBack(t) {
				told = true
				s.Rows = append(s.Rows, []cell{at(t.At), dataflow(p), {Text: "done", Tone: "good"}, {Text: t.Note}})
			}
		}
		if p.Progress == migration.WentBack && !told {
			s.Rows = append(s.Rows, []cell{{Text: "–"}, dataflow(p), {Text: "done", Tone: "good"}, {Text: p.Note}})
		}
		if p.Back != nil {
			s.Rows = append(s.Rows, []cell{at(p.Back.At), dataflow(p), {Text: "asked for", Tone: "wait"}, {Text: p.Back.By + ": " + p.Back.What}})
		}
	}
	return s
}

// wentBack tells whether a toggle ended a rollback's gap: the old dataflow was enabled again.
func wentBack(t migration.Toggled) bool { return t.Card == "old" && t.To == migration.Enabled }

func undelivered(list []migration.Missed) section {
	s := section{ID: "undelivered", Title: "Not delivered", Head: []string{"Dataflow", "From", "To", "Audiences"}}
	for _, m := range list {
		to := at(m.To)
		if m.To.IsZero() {
			to = cell{Text: "still", Tone: "bad"}
		}
		var names []string
		for _, a := range m.Audiences {
			names = append(names, cmp.Or(a.Name, a.ID))
		}
		audiences := cell{Text: listed(names)}
		if audiences.Text == "" {
			audiences.Text = "not known"
		}
		s.Rows = append(s.Rows, []cell{{Text: m.Name, Note: m.Dataflow, Class: "id"}, at(m.From), to, audiences})
	}
	s.After = "Profiles that entered or left these audiences in that time may never reach the destination: no documented way sends past changes again. " +
		"Changes from the end of that time on are delivered. Compare the audience sizes at the destination, and ask Adobe about a backfill where they differ."
	return s
}

func deeds(list []migration.Deed) section {
	s := section{ID: "deeds", Title: "What people did", Head: []string{"When", "Who", "What"}}
	for _, d := range list {
		s.Rows = append(s.Rows, []cell{at(d.At), {Text: d.By}, {Text: d.What}})
	}
	return s
}

func problems(list []migration.Problem) section {
	s := section{ID: "problems", Title: "Problems", Head: []string{"When", "What", "Type", "State"}}
	for _, p := range list {
		state := cell{Text: "known"}
		if p.Holds {
			state = cell{Text: "holds everything", Tone: "bad"}
		}
		s.Rows = append(s.Rows, []cell{at(p.At), {Text: p.What}, {Text: p.Type, Class: "code"}, state})
	}
	return s
}
