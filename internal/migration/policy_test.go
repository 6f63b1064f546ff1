package migration_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/migration"
)

// What is asked about goes without saying in histories: no policy is Ask.
func TestAskIsNotWritten(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(migration.DriftPolicy{Mapping: migration.Ask, Advertiser: migration.Block})
	require.NoError(t, err)
	require.JSONEq(t, `{"advertiser":"block"}`, string(data))
	var read migration.DriftPolicy
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, migration.Ask, read.Of(migration.MappingDiffers))
	require.Equal(t, migration.Block, read.Of(migration.AdvertiserOther))
}

func TestWasBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 11, 20, 12, 0, 0, 0, time.UTC)
	pair := migration.PairState{Toggled: []migration.Toggled{{At: at, Card: "new", To: migration.Enabled}, {At: at, Card: "old", To: migration.Disabled}}}
	require.False(t, pair.WasBack(), "it was switched")
	pair.Toggled = append(pair.Toggled, migration.Toggled{At: at, Card: "new", To: migration.Disabled})
	require.True(t, pair.WasBack())
}
