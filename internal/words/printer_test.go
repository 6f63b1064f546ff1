package words_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/words"
)

func TestSay(t *testing.T) {
	t.Parallel()
	en, zh := words.In(words.English), words.In(words.Chinese)
	require.Equal(t, "and 3 more", en.Say("notice.more", "count", 3))
	require.Equal(t, "以及另外 3 個", zh.Say("notice.more", "count", 3))
	require.Equal(t, "and 1 more dataflow", en.Say("notice.missed.more", "count", 1))
	require.Equal(t, "and 2 more dataflows", en.Say("notice.missed.more", "count", 2))
	require.Equal(t, "and 0 more dataflows", en.Say("notice.missed.more", "count", 0))
	require.Equal(t, "以及另外 1 個資料流", zh.Say("notice.missed.more", "count", 1))
	require.Equal(t, "{id} ({name})", en.Say("notice.organization", "name", "{id}", "id", "{name}"), "what is filled in stays as it is")
	require.Equal(t, "a %d (%!s)", en.Say("notice.organization", "name", "a %d", "id", "%!s"))
	require.Equal(t, "no.such.key", en.Say("no.such.key", "count", 3))
}

func TestDay(t *testing.T) {
	t.Parallel()
	en, zh := words.In(words.English), words.In(words.Chinese)
	for _, c := range []struct{ zone, end, english, chinese string }{
		{"America/Los_Angeles", "2023-12-16T08:00:00Z", "2023-12-15 (end of day, America/Los_Angeles)", "2023-12-15（America/Los_Angeles 時區當日結束）"},
		{"UTC", "2023-12-16T00:00:00Z", "2023-12-15 (end of day, UTC)", "2023-12-15（UTC 時區當日結束）"},
		{"UTC", "2023-12-16T08:00:00Z", "2023-12-16T08:00:00Z", "2023-12-16 08:00:00（UTC）"},
		{"America/Los_Angeles", "2023-12-16T07:59:59Z", "2023-12-16T07:59:59Z", "2023-12-16 07:59:59（UTC）"},
		{"America/Los_Angeles", "2024-03-11T07:00:00Z", "2024-03-10 (end of day, America/Los_Angeles)", "2024-03-10（America/Los_Angeles 時區當日結束）"},
		{"America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-03 (end of day, America/Sao_Paulo)", "2018-11-03（America/Sao_Paulo 時區當日結束）"}, // that day begins at one
		{"Nowhere", "2023-12-16T08:00:00Z", "2023-12-16T08:00:00Z", "2023-12-16 08:00:00（UTC）"},
	} {
		require.Equal(t, c.english, en.Day(at(c.end), c.zone))
		require.Equal(t, c.chinese, zh.Day(at(c.end), c.zone))
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	taipei := at("2023-12-20T10:00:01Z").In(time.FixedZone("", 8*3600))
	require.Equal(t, "2023-12-20T10:00:01Z", words.In(words.English).Instant(taipei))
	require.Equal(t, "2023-12-20 10:00:01（UTC）", words.In(words.Chinese).Instant(taipei))
}
