// Command portal serves the page on which an organization's people reconnect their accounts. See portal --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
		Use:   "portal",
		Short: "Serve the page on which an organization's people reconnect their accounts, until SIGTERM or SIGINT",
		Long: `Serve the page on which an organization's people reconnect their accounts, until SIGTERM or SIGINT.

A person opens the link of a notice, or one that portal link prints; it works once. The page works while no worker runs, and before Temporal does.
GET /livez and GET /readyz answer whoever watches the process.

Everything is configured by the environment:
  CUTOVER_PORTAL_URL        where people reach the page, such as https://reconnect.acme.example; a proxy in front of it does TLS
  CUTOVER_PORTAL_ADDRESS    where it listens (default 127.0.0.1:8082)
  CUTOVER_STORE_URL         sqlite:PATH or postgres://...: the worker's (default sqlite:cutover.db)
  CUTOVER_STORE_KEYS        the keys' file: the worker's, who makes it at its first start (default cutover-keys.json)
  CUTOVER_STORE_KMS         URL of the key that seals the keys' file; empty: none does
  CUTOVER_PINTEREST_APP     file with client_id and client_secret of the app that people consent to; without it the page leads through Adobe alone.
                            The app must have registered CUTOVER_PORTAL_URL followed by /callback as a redirect URI
  CUTOVER_PINTEREST_URL     Pinterest's API (default the real one; https, or http for this machine)
  CUTOVER_PINTEREST_WEB_URL where people sign in at Pinterest (default the real one, or that of the API if it is another)
  CUTOVER_ALLOW_PLAIN_HTTP  1 allows http to other machines, for rehearsals only
  CUTOVER_CODEC_KEYS, CUTOVER_CODEC_KMS
                            keys of Temporal's payloads, where the worker encrypts them
  CUTOVER_LOG_FORMAT        json or console (default: console on a terminal, else json)
  CUTOVER_LOG_LEVEL         debug, info, warn or error (default info)
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE
                            Temporal, as for its own tools

Exit codes: 0 stopped as asked, 1 failed, 2 wrong command line or configuration.`,
		Version: engine.Version(),
		Args:    service.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), env, stderr) },
	}
	root.AddCommand(linkCommand(env), &cobra.Command{
		Use:   "health",
		Short: "Ask the page on this machine whether it is ready: exit 0 if so, else 1",
		Args:  service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _ := fromEnvironment(env) // a page with other faults does not answer either
			return service.AskHealth(cmd.Context(), "page", config.EnvPortalAddress, cfg.address, cmd.OutOrStdout())
		},
	})
	return root
}

func linkCommand(env engine.Environment) *cobra.Command {
	var asked linkAsked
	cmd := &cobra.Command{
		Use:   "link --org ID",
		Short: "Print a fresh link for an organization's people, to hand over; it works once",
		Args:  service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(asked.organization) == "" {
				return service.Misused(errors.New("flag --org is missing: give the organization's id, such as --org 1A2B3C4D5E6F@AdobeOrg"))
			}
			if asked.lasts <= 0 || asked.lasts > longestLink {
				return service.Misused(fmt.Errorf("flag --lasts is %s: give more than 0 and at most %s", asked.lasts, longestLink))
			}
			return printLink(cmd.Context(), env, asked, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&asked.organization, "org", "", "the organization's `ID`")
	cmd.Flags().StringVar(&asked.playbook, "playbook", "pinterest-v5", "the playbook's `NAME`")
	cmd.Flags().DurationVar(&asked.lasts, "lasts", defaultLink, "how long the link can be opened")
	return cmd
}
