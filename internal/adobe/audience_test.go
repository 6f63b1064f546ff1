package adobe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const selectorsOfFirst = "/transformations/0/params/segmentSelectors/selectors/"

// flowServer holds one dataflow and applies audience patches as RFC 6902 says.
type flowServer struct {
	mu        sync.Mutex
	selectors []json.RawMessage
	etag      int
	conflicts int  // how many patches find the dataflow changed
	deaf      bool // accepts patches and does nothing
	patches   [][]PatchOp
	reads     int
	ifMatch   []string
}

func newFlowServer(audiences ...string) *flowServer {
	s := &flowServer{etag: 1}
	for _, id := range audiences {
		s.selectors = append(s.selectors, json.RawMessage(fmt.Sprintf(`{"type":"PLATFORM_SEGMENT","value":{"id":%q}}`, id)))
	}
	return s
}

func (s *flowServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	etag := fmt.Sprintf(`"e-%d"`, s.etag)
	if r.Method == http.MethodGet {
		s.reads++
		selectors, _ := json.Marshal(s.selectors)
		quoted, _ := json.Marshal(etag)
		answerWith(w, http.StatusOK, fmt.Sprintf(
			`{"items":[{"id":"flow-1","etag":%s,"transformations":[{"params":{"segmentSelectors":{"selectors":%s}}}]}]}`, quoted, selectors))
		return
	}
	if s.conflicts > 0 {
		s.conflicts--
		s.etag++
	}
	s.ifMatch = append(s.ifMatch, r.Header.Get("If-Match"))
	if r.Header.Get("If-Match") != fmt.Sprintf(`"e-%d"`, s.etag) {
		answerWith(w, http.StatusPreconditionFailed, `{"errorMessage":"stale"}`)
		return
	}
	var ops []PatchOp
	_ = json.NewDecoder(r.Body).Decode(&ops)
	s.patches = append(s.patches, ops)
	if !s.deaf {
		for _, op := range ops {
			s.apply(op)
		}
		s.etag++
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *flowServer) apply(op PatchOp) {
	place := strings.TrimPrefix(op.Path, selectorsOfFirst)
	if op.Op == OpAdd && place == "-" {
		value, _ := json.Marshal(op.Value)
		s.selectors = append(s.selectors, value)
		return
	}
	if index, err := strconv.Atoi(place); err == nil && op.Op == OpRemove {
		s.selectors = slices.Delete(s.selectors, index, index+1)
	}
}

func (s *flowServer) holds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var held []string
	for _, raw := range s.selectors {
		var w wireSegment
		_ = json.Unmarshal(raw, &w)
		held = append(held, string(w.Value.ID))
	}
	return held
}

func TestAddAudience(t *testing.T) {
	t.Parallel()
	server := newFlowServer("a")
	audience := Audience{ID: "system", SelectorID: "external", Name: "N", Description: "D", Namespace: "aamSegments", StartDate: "2023-01-02"}
	require.NoError(t, newFake(t, server.ServeHTTP).sandbox(t).AddAudience(t.Context(), "flow-1", audience))
	require.Equal(t, []string{"a", "external"}, server.holds())
	require.Equal(t, 2, server.reads, "once before, once to see it")
	require.Len(t, server.patches, 1)
	require.JSONEq(t, `[{"op":"add","path":"/transformations/0/params/segmentSelectors/selectors/-","value":{"type":"PLATFORM_SEGMENT",
		"value":{"id":"external","systemSegmentId":"system","name":"N","description":"D","namespace":"aamSegments","schedule":{"startDate":"2023-01-02"}}}}]`,
		asJSON(t, server.patches[0]))
	require.Equal(t, []string{`"e-1"`}, server.ifMatch)
}

func TestAddAudienceSendsOnlyWhatIsKnown(t *testing.T) {
	t.Parallel()
	server := newFlowServer()
	require.NoError(t, newFake(t, server.ServeHTTP).sandbox(t).AddAudience(t.Context(), "flow-1", Audience{ID: "b"}))
	require.JSONEq(t, `{"type":"PLATFORM_SEGMENT","value":{"id":"b"}}`, asJSON(t, server.patches[0][0].Value))
}

func TestAudienceEditsAreIdempotent(t *testing.T) {
	t.Parallel()
	server := newFlowServer("a")
	s := newFake(t, server.ServeHTTP).sandbox(t)
	require.NoError(t, s.AddAudience(t.Context(), "flow-1", Audience{ID: "a"}))
	require.NoError(t, s.RemoveAudience(t.Context(), "flow-1", Audience{ID: "b"}))
	require.Empty(t, server.patches)
	require.ErrorContains(t, s.AddAudience(t.Context(), "flow-1", Audience{SelectorID: "x"}), "no id")
	require.ErrorContains(t, s.RemoveAudience(t.Context(), "flow-1", Audience{}), "no id")
}

