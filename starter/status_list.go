package main

import (
	"fmt"
	"io"
	"strconv"
)

func summaryRows(list []summary) [][]string {
	rows := [][]string{{"organization", "name", "playbook", "execution", "phase", "stage", "deadline", "waiting_on", "open", "error_type", "workflow_id", "run_id", "url"}}
	for _, s := range list {
		rows = append(rows, []string{
			s.Organization, s.Name, s.Playbook, s.Execution, s.Phase, s.Stage, instant(s.Deadline), s.WaitingOn,
			strconv.FormatInt(s.Open, 10), s.ErrorType, s.WorkflowID, s.RunID, s.URL,
		})
	}
	return rows
}

func listTable(w io.Writer, list []summary) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No organization was started: starter start --all starts those of the manifest.")
		return
	}
	rows := [][]string{{"ORGANIZATION", "NAME", "EXECUTION", "PHASE", "STAGE", "DEADLINE", "WAITING ON", "OPEN", "ERROR"}}
	for _, s := range list {
		open := strconv.FormatInt(s.Open, 10)
		if s.Execution == notStarted {
			open = ""
		}
		rows = append(rows, []string{s.Organization, s.Name, s.Execution, s.Phase, s.Stage, instant(s.Deadline), s.WaitingOn, open, s.ErrorType})
	}
	writeTable(w, rows)
}
