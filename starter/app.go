package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cutover/internal/engine"
)

// app is one run of the command with its surroundings and the flags that every command has.
type app struct {
	env      engine.Environment
	stdout   io.Writer
	stderr   io.Writer
	terminal bool // stderr is one: progress may be shown
	now      func() time.Time
	connect  func(context.Context) (connection, error)

	manifestPath string
	playbook     string
	output       string
}

const defaultManifest = "organizations.yaml"

// Output formats.
const (
	formatTable    = "table"
	formatJSON     = "json"
	formatCSV      = "csv"
	formatMarkdown = "markdown"
	formatHTML     = "html"
)

// Main is the whole program with its surroundings given, and returns the exit code.
func Main(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	a := &app{env: environ, stdout: onScreen(stdout), stderr: stderr, now: time.Now}
	if file, ok := stderr.(*os.File); ok {
		a.terminal = term.IsTerminal(int(file.Fd()))
	}
	a.connect = a.dial
	return a.run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.command()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && asksJSON(args) {
		a.output = formatJSON // flags behind a wrong one were not read
	}
	return a.report(err)
}

func asksJSON(args []string) bool {
	for i, arg := range args {
		switch arg {
		case "-o", "--output":
			if i+1 < len(args) && args[i+1] == formatJSON {
				return true
			}
		case "-ojson", "-o=json", "--output=json":
			return true
		}
	}
	return false
}

const longHelp = `Start migrations, show how they stand and carry what operators decide to them.

Organizations come from the manifest (organizations.yaml, see organizations.example.yaml), which holds no secrets; credentials are the worker's.
Commands for one organization need no manifest when --playbook names the playbook.

Output: -o table for people, -o json for programs; fields of the JSON are only ever added. Progress and warnings go to standard error. A command
that fails writes one line to standard error saying what to do. With -o json it also writes {"error": {"kind": ..., "message": ...}} to standard
output, unless its result is there and tells of the failure. Kinds: usage, failed, unreachable, not_started, finished, refused, no_worker.

Exit codes: 0 done, 1 failed, 2 wrong command line, manifest or playbook.

Temporal is reached as by its own tools: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE,
TEMPORAL_CONFIG_FILE. CUTOVER_WEB_URL is where its Web UI is (default ` + engine.DefaultWebURL + `).

Where the worker encrypts what it keeps in Temporal, starter needs the same keys: ` + engine.EnvCodecKeys + ` names their file, ` + engine.EnvCodecKMS + ` the key
management service that sealed it, if one did.`

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "starter",
		Short:         "Start migrations, show how they stand and carry what operators decide to them",
		Long:          longHelp,
		Version:       engine.Version(),
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkOutput(cmd)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w (see %s --help)", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.manifestPath, "manifest", defaultManifest, "the manifest `FILE`")
	flags.StringVar(&a.playbook, "playbook", "", "the playbook's `NAME`, or a path ending in .yaml, instead of the manifest's")
	flags.StringVarP(&a.output, "output", "o", formatTable, "`FORMAT` of the output: table or json (plan: also markdown; status: also csv; report: also html, csv)")
	root.AddCommand(
		a.startCommand(), a.planCommand(), a.statusCommand(), a.reportCommand(), a.signalCommand(),
		a.approveCommand(), a.pairCommand(), a.settleCommand(), a.rollbackCommand(),
		a.pauseCommand(), a.resumeCommand(), a.stopCommand(), a.releaseCommand(), a.rescheduleCommand(), a.cancelCommand(),
		a.searchAttributesCommand(), a.validateCommand(), a.versionCommand(),
	)
	a.complete(root)
	return root
}

// moreFormats is the annotation of commands that write more than the formats all have; its value names them.
const moreFormats = "formats"

func formats(cmd *cobra.Command) []string {
	return append([]string{formatTable, formatJSON}, strings.Fields(cmd.Annotations[moreFormats])...)
}

func (a *app) checkOutput(cmd *cobra.Command) error {
	if known := formats(cmd); !slices.Contains(known, a.output) {
		bad := a.output
		a.output = formatTable
		return usage("flag --output is %q: use %s", bad, strings.Join(known, " or "))
	}
	return nil
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unknown argument %q (see %s --help)", args[0], cmd.CommandPath())
	}
	return nil
}

// need refuses flags that are missing or empty; each comes with what a person should give.
func need(cmd *cobra.Command, flags ...string) error {
	hints := map[string]string{
		"org":     "the organization's id, such as --org 1A2B3C4D5E6F@AdobeOrg",
		"by":      "who acts, such as --by operator",
		"account": "the account's id, as starter status --org ID lists it",
		"plan":    "the hash that starter plan --org ID prints",
		"reason":  "why, for whoever looks later",
		"old":     "the old dataflow's id, as starter plan --org ID prints it",
		"answer":  "carry or accept",
		"out":     "the file to write, such as --out progress.html",
		"new":     "the id of its copy, or none to leave it out",
	}
	for _, name := range flags {
		if strings.TrimSpace(cmd.Flag(name).Value.String()) == "" {
			return usage("flag --%s is missing: give %s", name, hints[name])
		}
	}
	return nil
}

// warn tells a person something that is no failure.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.stderr, "warning: "+format+"\n", args...)
}
