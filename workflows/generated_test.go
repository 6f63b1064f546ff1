package workflows_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	generatedCases = flag.Int("generated.cases", 2000, "how many histories TestGeneratedHistories plays; a fifth of them under the race detector")
	generatedSeed  = flag.Uint64("generated.seed", 1, "the seed of the first one; 0: of the clock")
	generatedStop  = flag.Bool("generated.stop", true, "stop at the first history that fails")
	generatedShare = 1 // of the histories are played
)

// onceFailed are the seeds of histories that once showed a fault.
var onceFailed = []uint64{
	211,      // an audience that an interrupted rollback carried back is nowhere told
	205, 455, // the copy was deleted or disabled while its runs were judged, and it was accepted
	226, 1329, // another advertiser between the plan and the switch
	1221,               // an interrupted rollback was nowhere told
	1390,               // nothing was waited for at the instant of the shutdown
	3021, 3335, 700380, // a switched pair whose copy was deleted vanished when it was left out
	917,        // what was off at first and enabled since was forgotten when the old side was taken away
	1280,       // a success granted a whole lease to a sign-in that was older
	5072,       // a rollback enabled a dataflow that was never switched
	5303, 7230, // a twin's copy was taken for another one's
	20701, 40022, // what was asked became certain when the old side was taken away
}

// Whatever people, vendors and operators do, and whenever, every pair ends switched and verified, rolled back, left as people left it or held with a
// person named, and the invariants hold at every moment.
func TestGeneratedHistories(t *testing.T) {
	t.Parallel()
	base := pinterest(t, nov20)
	first := *generatedSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		t.Run("from seed", func(t *testing.T) {
			t.Parallel()
			for {
				i := int(next.Add(1)) - 1
				if i >= max(1, *generatedCases/generatedShare) || t.Failed() && *generatedStop {
					return
				}
				seed := first + uint64(i)
				if *generatedCases > len(onceFailed) && i < len(onceFailed) {
					seed = onceFailed[i]
				}
				if broken := playHistory(drawHistory(seed, base)); len(broken) > 0 {
					t.Error(failure(drawHistory(seed, base), broken))
				}
			}
		})
	}
}

// failure is what a person needs to see what happened and to see it again.
func failure(h history, broken []string) string {
	return fmt.Sprintf("seed %d:\n- %s\n\nIts history:\n%s\nAgain: go test ./workflows -run 'TestGeneratedHistories' -generated.cases 1 -generated.seed %d",
		h.seed, strings.Join(broken, "\n- "), h.words(), h.seed)
}
