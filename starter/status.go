package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/workflowservice/v1"

	"cutover/internal/config"
	"cutover/internal/migration"
	"cutover/workflows"
)

// pageSize of visibility; the server allows up to 1000.
const pageSize = 500

// statusList is how all organizations stand.
type statusList struct {
	WritesStopped *stop     `json:"writes_stopped,omitempty"` // for all; left out: they are not, or nobody says
	Organizations []summary `json:"organizations"`
}

// statusDetail is how one organization stands.
type statusDetail struct {
	summary
	Outcome       string            `json:"outcome,omitempty"` // once it has ended
	WorkerPolling bool              `json:"worker_polling"`
	WritesStopped *stop             `json:"writes_stopped,omitempty"` // for all; left out: they are not, or nobody says
	Held          []string          `json:"held,omitempty"`           // where the stop left this organization's writes that were under way
	Status        *migration.Status `json:"status,omitempty"`         // from the workflow itself; without a worker the rest is all there is
}

func (a *app) statusCommand() *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use:   "status [--org ID]",
		Short: "Show how all organizations stand, or one in full",
		Long: `Show how all organizations stand, or one in full.

The list is made from search attributes, needs no worker and may lag by a second. It holds the organizations of the playbook, those of the
manifest that were not started included; without a manifest, those of every playbook. With --org the workflow itself answers; without a worker
its search attributes do. starter report has more about all of them.`,
		Example: `  starter status
  starter status --org 1A2B3C4D5E6F@AdobeOrg
  starter status -o csv > status.csv`,
		Args:        noArguments,
		Annotations: map[string]string{moreFormats: formatCSV},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("org") {
				if err := need(cmd, "org"); err != nil {
					return err
				}
				return a.statusOf(cmd.Context(), org)
			}
			return a.statusOfAll(cmd.Context(), cmd.Flags().Changed("manifest"))
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "the organization's `ID`")
	return cmd
}

func (a *app) statusOfAll(ctx context.Context, manifestGiven bool) error {
	manifest, playbook, err := a.listed(manifestGiven)
	if err != nil {
		return err
	}
	return a.with(ctx, func(c connection) error {
		summaries, err := c.list(ctx, playbook)
		if err != nil {
			return err
		}
		list := statusList{WritesStopped: c.stopped(ctx), Organizations: withManifest(summaries, manifest, playbook)}
		if a.output == formatCSV {
			a.warnStopped(list.WritesStopped)
			return writeCSV(a.stdout, summaryRows(list.Organizations))
		}
		return a.print(list, func(w io.Writer) {
			stopLine(w, list.WritesStopped)
			listTable(w, list.Organizations)
		})
	})
}

// listed says which organizations a list is about. A manifest that is not there is no fault unless it was asked for.
func (a *app) listed(manifestGiven bool) (manifest config.Manifest, playbook string, err error) {
	if _, statErr := os.Stat(a.manifestPath); statErr == nil || manifestGiven {
		if manifest, err = a.manifest(); err != nil {
			return config.Manifest{}, "", err
		}
	}
	switch {
	case a.playbook == "" && manifest.Playbook == "":
		return manifest, "", nil
	case a.playbook == "":
		playbook, err = a.nameOf(manifest)
		return manifest, playbook, err
	case config.IsPlaybookPath(a.playbook):
		loaded, err := a.loadPlaybook(manifest)
		return manifest, loaded.Name, err
	case !playbookName.MatchString(a.playbook):
		return config.Manifest{}, "", usage("flag --playbook: %q is neither a playbook's name nor a path ending in .yaml", a.playbook)
	}
	return manifest, a.playbook, nil
}