func TestAudienceEditsReadAgainWhenTheDataflowChanged(t *testing.T) {
	t.Parallel()
	for conflicts := range maxConflicts + 2 {
		for name, do := range map[string]func(*Sandbox) error{
			"add":    func(s *Sandbox) error { return s.AddAudience(t.Context(), "flow-1", Audience{ID: "b"}) },
			"remove": func(s *Sandbox) error { return s.RemoveAudience(t.Context(), "flow-1", Audience{ID: "a"}) },
		} {
			server := newFlowServer("a")
			server.conflicts = conflicts
			err := do(newFake(t, server.ServeHTTP).sandbox(t))
			if conflicts <= maxConflicts {
				require.NoError(t, err, name)
				require.Len(t, server.patches, 1)
				require.Len(t, server.ifMatch, conflicts+1)
				continue
			}
			require.ErrorIs(t, err, ErrPrecondition, name)
			require.Len(t, server.ifMatch, maxConflicts+1)
			require.Equal(t, []string{"a"}, server.holds())
		}
	}
}

func TestAnEditThatDoesNotShowIsUnverified(t *testing.T) {
	t.Parallel()
	server := newFlowServer("a")
	server.deaf = true
	s := newFake(t, server.ServeHTTP).sandbox(t)
	for _, err := range []error{
		s.AddAudience(t.Context(), "flow-1", Audience{ID: "b"}), s.RemoveAudience(t.Context(), "flow-1", Audience{ID: "a"}),
	} {
		require.ErrorIs(t, err, ErrUnverified)
		require.ErrorContains(t, err, "organization "+testOrg)
	}
	require.Len(t, server.patches, 2)
}

func TestAnEditNeedsAPlaceForAudiences(t *testing.T) {
	t.Parallel()
	f := newFake(t, always(http.StatusOK, `{"items":[{"id":"flow-1","etag":"e","transformations":[{"params":{}}]}]}`))
	err := f.sandbox(t).AddAudience(t.Context(), "flow-1", Audience{ID: "a"})
	var malformed *MalformedError
	require.ErrorAs(t, err, &malformed)
	require.Len(t, f.seen(), 1)
}

func TestAudiencesOfALaterTransformation(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			answerWith(w, http.StatusBadRequest, `{}`)
			return
		}
		answerWith(w, http.StatusOK, `{"items":[{"id":"flow-1","etag":"e","transformations":[{"name":"first"},
			{"params":{"segmentSelectors":{"selectors":[{"type":"OTHER","value":{"id":"a"}},{"type":"platform_segment","value":{"id":"a"}}]}}}]}]}`)
	})
	s := f.sandbox(t)
	require.Error(t, s.AddAudience(t.Context(), "flow-1", Audience{ID: "b"}))
	require.Error(t, s.RemoveAudience(t.Context(), "flow-1", Audience{ID: "a"}))
	calls := f.seen()
	require.Contains(t, calls[1].body, `"/transformations/1/params/segmentSelectors/selectors/-"`)
	require.Contains(t, calls[3].body, `"/transformations/1/params/segmentSelectors/selectors/1"`)
}

// Whatever a dataflow holds, duplicates included, removing takes out every copy of
// one audience and nothing else, with one operation per patch.
func TestRemoveAudienceTouchesNothingElse(t *testing.T) {
	t.Parallel()
	current := make(chan *flowServer, 1)
	f := &fake{serve: func(w http.ResponseWriter, r *http.Request) {
		server := <-current
		current <- server
		server.ServeHTTP(w, r)
	}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.handle))
	t.Cleanup(f.Close)
	s := f.sandbox(t)
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 8).Draw(t, "audiences")
		victim := rapid.SampledFrom([]string{"a", "b", "x"}).Draw(t, "removed")
		server := newFlowServer(before...)
		server.conflicts = rapid.IntRange(0, maxConflicts).Draw(t, "conflicts")
		current <- server
		err := s.RemoveAudience(t.Context(), "flow-1", Audience{ID: victim})
		<-current
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(before), func(id string) bool { return id == victim })
		if !slices.Equal(want, server.holds()) {
			t.Fatalf("holds %v, want %v", server.holds(), want)
		}
		for _, ops := range server.patches {
			if len(ops) != 1 {
				t.Fatalf("%d operations in one patch", len(ops))
			}
		}
	})
}
