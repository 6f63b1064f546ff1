package emulator

import "encoding/json"

// versioned names a spec and its version, or a connection.
type versioned struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// recordBody is what every entity's answer begins with.
type recordBody struct {
	ID            string `json:"id"`
	CreatedAt     int64  `json:"createdAt"`
	UpdatedAt     int64  `json:"updatedAt"`
	CreatedBy     string `json:"createdBy"`
	UpdatedBy     string `json:"updatedBy"`
	CreatedClient string `json:"createdClient"`
	UpdatedClient string `json:"updatedClient"`
	SandboxID     string `json:"sandboxId"`
	SandboxName   string `json:"sandboxName"`
	IMSOrgID      string `json:"imsOrgId"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	Version       string `json:"version"`
	Etag          string `json:"etag"`
}

func (r *record) body(sb *sandbox) recordBody {
	return recordBody{
		ID: r.id, CreatedAt: r.created.UnixMilli(), UpdatedAt: r.updated.UnixMilli(),
		CreatedBy: r.createdBy, UpdatedBy: r.updatedBy, CreatedClient: r.createdBy, UpdatedClient: r.updatedBy,
		SandboxID: sb.id, SandboxName: sb.name, IMSOrgID: sb.org.id,
		Name: r.name, Description: r.description, Version: r.etag(), Etag: r.etag(),
	}
}

type flowBody struct {
	recordBody
	FlowSpec            versioned       `json:"flowSpec"`
	State               string          `json:"state"`
	SourceConnectionIDs []string        `json:"sourceConnectionIds"`
	TargetConnectionIDs []string        `json:"targetConnectionIds"`
	InheritedAttributes inherited       `json:"inheritedAttributes"`
	Transformations     json.RawMessage `json:"transformations"`
	Runs                string          `json:"runs"`
	LastOperation       operationBody   `json:"lastOperation"`
	LastRunDetails      *lastRunBody    `json:"lastRunDetails,omitempty"`
	Labels              []string        `json:"labels,omitempty"`
}

type inherited struct {
	Properties        map[string]bool `json:"properties"`
	SourceConnections []inheritedConn `json:"sourceConnections"`
	TargetConnections []inheritedConn `json:"targetConnections"`
}

type inheritedConn struct {
	ID             string            `json:"id"`
	ConnectionSpec versioned         `json:"connectionSpec"`
	BaseConnection *baseConn         `json:"baseConnection,omitempty"`
	TypeInfo       map[string]string `json:"typeInfo,omitempty"`
}

type baseConn struct {
	ID             string    `json:"id"`
	ConnectionSpec versioned `json:"connectionSpec"`
}

type operationBody struct {
	Started          int64           `json:"started"`
	Updated          int64           `json:"updated"`
	PercentCompleted int             `json:"percentCompleted"`
	Status           map[string]any  `json:"status"`
	Ops              json.RawMessage `json:"ops,omitempty"`
	Operation        string          `json:"operation"`
}

type lastRunBody struct {
	ID             string `json:"id"`
	State          string `json:"state"`
	StartedAtUTC   int64  `json:"startedAtUTC"`
	CompletedAtUTC int64  `json:"completedAtUTC"`
}

// version1 names a spec in the one version there is.
func version1(id string) versioned { return versioned{id, "1.0"} }