// list reads every page. Of several runs of one organization the newest counts.
func (c connection) list(ctx context.Context, playbook string) ([]summary, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus != 'ContinuedAsNew'", workflows.MigrateOrganizationName)
	if playbook != "" {
		query += fmt.Sprintf(" AND %s = '%s'", workflows.AttributePlaybook.GetName(), playbook)
	}
	newest := map[string]summary{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: pageSize}
	for {
		page, err := c.listPage(ctx, request)
		if err != nil {
			return nil, fail(kindFailed, "list the workflows: %w", c.lacking(err))
		}
		for _, info := range page.GetExecutions() {
			s := summarize(info)
			s.URL = c.link(s.WorkflowID, s.RunID)
			if have, ok := newest[s.WorkflowID]; !ok || s.started.After(have.started) {
				newest[s.WorkflowID] = s
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	list := make([]summary, 0, len(newest))
	for _, s := range newest {
		list = append(list, s)
	}
	return list, nil
}

func (c connection) listPage(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return c.ListWorkflow(ctx, request)
}

// withManifest adds names and the organizations that were not started.
func withManifest(summaries []summary, manifest config.Manifest, playbook string) []summary {
	names := map[string]string{}
	missing := map[string]bool{}
	for _, o := range manifest.Organizations {
		names[o.ID], missing[o.ID] = o.Name, true
	}
	for i := range summaries {
		summaries[i].Name = names[summaries[i].Organization]
		delete(missing, summaries[i].Organization)
	}
	for id := range missing {
		summaries = append(summaries, summary{
			Organization: id, Name: names[id], Playbook: playbook, Execution: notStarted, WorkflowID: workflows.WorkflowID(playbook, id),
		})
	}
	slices.SortFunc(summaries, func(a, b summary) int {
		return cmp.Or(strings.Compare(a.Playbook, b.Playbook), strings.Compare(a.Organization, b.Organization))
	})
	return summaries
}

func (a *app) statusOf(ctx context.Context, org string) error {
	t, err := a.target(org)
	if err != nil {
		return err
	}
	return a.with(ctx, func(c connection) error {
		detail, why, err := c.detail(ctx, t)
		if err != nil {
			return err
		}
		if why != "" {
			a.warn("%s: this is what search attributes tell", why)
		}
		if detail.WritesStopped = c.stopped(ctx); detail.WritesStopped == nil {
			detail.Held = nil // they go on
		}
		if a.output == formatCSV {
			a.warnStopped(detail.WritesStopped)
			return writeCSV(a.stdout, summaryRows([]summary{detail.summary}))
		}
		return a.print(detail, func(w io.Writer) { detailTable(w, detail, t, a.now()) })
	})
}

// detail asks the workflow; if nothing answers, why says so and the rest is what the server itself knows.
func (c connection) detail(ctx context.Context, t target) (detail statusDetail, why string, err error) {
	s, err := c.stand(ctx, t)
	if err != nil {
		return statusDetail{}, "", err
	}
	detail = statusDetail{summary: s.summary, Outcome: s.ended, Held: s.held}
	detail.URL = c.link(t.workflowID, s.runID)
	detail.WorkerPolling, err = c.polled(ctx)
	switch {
	case err != nil:
		return detail, fmt.Sprintf("whether a worker runs is not known (%v)", err), nil
	case !detail.WorkerPolling:
		return detail, "no worker polls task queue " + workflows.TaskQueue, nil // a query would hang
	case s.locked:
		return detail, c.needKeys().Error(), nil
	}
	status, err := c.queryStatus(ctx, t.workflowID)
	if err != nil {
		return detail, fmt.Sprintf("the workflow does not answer (%v)", err), nil
	}
	detail.Status, detail.Name = status, status.Name
	return detail, "", nil
}

func (c connection) queryStatus(ctx context.Context, workflowID string) (*migration.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	value, err := c.QueryWorkflow(ctx, workflowID, "", workflows.QueryStatus)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", workflows.QueryStatus, err)
	}
	var status migration.Status
	if err := value.Get(&status); err != nil {
		return nil, fmt.Errorf("read the answer to query %s: %w", workflows.QueryStatus, err)
	}
	if !status.Phase.Done() && !status.Timeline.Shutdown.IsZero() {
		status.At(c.now())
	}
	return &status, nil
}
