package emulator

import "time"

// Scenario describes the vendors' world at the start. The zero value of every field means its default.
type Scenario struct {
	Start         Instant        `yaml:"start"` // where the emulator's clock begins; default: the base clock
	Cards         Cards          `yaml:"cards"`
	Migrations    []Cards        `yaml:"migrations"` // further card pairs beside the first, each with a name; they pass the same stages
	Stages        Stages         `yaml:"stages"`
	Settings      Settings       `yaml:"settings"`
	Pinterest     PinterestApp   `yaml:"pinterest"`
	Faults        []Fault        `yaml:"faults"`
	Organizations []Organization `yaml:"organizations"`
}

// Cards are the deprecated destination and its replacement.
type Cards struct {
	Name   string `yaml:"name"   json:"name"` // how organizations, accounts and dataflows choose this pair; the first needs none
	Old    Card   `yaml:"old"    json:"old"`
	New    Card   `yaml:"new"    json:"new"`
	Reauth *bool  `yaml:"reauth" json:"reauth,omitempty"` // false: accounts of the new card arrive authenticated; default true
	Auth   string `yaml:"auth"   json:"auth,omitempty"`   // AuthOAuth2 (default) or AuthAccessKey
}

// How the accounts of a card sign in.
const (
	AuthOAuth2    = "oauth2"     // a person signs in; ends with the lease
	AuthAccessKey = "access_key" // a key pair, as Amazon S3 has; never ends by itself
)

// Card is one destination: a connection spec and the flow spec that belongs to it.
type Card struct {
	Name       string `yaml:"name"`
	ID         string `yaml:"id"`
	FlowSpecID string `yaml:"flow_spec_id"`
}

// Stages are the moments at which the vendors switch. A stage not given is passed only by SetStages, except
// CardsAvailable, which then holds from the start.
type Stages struct {
	CardsAvailable Instant `yaml:"cards_available"` // copies are made; before it the new card exists in no answer
	OldAPIClosed   Instant `yaml:"old_api_closed"`  // from here runs of the old card fail and v4 answers 410
}

// Organization is an IMS organization with the one credential that may speak for it.
type Organization struct {
	ID            string    `yaml:"id"`
	Name          string    `yaml:"name"`
	ClientID      string    `yaml:"client_id"`     // default: derived from the name
	ClientSecret  string    `yaml:"client_secret"` // default: derived from the name
	SecondSecret  string    `yaml:"second_secret"` // valid beside the first, as during a rotation
	PinterestUser string    `yaml:"pinterest_user"`
	Migration     string    `yaml:"migration"` // name of the card pair its accounts and dataflows belong to; default: the first
	Sandboxes     []Sandbox `yaml:"sandboxes"`
}

// Sandbox isolates accounts and dataflows.
type Sandbox struct {
	Name      string     `yaml:"name"`
	Accounts  []Account  `yaml:"accounts"` // default: one for each card pair the dataflows use, named "Pinterest" or after the pair
	Dataflows []Dataflow `yaml:"dataflows"`
}

// Account is a base connection.
type Account struct {
	Name          string  `yaml:"name"`
	ID            string  `yaml:"id"`
	Card          string  `yaml:"card"`          // "old" (default) or "new"
	Authenticated *bool   `yaml:"authenticated"` // default: true on the old card, false on the new one
	Authorized    Instant `yaml:"authorized"`    // default: ten days before the start
	Expires       Instant `yaml:"expires"`       // default: never on the old card, a lease from Authorized on the new one
	Copy          *bool   `yaml:"copy"`          // false: the new card gets no account for this one
	CopyID        string  `yaml:"copy_id"`
	CopyReady     bool    `yaml:"copy_ready"` // the copied account is authenticated when it appears
	Migration     string  `yaml:"migration"`  // default: the organization's
}

// Dataflow is a flow to a destination.
type Dataflow struct {
	Name        string     `yaml:"name"`
	ID          string     `yaml:"id"`
	Description string     `yaml:"description"`
	Card        string     `yaml:"card"`       // "old" (default) or "new"
	Account     string     `yaml:"account"`    // name of the account; default: the sandbox's first
	Advertiser  string     `yaml:"advertiser"` // Pinterest ad account id
	Audiences   []Audience `yaml:"audiences"`
	Mappings    string     `yaml:"mappings"`  // MappingSelectors (default) or MappingSet
	Created     Instant    `yaml:"created"`   // default: 1 June 2023, or 90 days before an earlier start
	State       string     `yaml:"state"`     // default: enabled
	Profiles    *int       `yaml:"profiles"`  // profiles each run receives; default 1000
	Runs        string     `yaml:"runs"`      // how runs end: RunsByRule (default), RunsFail, RunsStall, RunsNone, RunsEmpty, RunsPartial
	Failed      int        `yaml:"failed"`    // with RunsPartial: percent of each run's profiles that fail
	Labels      []string   `yaml:"labels"`    // access labels; with any, the flow is hidden from the API
	Copy        *Copy      `yaml:"copy"`      // default: an exact, disabled copy
	Migration   string     `yaml:"migration"` // default: the organization's
	Params      Params     `yaml:"params"`    // what the target connection holds besides the ad account, such as a bucket and a path
}

// Params are text parameters of a target connection.
type Params map[string]string

