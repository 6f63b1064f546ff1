package engine

import (
	"net/url"
	"strings"
)

// DefaultWebURL is where Temporal's development server has its Web UI.
const DefaultWebURL = "http://localhost:8233"

// WebURL is the page of a workflow in Temporal's Web UI at base; an empty runID leads to the latest run.
func WebURL(base, namespace, workflowID, runID string) string {
	page := strings.TrimRight(base, "/") + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(workflowID)
	if runID != "" {
		page += "/" + url.PathEscape(runID) + "/history"
	}
	return page
}
