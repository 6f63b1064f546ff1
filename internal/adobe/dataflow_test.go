package adobe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const fullFlow = `{
 "id":"flow-1","name":"Autumn","description":"d","state":"Enabled","createdAt":1700000000123,"updatedAt":"1700000001000",
 "createdBy":"a@AdobeID","updatedBy":"b@AdobeID","sandboxName":"emea","imsOrgId":"x","flowSpec":{"id":"flow-spec","version":"1.0"},
 "etag":"\"8b0351ca-0000-0200-0000-61c4d6700000\"","version":"\"other\"",
 "sourceConnectionIds":["source"],"targetConnectionIds":["target"],"unknown":{"deep":[1]},
 "inheritedAttributes":{"properties":{"isDestinationFlow":true},
  "targetConnections":[{"id":"target","connectionSpec":{"id":"spec","version":"1.0"},"baseConnection":{"id":"account","connectionSpec":{"id":"spec"}}}]},
 "transformations":[{"name":"GeneralTransform","params":{"mandatoryFields":["x"],
  "segmentSelectors":{"selectors":[
   {"type":"PLATFORM_SEGMENT","value":{"id":"b","name":"B","createTime":"1640000000","schedule":{"startDate":"2023-01-02","frequency":"ONCE"}}},
   {"type":"OTHER","value":{"id":"ignored"}},
   {"type":"PLATFORM_SEGMENT","value":{"id":"external","systemSegmentId":"a","namespace":"aamSegments","description":"from AAM"}},
   {"type":"PLATFORM_SEGMENT","value":{"id":"b","name":"B again"}}]},
  "profileSelectors":{"selectors":[
   {"type":"JSON_PATH","value":{"path":"workEmail.address","operator":"EXISTS"}},
   {"type":"JSON_PATH","value":{"path":"x","operator":"EXISTS","identity":{"namespace":"GAID"},
     "mapping":{"sourceType":"text/x.schema-path","source":"identityMap.GAID","destination":"pinterest_audience","identity":true,"primaryIdentity":false}}},
   {"type":"JSON_PATH","value":{"mapping":{"sourceAttribute":"a.b","destinationXdmPath":"c.d"}}}]}}}]}`

func TestDataflowIsReadWhole(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, pageOf("", fullFlow)))
	flow, err := f.sandbox(t).Dataflow(t.Context(), "flow-1")
	require.NoError(t, err)
	require.Equal(t, "/flows/flow-1", f.seen()[0].path)

	require.Contains(t, string(flow.Transformations), `"mandatoryFields":["x"]`)
	flow.Transformations, flow.selectors, flow.audienceHome = nil, nil, 0
	require.Equal(t, Dataflow{
		ID: "flow-1", Name: "Autumn", Description: "d", State: StateEnabled,
		Etag:   `"8b0351ca-0000-0200-0000-61c4d6700000"`,
		SpecID: "spec", AccountID: "account", TargetConnectionID: "target", FlowSpecID: "flow-spec", SandboxName: "emea",
		CreatedAt: time.UnixMilli(1700000000123).UTC(), UpdatedAt: time.UnixMilli(1700000001000).UTC(),
		CreatedBy: "a@AdobeID", UpdatedBy: "b@AdobeID",
		Audiences: []Audience{
			{ID: "a", SelectorID: "external", Namespace: "aamSegments", Description: "from AAM"},
			{ID: "b", SelectorID: "b", Name: "B", StartDate: "2023-01-02"},
		},
		MappingForm: MappingSelectors,
		Mappings: []Mapping{
			{Source: "a.b", Destination: "c.d"},
			{Source: "identityMap.GAID", Destination: "pinterest_audience", Namespace: "GAID"},
			{Source: "workEmail.address"},
		},
	}, flow)
}