// Forms in which a flow carries its mappings.
const (
	MappingSelectors = "selectors"   // params.profileSelectors
	MappingSet       = "mapping_set" // params.profileMapping and its siblings
)

// How a flow's runs end.
const (
	RunsByRule = ""      // by the state of the account and of the vendor's API
	RunsFail   = "fail"  // every run fails
	RunsStall  = "stall" // runs stay in processing
	RunsNone   = "none"  // no run appears
	RunsEmpty  = "empty" // runs succeed with no record
	// RunsPartial lets runs that would succeed lose a share of their profiles: Failed percent of them.
	RunsPartial = "partial"
)

// Copy says how the copy of a dataflow on the new card differs from its original. In YAML also true or false.
type Copy struct {
	None       bool       `yaml:"-"` // the dataflow was not copied
	ID         string     `yaml:"id"`
	Name       string     `yaml:"name"`
	Advertiser string     `yaml:"advertiser"`
	Account    string     `yaml:"account"`
	Audiences  []Audience `yaml:"audiences"` // default: the original's at the moment of copying
	Mappings   string     `yaml:"mappings"`
	State      string     `yaml:"state"` // default: disabled
	Profiles   *int       `yaml:"profiles"`
	Runs       string     `yaml:"runs"`
	Failed     *int       `yaml:"failed"`
	Labels     []string   `yaml:"labels"`
}

// Audience is a segment a flow exports. In YAML also just its name.
type Audience struct {
	Name      string `yaml:"name"      json:"name"`
	ID        string `yaml:"id"        json:"id"`        // default: derived from organization, sandbox and name
	Namespace string `yaml:"namespace" json:"namespace"` // of an external audience, such as aamSegments
}

// Settings are the vendors' undocumented choices, each with the default the contract notes suggest.
type Settings struct {
	TokenLifetime          time.Duration  `yaml:"token_lifetime"`            // of IMS tokens; default 86399s
	MintLimit              int            `yaml:"mint_limit"`                // tokens per client and hour before 429; 0 = no limit
	RunWindow              time.Duration  `yaml:"run_window"`                // one run per window; default 1h
	ImmediateRuns          bool           `yaml:"immediate_runs"`            // enabling a flow makes its first run at once
	RunStatus              string         `yaml:"run_status"`                // spelling: "lower" (default), "title", "upper"
	RunRetention           time.Duration  `yaml:"run_retention"`             // default 90 days
	Lease                  time.Duration  `yaml:"lease"`                     // life of an authentication; default 30 days
	EtagSettles            time.Duration  `yaml:"etag_settles"`              // second etag after a PATCH; default 1s, negative = never
	Transition             time.Duration  `yaml:"transition"`                // time in enabling and disabling; default 0
	SameStateAccepted      bool           `yaml:"same_state_accepted"`       // enabling an enabled flow answers 200 instead of 400
	Probe                  string         `yaml:"probe"`                     // how /test answers: "honest" (default), "404", "501", "true"
	HideExpiration         bool           `yaml:"hide_expiration"`           // accounts show no expirationDate
	PatchedGrants          bool           `yaml:"patched_grants"`            // PATCH /auth/params with a live Pinterest token authenticates
	PatchAccepted          bool           `yaml:"patch_accepted"`            // PATCH answers 202 with no body
	OldDataflows           string         `yaml:"old_dataflows"`             // once the old API is closed: OldKept (default), OldRefused, OldGone
	RequestsPerSecond      float64        `yaml:"requests_per_second"`       // of each client, at IMS and Flow Service; 0 = no limit
	TotalRequestsPerSecond float64        `yaml:"total_requests_per_second"` // of all clients together; 0 = no limit
	RetryAfter             time.Duration  `yaml:"retry_after"`               // sent with 429; 0 = the header is absent
	Latency                time.Duration  `yaml:"latency"`                   // of every vendor call, in real time
	RouteLatency           []RouteLatency `yaml:"route_latency"`
	OtherDataflows         int            `yaml:"other_dataflows"` // unrelated flows per sandbox; default 2, negative = none
	OmitReads              bool           `yaml:"omit_reads"`      // keep reads and lists that succeed out of the ledger
}

// What becomes of the old card's dataflows once the old API is closed. The vendor documents only that their runs fail.
const (
	OldKept    = "kept"    // they stay as they are
	OldRefused = "refused" // they can be read; every write to one answers 410
	OldGone    = "gone"    // they, their target connections and their accounts are in no answer
)

// RouteLatency is the latency of the calls that match the route, instead of the general one.
type RouteLatency struct {
	Route   string        `yaml:"route"` // as in Fault.Route
	Latency time.Duration `yaml:"latency"`
}

// PinterestApp is the OAuth application that callers of Pinterest v5 use.
type PinterestApp struct {
	ClientID        string        `yaml:"client_id"`        // default "1500000"
	ClientSecret    string        `yaml:"client_secret"`    // default "pinterest-app-secret"
	RedirectURIs    []string      `yaml:"redirect_uris"`    // default: any loopback address
	AccessLifetime  time.Duration `yaml:"access_lifetime"`  // default 30 days
	RefreshLifetime time.Duration `yaml:"refresh_lifetime"` // default 60 days
	Overlap         time.Duration `yaml:"overlap"`          // how long a refresh token lives on after its use; default 0
	Legacy          bool          `yaml:"legacy"`           // refresh answers carry no new refresh token
}
