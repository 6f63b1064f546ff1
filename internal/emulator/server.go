package emulator

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// flowServicePath is where Flow Service lives under the platform's host.
const flowServicePath = "/data/foundation/flowservice"

// maxBody bounds what a caller may send.
const maxBody = 1 << 20

// maxRequestID bounds a request id taken over from the caller.
const maxRequestID = 64

// vendor names whose API a route belongs to.
type vendor string

const (
	vendorIMS       vendor = "ims"
	vendorAdobe     vendor = "adobe"
	vendorPinterest vendor = "pinterest"
)

// endpoint is one call a vendor offers.
type endpoint struct {
	vendor vendor
	method string
	path   string // as faults name it: without flowServicePath
	kind   string // of its ledger entry
	entity string
	scope  string // Pinterest's, empty = none needed
	handle func(*call) answer
}

// call is one request under way. The emulator is locked while it is handled.
type call struct {
	*Emulator
	endpoint
	r           *http.Request
	body        []byte
	requestID   string
	org         *organization // whose credentials these are, once known
	sandbox     *sandbox
	actor       string
	claimed     string // the organization the caller names
	fault       *activeFault
	pinToken    *pinterestToken
	rateHeaders http.Header // Pinterest's count, for the answer
	entry       Entry       // what the ledger will say
}

// routes wires vendors, control paths and console.
func (e *Emulator) routes() http.Handler {
	mux := http.NewServeMux()
	for _, ep := range e.endpoints() {
		prefix := ""
		if ep.vendor == vendorAdobe {
			prefix = flowServicePath
		}
		mux.Handle(ep.method+" "+prefix+ep.path, e.serve(ep))
	}
	mux.Handle(flowServicePath+"/", e.serve(endpoint{vendor: vendorAdobe, path: "/", kind: KindRead, handle: (*call).unknownPath}))
	mux.Handle("/v5/", e.serve(endpoint{vendor: vendorPinterest, path: "/v5/", kind: KindRead, entity: entityPinterest, handle: (*call).unknownPath}))
	mux.Handle("/ads/v4/", e.serve(endpoint{vendor: vendorPinterest, path: "/ads/v4/", kind: KindRead, entity: entityPinterest, handle: (*call).oldPinterest}))
	e.controlRoutes(mux)
	e.consoleRoutes(mux)
	// Forms of another site must not act for the person at this console; programs send no Origin and pass.
	return http.NewCrossOriginProtection().Handler(mux)
}

func (e *Emulator) endpoints() []endpoint {
	const flow, connection, target, spec, run, pin = entityFlow, entityConnection, entityTarget, entitySpec, entityRun, entityPinterest
	return []endpoint{
		{vendorIMS, "POST", "/ims/token/v3", KindToken, "", "", (*call).mintToken},

		{vendorAdobe, "GET", "/flows", KindList, flow, "", (*call).listFlows},
		{vendorAdobe, "GET", "/flows/{id}", KindRead, flow, "", (*call).readFlow},
		{vendorAdobe, "PATCH", "/flows/{id}", KindWrite, flow, "", (*call).patchFlow},
		{vendorAdobe, "DELETE", "/flows/{id}", KindWrite, flow, "", (*call).deleteFlow},
		{vendorAdobe, "POST", "/flows/{id}/action", KindWrite, flow, "", (*call).actOnFlow},
		{vendorAdobe, "GET", "/connections", KindList, connection, "", (*call).listConnections},
		{vendorAdobe, "GET", "/connections/{id}", KindRead, connection, "", (*call).readConnection},
		{vendorAdobe, "GET", "/connections/{id}/test", KindRead, connection, "", (*call).testConnection},
		{vendorAdobe, "PATCH", "/connections/{id}", KindWrite, connection, "", (*call).patchConnection},
		{vendorAdobe, "DELETE", "/connections/{id}", KindWrite, connection, "", (*call).deleteConnection},
		{vendorAdobe, "GET", "/targetConnections", KindList, target, "", (*call).listTargets},
		{vendorAdobe, "GET", "/targetConnections/{id}", KindRead, target, "", (*call).readTarget},
		{vendorAdobe, "PATCH", "/targetConnections/{id}", KindWrite, target, "", (*call).patchTarget},
		{vendorAdobe, "GET", "/connectionSpecs", KindList, spec, "", (*call).listConnectionSpecs},
		{vendorAdobe, "GET", "/connectionSpecs/{id}", KindRead, spec, "", (*call).readConnectionSpec},
		{vendorAdobe, "GET", "/flowSpecs", KindList, spec, "", (*call).listFlowSpecs},
		{vendorAdobe, "GET", "/runs", KindList, run, "", (*call).listRuns},
		{vendorAdobe, "GET", "/runs/{id}", KindRead, run, "", (*call).readRun},

		{vendorPinterest, "POST", "/v5/oauth/token", KindToken, pin, "", (*call).pinterestToken},
		{vendorPinterest, "GET", "/v5/user_account", KindRead, pin, "user_accounts:read", (*call).userAccount},
		{vendorPinterest, "GET", "/v5/ad_accounts", KindList, pin, scopeRead, (*call).listAdAccounts},
		{vendorPinterest, "GET", "/v5/ad_accounts/{id}", KindRead, pin, scopeRead, (*call).readAdAccount},
		{vendorPinterest, "GET", "/v5/ad_accounts/{id}/audiences", KindList, pin, scopeRead, (*call).listAudiences},
		{vendorPinterest, "GET", "/v5/ad_accounts/{id}/audiences/{audience}", KindRead, pin, scopeRead, (*call).readAudience},
		{vendorPinterest, "GET", "/v5/ad_accounts/{id}/customer_lists", KindList, pin, scopeRead, (*call).listCustomerLists},
		{vendorPinterest, "GET", "/v5/ad_accounts/{id}/customer_lists/{list}", KindRead, pin, scopeRead, (*call).readCustomerList},
	}
}

