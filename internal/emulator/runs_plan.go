package emulator

import "fmt"

// defaultProfiles is how many profiles each run receives when the scenario does not say.
const defaultProfiles = 1000

// runPlan is how a flow's runs go while it holds.
type runPlan struct {
	how      string // one of the Runs constants
	profiles int    // received by each run
	failed   int    // percent of them that fail, with RunsPartial
}

// received is how many profiles a run that has ended took in.
func (p runPlan) received() int64 {
	if p.how == RunsEmpty {
		return 0
	}
	return int64(p.profiles)
}

// lost is how many of them failed although the run succeeded; at least one, so that a small run shows it too.
func (p runPlan) lost() int64 {
	if p.how != RunsPartial || p.profiles == 0 {
		return 0
	}
	return max(1, p.received()*int64(p.failed)/100)
}

// checkFailed tells whether the share fits the way the runs go.
func checkFailed(how string, failed int) error {
	if failed < 0 || failed > 100 || (how == RunsPartial && failed == 0) {
		return fmt.Errorf("runs %q, failed %d: write failed as a percentage, at least 1 with runs %s", how, failed, RunsPartial)
	}
	return nil
}

// runs is how the scenario has the dataflow's runs go.
func (d *Dataflow) runs() runPlan {
	plan := runPlan{how: d.Runs, profiles: defaultProfiles, failed: d.Failed}
	if d.Profiles != nil {
		plan.profiles = *d.Profiles
	}
	return plan
}

// runs is the same for the copy of the dataflow.
func (c *Copy) runs(original *Dataflow) runPlan {
	plan := original.runs()
	plan.how = or(c.Runs, plan.how)
	if c.Profiles != nil {
		plan.profiles = *c.Profiles
	}
	if c.Failed != nil {
		plan.failed = *c.Failed
	}
	return plan
}
