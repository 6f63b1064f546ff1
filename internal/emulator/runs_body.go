package emulator

// runBody is a run as Flow Service shows it.
type runBody struct {
	ID            string     `json:"id"`
	CreatedAt     int64      `json:"createdAt"`
	UpdatedAt     int64      `json:"updatedAt"`
	CreatedBy     string     `json:"createdBy"`
	UpdatedBy     string     `json:"updatedBy"`
	CreatedClient string     `json:"createdClient"`
	UpdatedClient string     `json:"updatedClient"`
	SandboxID     string     `json:"sandboxId"`
	SandboxName   string     `json:"sandboxName"`
	IMSOrgID      string     `json:"imsOrgId"`
	FlowID        string     `json:"flowId"`
	FlowSpec      versioned  `json:"flowSpec"`
	ProviderRefID string     `json:"providerRefId"`
	Etag          string     `json:"etag"`
	Activities    []any      `json:"activities"`
	Metrics       runMetrics `json:"metrics"`
}

type runMetrics struct {
	Duration runDuration      `json:"durationSummary"`
	Latency  map[string]int   `json:"latencySummary"`
	Size     map[string]int64 `json:"sizeSummary"`
	Records  runRecords       `json:"recordSummary"`
	Status   runStatus        `json:"statusSummary"`
}

type runDuration struct {
	StartedAtUTC   int64 `json:"startedAtUTC"`
	CompletedAtUTC int64 `json:"completedAtUTC,omitempty"`
}

type runStatus struct {
	Status       string    `json:"status"`
	Errors       []runInfo `json:"errors"`
	ActivityRefs []any     `json:"activityRefs"`
}

// runCounts counts profiles and identities; what a streaming run never has stays zero.
type runCounts struct {
	Input   int64 `json:"inputRecordCount"`
	Created int64 `json:"createdRecordCount"`
	Output  int64 `json:"outputRecordCount"`
	Updated int64 `json:"updatedRecordCount"`
	Deleted int64 `json:"deletedRecordCount"`
	Skipped int64 `json:"skippedRecordCount"`
	Failed  int64 `json:"failedRecordCount"`
	Warning int64 `json:"warningRecordCount"`
}

type runSummary struct {
	ID string `json:"id"`
	runCounts
	Entities []runSummary `json:"entitySummaries,omitempty"`
}

type runRecords struct {
	runCounts
	SourceSummaries []runSummary `json:"sourceSummaries"`
	TargetSummaries []runSummary `json:"targetSummaries"`
	FailedInfo      []runInfo    `json:"failedInfo"`
	SkippedInfo     []runInfo    `json:"skippedInfo"`
	WarningInfo     []runInfo    `json:"warningInfo"`
}

type runInfo struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Count   int64  `json:"count"`
	Type    string `json:"type"`
}