func TestDataflowWithLittleInIt(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"only an id":     `{"id":"flow-1"}`,
		"nulls":          `{"id":"flow-1","name":null,"createdAt":null,"inheritedAttributes":null,"transformations":null,"flowSpec":null,"targetConnectionIds":null}`,
		"empty":          `{"id":"flow-1","createdAt":0,"updatedAt":"","inheritedAttributes":{"targetConnections":[]},"transformations":[],"flowSpec":{}}`,
		"nothing inside": `{"id":"flow-1","transformations":[{"name":"GeneralTransform"},{"params":{"segmentSelectors":null,"profileSelectors":{"selectors":[]}}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow, err := newFake(t, always(http.StatusOK, pageOf("", raw))).sandbox(t).Dataflow(t.Context(), "flow-1")
			require.NoError(t, err)
			require.Empty(t, flow.Audiences)
			require.Equal(t, MappingNone, flow.MappingForm)
			require.True(t, flow.CreatedAt.IsZero())
			require.True(t, flow.UpdatedAt.IsZero())
		})
	}
}

func TestTargetConnectionIDWithoutInheritance(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, pageOf("", `{"id":"flow-1","targetConnectionIds":["target"],"version":"unquoted"}`)))
	flow, err := f.sandbox(t).Dataflow(t.Context(), "flow-1")
	require.NoError(t, err)
	require.Equal(t, "target", flow.TargetConnectionID)
	require.Equal(t, `"unquoted"`, flow.Etag)
}

func TestMappingForms(t *testing.T) {
	t.Parallel()
	const one = `{"selectors":[{"type":"JSON_PATH","value":{"path":"p"}}]}`
	for name, tc := range map[string]struct {
		transformations string
		form            MappingForm
		want            []Mapping
	}{
		"selectors":           {`[{"params":{"profileSelectors":` + one + `}}]`, MappingSelectors, []Mapping{{Source: "p"}}},
		"same twice":          {`[{"params":{"profileSelectors":` + one + `}},{"params":{"profileSelectors":` + one + `}}]`, MappingSelectors, []Mapping{{Source: "p"}}},
		"set":                 {`[{"params":{"profileMapping":{"mappingId":"m","mappingVersion":3},"identityMapping":{}}}]`, MappingSet, []Mapping{{SetID: "m", SetVersion: "3"}}},
		"set as text":         {`[{"params":{"profileMapping":{"mappingId":"m","mappingVersion":"3"}}}]`, MappingSet, []Mapping{{SetID: "m", SetVersion: "3"}}},
		"set without id":      {`[{"params":{"profileMapping":{"other":1}}}]`, MappingUnknown, nil},
		"both":                {`[{"params":{"profileMapping":{"mappingId":"m"},"profileSelectors":` + one + `}}]`, MappingUnknown, nil},
		"both, apart":         {`[{"params":{"profileMapping":{"mappingId":"m"}}},{"params":{"profileSelectors":` + one + `}}]`, MappingUnknown, nil},
		"selector of text":    {`[{"params":{"profileSelectors":{"selectors":["p"]}}}]`, MappingUnknown, nil},
		"selector of no sort": {`[{"params":{"profileSelectors":{"selectors":[{"type":"X","value":{"y":1}}]}}}]`, MappingUnknown, nil},
		"none":                {`[{"params":{}}]`, MappingNone, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var transforms []wireTransform
			require.NoError(t, json.Unmarshal([]byte(tc.transformations), &transforms))
			form, got := mappings(transforms)
			require.Equal(t, tc.form, form)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestEnableAndDisable(t *testing.T) {
	t.Parallel()
	for action, do := range map[string]func(*Sandbox) error{
		"enable":  func(s *Sandbox) error { return s.Enable(t.Context(), "flow-1") },
		"disable": func(s *Sandbox) error { return s.Disable(t.Context(), "flow-1") },
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			for status, body := range map[int]string{
				http.StatusOK:        `{"id":"flow-1","etag":"\"e\""}`,
				http.StatusAccepted:  ``,
				http.StatusNoContent: ``,
			} {
				f := newFake(t, always(status, body))
				require.NoError(t, do(f.sandbox(t)))
				call := f.seen()[0]
				require.Equal(t, "POST /flows/flow-1/action", call.method+" "+call.path)
				require.Equal(t, map[string][]string{"op": {action}}, call.query)
				require.Empty(t, call.body)
				require.NotContains(t, call.header, "Content-Type")
				require.NotContains(t, call.header, "If-Match")
				require.Equal(t, "0", call.header.Get("Content-Length"))
			}

			refused := newFake(t, always(http.StatusBadRequest, `{"type":"https://ns.adobe.com/aep/errors/FLOW-1422-400"}`))
			require.ErrorIs(t, do(refused.sandbox(t)), ErrState)
			require.Len(t, refused.seen(), 1)

			for _, odd := range []string{"<html>ok</html>", `{"id":"flow-2"}`, `[]`, `{"id":"flow-1"`} {
				var malformed *MalformedError
				require.ErrorAs(t, do(newFake(t, always(http.StatusOK, odd)).sandbox(t)), &malformed, odd)
			}
		})
	}
}

func TestIDsStayInsideTheirResource(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, noItems))
	s := f.sandbox(t)
	for _, id := range []string{"", "..", "a/b", "a?op=enable", "a#b", "a b", "a%2fb", "ä"} {
		_, flow := s.Dataflow(t.Context(), id)
		_, account := s.Account(t.Context(), id)
		_, probe := s.TestAccount(t.Context(), id)
		for i, err := range []error{
			flow, account, probe, s.Enable(t.Context(), id), s.Disable(t.Context(), id),
			s.PatchDataflow(t.Context(), id, `"e"`, PatchOp{Op: OpAdd}), s.PatchAccount(t.Context(), id, `"e"`, json.RawMessage(`{}`)),
			s.AddAudience(t.Context(), id, Audience{ID: "a"}), s.RemoveAudience(t.Context(), id, Audience{ID: "a"}),
		} {
			require.ErrorContains(t, err, "is not an id", fmt.Sprint(id, i))
		}
	}
	require.Zero(t, f.minted())
}

func TestPatchDataflow(t *testing.T) {
	t.Parallel()
	for given, sent := range map[string]string{`"e-1"`: `"e-1"`, `e-1`: `"e-1"`, `W/"e-1"`: `W/"e-1"`} {
		f := newFake(t, always(http.StatusAccepted, ""))
		require.NoError(t, f.sandbox(t).PatchDataflow(t.Context(), "flow-1", given,
			PatchOp{Op: OpReplace, Path: "/name", Value: "n"}, PatchOp{Op: OpRemove, Path: "/x/0"}))
		call := f.seen()[0]
		require.Equal(t, "PATCH /flows/flow-1", call.method+" "+call.path)
		require.Equal(t, sent, call.header.Get("If-Match"))
		require.Equal(t, "application/json", call.header.Get("Content-Type"))
		require.JSONEq(t, `[{"op":"replace","path":"/name","value":"n"},{"op":"remove","path":"/x/0"}]`, call.body)
	}

	stale := newFake(t, always(http.StatusPreconditionFailed, `{"errorMessage":"version","errorDetails":"mismatch"}`))
	err := stale.sandbox(t).PatchDataflow(t.Context(), "flow-1", `"e"`, PatchOp{Op: OpAdd, Path: "/x", Value: 1})
	require.ErrorIs(t, err, ErrPrecondition)
	require.Len(t, stale.seen(), 1)

	s := stale.sandbox(t)
	require.ErrorContains(t, s.PatchDataflow(t.Context(), "flow-1", "", PatchOp{Op: OpAdd}), "etag")
	require.ErrorContains(t, s.PatchDataflow(t.Context(), "flow-1", `"e"`), "operation")
	require.ErrorContains(t, s.PatchDataflow(t.Context(), "flow-1", `"e"`, PatchOp{Op: OpAdd, Value: func() {}}), "not JSON")
	require.Len(t, stale.seen(), 1)
}
