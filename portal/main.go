// Command portal serves the page on which an organization's people reconnect their accounts. See portal --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"cutover/internal/engine"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong command line or configuration: starting again will not help
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is the operator's to correct: a command line or a configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the whole program with its surroundings given. It ends when ctx does.
func run(ctx context.Context, args []string, env engine.Environment, stdout, stderr io.Writer) int {
	root := command(env, stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "portal: "+err.Error())
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	return exitFailed
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
		Version:       engine.Version(),
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), env, stderr) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(linkCommand(env), &cobra.Command{
		Use:   "health",
		Short: "Ask the page on this machine whether it is ready: exit 0 if so, else 1",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return askHealth(cmd.Context(), env, cmd.OutOrStdout()) },
	})
	return root
}

func linkCommand(env engine.Environment) *cobra.Command {
	var asked linkAsked
	cmd := &cobra.Command{
		Use:   "link --org ID",
		Short: "Print a fresh link for an organization's people, to hand over; it works once",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(asked.organization) == "" {
				return usageError{errors.New("flag --org is missing: give the organization's id, such as --org 1A2B3C4D5E6F@AdobeOrg")}
			}
			if asked.lasts <= 0 || asked.lasts > longestLink {
				return usageError{fmt.Errorf("flag --lasts is %s: give more than 0 and at most %s", asked.lasts, longestLink)}
			}
			return printLink(cmd.Context(), env, asked, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&asked.organization, "org", "", "the organization's `ID`")
	cmd.Flags().StringVar(&asked.playbook, "playbook", "pinterest-v5", "the playbook's `NAME`")
	cmd.Flags().DurationVar(&asked.lasts, "lasts", defaultLink, "how long the link can be opened")
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown argument %q (see %s --help)", args[0], cmd.CommandPath())}
	}
	return nil
}
