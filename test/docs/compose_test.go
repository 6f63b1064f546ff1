package docs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestAdobesSecretsAreMountedIntoTheWorkerAlone(t *testing.T) {
	t.Parallel()
	var stack struct {
		Services map[string]struct {
			Secrets []string `yaml:"secrets"`
			Volumes []string `yaml:"volumes"`
		} `yaml:"services"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "docker-compose.yml")), &stack))
	require.Contains(t, stack.Services, "portal")
	places := map[string][]string{}
	for name, service := range stack.Services {
		for _, source := range append(service.Secrets, service.Volumes...) {
			source, _, _ = strings.Cut(source, ":")
			places[source] = append(places[source], name)
		}
	}
	require.Equal(t, []string{"worker"}, places["credentials"])
	require.Equal(t, []string{"worker"}, places["./deploy/secrets/clients"])
	require.ElementsMatch(t, []string{"worker", "portal"}, places["store"])
	require.ElementsMatch(t, []string{"worker", "portal"}, places["./deploy/secrets/pinterest"])
	require.Equal(t, []string{"worker"}, places["state"], "notices hold links")
}
