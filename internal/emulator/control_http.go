package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// controlPath is where the emulator's own calls live, outside every vendor's path space.
const controlPath = "/_emulator"

// controlRoutes adds the control calls. Each does what the Go method of its name does.
func (e *Emulator) controlRoutes(mux *http.ServeMux) {
	const account, flow = "/organizations/{org}/sandboxes/{sandbox}/accounts/{id}", "/organizations/{org}/sandboxes/{sandbox}/flows/{id}"
	get := func(path string, show func(*http.Request) (any, error)) {
		mux.HandleFunc("GET "+controlPath+path, func(w http.ResponseWriter, r *http.Request) {
			result, err := show(r)
			respond(w, result, err)
		})
	}
	get("/health", func(*http.Request) (any, error) { return map[string]any{"status": "ok", "now": e.Now()}, nil })
	get("/state", func(r *http.Request) (any, error) {
		if org := r.URL.Query().Get("organization"); org != "" {
			return e.StateOf(org)
		}
		return e.State(), nil
	})
	get("/secrets", func(*http.Request) (any, error) { return map[string]any{"secrets": e.Secrets()}, nil })
	get("/faults", func(*http.Request) (any, error) { return map[string]any{"faults": e.Faults()}, nil })
	get("/clock", func(*http.Request) (any, error) { return map[string]any{"now": e.Now()}, nil })
	get("/ledger", e.showLedger)

	post(mux, "/clock", func(_ *http.Request, in struct {
		Advance duration `json:"advance"`
	},
	) (any, error) {
		err := e.Advance(time.Duration(in.Advance))
		return map[string]any{"now": e.Now()}, err
	})
	post(mux, "/stages", func(_ *http.Request, in StageSwitch) (any, error) { return nil, e.SetStages(in) })
	post(mux, "/faults", func(_ *http.Request, in Fault) (any, error) { return e.AddFault(in) })
	mux.HandleFunc("DELETE "+controlPath+"/faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		respond(w, nil, e.RemoveFault(r.PathValue("id")))
	})
	mux.HandleFunc("POST "+controlPath+"/settings", e.configure)
	mux.HandleFunc("POST "+controlPath+"/limits", e.configure) // the same by its first name
	post(mux, account+"/reconnect", func(r *http.Request, in struct {
		By           string   `json:"by"`
		Advertiser   string   `json:"advertiser"`
		MissingScope bool     `json:"missing_scope"`
		Lease        duration `json:"lease"`
	},
	) (any, error) {
		how := Reconnection{By: in.By, Advertiser: in.Advertiser, MissingScope: in.MissingScope, Lease: time.Duration(in.Lease)}
		return nil, e.Reconnect(r.PathValue("org"), r.PathValue("sandbox"), r.PathValue("id"), how)
	})
	post(mux, account+"/expire", func(r *http.Request, _ struct{}) (any, error) {
		return nil, e.Expire(r.PathValue("org"), r.PathValue("sandbox"), r.PathValue("id"))
	})
	post(mux, flow+"/edit", func(r *http.Request, in Edit) (any, error) {
		return nil, e.EditFlow(r.PathValue("org"), r.PathValue("sandbox"), r.PathValue("id"), in)
	})
	post(mux, flow+"/delete", func(r *http.Request, in struct {
		By string `json:"by"`
	},
	) (any, error) {
		return nil, e.DeleteFlow(r.PathValue("org"), r.PathValue("sandbox"), r.PathValue("id"), in.By)
	})
	post(mux, flow+"/hidden", func(r *http.Request, in struct {
		Hidden bool `json:"hidden"`
	},
	) (any, error) {
		return nil, e.Hide(r.PathValue("org"), r.PathValue("sandbox"), r.PathValue("id"), in.Hidden)
	})
	post(mux, "/tokens/expire", func(_ *http.Request, in struct {
		ClientID string `json:"client_id"`
	},
	) (any, error) {
		return nil, e.ExpireTokens(in.ClientID)
	})
	post(mux, "/pinterest/grants", func(_ *http.Request, in struct {
		Organization string   `json:"organization"`
		Scopes       []string `json:"scopes"`
	},
	) (any, error) {
		return e.GrantPinterest(in.Organization, in.Scopes...)
	})
	post(mux, "/pinterest/revoke", func(_ *http.Request, in struct {
		Organization string `json:"organization"`
	},
	) (any, error) {
		return nil, e.RevokePinterest(in.Organization)
	})
}

func (e *Emulator) showLedger(r *http.Request) (any, error) {
	var after int64
	if text := r.URL.Query().Get("after"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("after %q: write a sequence number", text)
		}
		after = n
	}
	return map[string]any{"entries": e.Ledger(after)}, nil
}

// configure changes the settings that the body names, spelled as in a scenario; the others stay.
func (e *Emulator) configure(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		respond(w, nil, fmt.Errorf("read the request: %w", err))
		return
	}
	var unreadable error
	err = e.Configure(func(s *Settings) {
		changed := *s
		decoder := yaml.NewDecoder(bytes.NewReader(text)) // JSON is YAML, and durations are read as in a scenario
		decoder.KnownFields(true)
		if unreadable = decoder.Decode(&changed); unreadable == nil {
			*s = changed
		}
	})
	respond(w, nil, errors.Join(unreadable, err))
}

// post adds a control call whose body is JSON with no unknown member. An empty body is the zero value.
func post[In any](mux *http.ServeMux, path string, do func(*http.Request, In) (any, error)) {
	mux.HandleFunc("POST "+controlPath+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil && r.ContentLength != 0 {
			respond(w, nil, fmt.Errorf("read the request: %w", err))
			return
		}
		result, err := do(r, in)
		respond(w, result, err)
	})
}

// respond writes the result, or the error as 404 or 400.
func respond(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	switch {
	case errors.Is(err, ErrNoSuch):
		status = http.StatusNotFound
	case err != nil:
		status = http.StatusBadRequest
	case result == nil:
		result = map[string]string{"status": "ok"}
	}
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(result); err != nil {
		return // the caller has gone; there is nobody to tell
	}
}

// duration is a time.Duration written as text, such as "1h".
type duration time.Duration

// UnmarshalText reads Go's notation.
func (d *duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration %q: write it like 90s or 1h: %w", text, err)
	}
	*d = duration(value)
	return nil
}
