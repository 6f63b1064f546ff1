package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cutover/internal/pinterest"
)

func TestPinterestApp(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../pinterest-app.example.yaml")
	require.NoError(t, err)
	path := put(t, "pinterest-app.yaml", string(example), 0o600)
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(path), "secrets"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "secrets", "pinterest"), []byte(canary+"\n"), 0o600))
	app, err := ReadPinterestApp(path, environment())
	require.NoError(t, err)
	require.Equal(t, pinterest.App{ClientID: "1500000", ClientSecret: canary}, app)
}

func TestPinterestAppTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ReadPinterestApp(put(t, "app.yaml", "client_secret: "+canary+"\nscopes: []\n", 0o600), environment())
	require.Equal(t, []string{
		"f:1: client_id: is missing: the app's id at Pinterest",
		"f:1: client_secret: is written in place; a secret stands in a file or an environment variable of its own: give {file: PATH} or {env: NAME}",
		"f:2: field scopes is unknown here",
	}, faults(t, err))
	for want, path := range map[string]string{
		"CUTOVER_PINTEREST_APP: no file at absent: write one (pinterest-app.example.yaml shows it)": "absent",
		"can be read by others": put(t, "app.yaml", "client_id: a", 0o644),
		"the file is empty":     put(t, "app.yaml", "# nothing", 0o600),
	} {
		_, err := ReadPinterestApp(path, environment())
		require.ErrorContains(t, err, want)
	}
}