// serve turns an endpoint into a handler: latency, fault, gateway, work, ledger, answer.
func (e *Emulator) serve(ep endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the request body cannot be read", http.StatusRequestEntityTooLarge)
			return
		}
		pause(r.Context(), e.latencyOf(ep))
		out, lost := e.work(r.Context(), &call{Emulator: e, endpoint: ep, r: r, body: body})
		if lost {
			panic(http.ErrAbortHandler) // the documented way to drop a connection without an answer
		}
		maps.Copy(w.Header(), out.header)
		w.WriteHeader(out.status)
		if _, err := w.Write(out.body); err != nil {
			e.log.Debug("answer not taken", zap.String("path", r.URL.Path), zap.Error(err))
		}
	})
}

// work handles the call under the lock and enters it into the ledger. lost means that the answer must not be sent.
func (e *Emulator) work(ctx context.Context, c *call) (out answer, lost bool) {
	e.lock()
	defer e.mu.Unlock()
	e.requests++
	c.requestID = fmt.Sprintf("emu-%d", e.requests)
	if given := c.r.Header.Get("X-Request-Id"); given != "" && len(given) <= maxRequestID {
		c.requestID = given
	}
	c.identify()
	c.entry = Entry{Kind: c.kind, Entity: c.entity, ID: c.r.PathValue("id"), RequestID: c.requestID}
	c.fault = e.strike(c)
	if c.fault != nil && c.fault.Effect == EffectDelay {
		e.mu.Unlock()
		pause(ctx, c.fault.Delay)
		e.lock()
	}
	out, lost = c.outcome()
	if out.header == nil {
		out.header = http.Header{}
	}
	c.sign(&out)
	c.record(out, lost)
	return out, lost
}

// outcome is the answer after the fault, if any, has had its say.
func (c *call) outcome() (out answer, lost bool) {
	if c.fault == nil {
		return c.judge(), false
	}
	if spoilt, final := c.before(); final {
		return spoilt, c.fault.Effect == EffectCutBefore
	}
	return c.after(c.judge())
}

// judge checks the caller as the vendor's gateway does and then does the work.
func (c *call) judge() answer {
	if refusal, refused := c.admit(); refused {
		return refusal
	}
	return c.handle(c)
}

// sign adds the headers every answer of the vendor has.
func (c *call) sign(out *answer) {
	if c.vendor == vendorPinterest {
		out.header.Set("X-Pinterest-Rid", c.requestID)
		maps.Copy(out.header, c.rateHeaders)
		return
	}
	out.header.Set("X-Request-Id", c.requestID)
}

// record enters the call into the ledger.
func (c *call) record(out answer, lost bool) {
	entry := c.entry
	entry.Actor, entry.Status = c.actor, out.status
	entry.Answered = !lost && c.r.Context().Err() == nil
	if entry.Organization == "" && c.org != nil {
		entry.Organization = c.org.id
	}
	if entry.Sandbox == "" && c.sandbox != nil {
		entry.Sandbox = c.sandbox.name
	}
	if c.fault != nil {
		entry.Fault = c.fault.ID
	}
	reads := entry.Kind == KindRead || entry.Kind == KindList || entry.Kind == KindToken
	if reads && c.settings.OmitReads && out.status < http.StatusBadRequest {
		return
	}
	c.enter(entry, nil)
	if ce := c.log.Check(zap.DebugLevel, "request"); ce != nil {
		ce.Write(zap.String("method", c.r.Method), zap.String("path", c.r.URL.Path), zap.Int("status", out.status),
			zap.String("organization", entry.Organization), zap.String("fault", entry.Fault))
	}
}

// unknownPath answers for what the vendor does not offer.
func (c *call) unknownPath() answer {
	if c.vendor == vendorPinterest {
		return pinterestRefusal(http.StatusNotFound, http.StatusNotFound, "no such path")
	}
	return c.refuse("1101-404", "Not found", "no resource at %s", c.r.URL.Path)
}

// pause waits in real time, or until the caller has gone.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// seconds is a duration as whole seconds, at least one, the way Retry-After wants it.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}
