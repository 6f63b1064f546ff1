// Command worker runs the workflows and activities of migrations. See worker --help.
package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/service"
)

func main() { service.Main(run) }

// run is the whole program with its surroundings given. It ends when ctx does.
func run(ctx context.Context, args []string, env engine.Environment, stdout, stderr io.Writer) int {
	return service.Run(ctx, command(env, stderr), args, stdout, stderr)
}

func command(env engine.Environment, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "worker",
		Short: "Run the workflows and activities of migrations until SIGTERM or SIGINT",
		Long: `Run the workflows and activities of migrations until SIGTERM or SIGINT.

Everything is configured by the environment:
  CUTOVER_CREDENTIALS       credentials.yaml, readable by the worker's user alone (default credentials.yaml)
  CUTOVER_ADOBE_RPS         requests per second to Adobe, all organizations together (default 40)
  CUTOVER_HEALTH_ADDRESS    where GET /livez and GET /readyz listen (default 127.0.0.1:8081)
  CUTOVER_NOTICES           directory that notices are delivered into, or a channels file ending in .yaml such as notices.example.yaml (default ./notices)
  CUTOVER_REPORTS           directory that evidence is written into, or the URL of a bucket such as s3://bucket/folder?region=eu-west-1
                            or azblob://container/folder, with credentials as for the vendor's own tools (default ./reports)
  CUTOVER_STORE_URL         where grants, links and receipts are kept: sqlite:PATH, or postgres://... for several workers (default sqlite:cutover.db)
  CUTOVER_STORE_KEYS        file with the keys that seal them, made at the first start (default cutover-keys.json)
  CUTOVER_STORE_KMS         key that the keys' file is sealed with, such as awskms:///alias/cutover?region=eu-west-1 (default: none)
  CUTOVER_PINTEREST_APP     pinterest-app.yaml, the operator's own app at Pinterest (default: none, then no grants are held)
  CUTOVER_PORTAL_URL        where people reach the reconnect page; notices then link to it (default: none)
  CUTOVER_LINK_LIFETIME     of such a link, 10m to 720h (default 72h)
  CUTOVER_CODEC_KEYS        file with the keys that encrypt Temporal's payloads (default: none, then they are not encrypted)
  CUTOVER_CODEC_KMS         key that this file is sealed with (default: none)
  CUTOVER_CODEC_ADDRESS     where POST /decode listens for the Web UI, such as 127.0.0.1:8083 (default: nowhere)
  CUTOVER_CODEC_ORIGINS     Web UIs that may ask there, such as https://temporal.acme.example, separated by commas (default: none)
  CUTOVER_CODEC_TOKEN       file with the token that they must send; needed where other machines reach the address (default: none)
  CUTOVER_LOG_FORMAT        json or console (default: console on a terminal, else json)
  CUTOVER_LOG_LEVEL         debug, info, warn or error (default info)
  CUTOVER_ADOBE_IMS_URL, CUTOVER_ADOBE_URL, CUTOVER_PINTEREST_URL
                            the vendors (default the real ones; https, or http for this machine)
  CUTOVER_ALLOW_PLAIN_HTTP  1 allows http to other machines, for rehearsals only
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE
                            Temporal, as for its own tools

Exit codes: 0 stopped as asked, 1 failed, 2 wrong command line or configuration.`,
		Version: engine.Version(),
		Args:    service.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), env, stderr) },
	}
	root.AddCommand(&cobra.Command{
		Use:   "health",
		Short: "Ask the worker on this machine whether it is ready: exit 0 if so, else 1",
		Args:  service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _ := config.WorkerFromEnv(env.Getenv) // a worker with other faults does not answer either
			return service.AskHealth(cmd.Context(), "worker", config.EnvHealthAddress, cfg.HealthAddress, cmd.OutOrStdout())
		},
	})
	root.AddCommand(keysCommand(env), grantsCommand(env))
	return root
}
